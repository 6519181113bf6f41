"""Every row of the contract has a test that names it."""

import ast
from pathlib import Path

import pytest

LENGTHS = {"K": 3, "D": 5, "A": 6, "S": 5, "N": 5, "T": 4, "M": 4, "I": 4, "F": 6}
ROWS = {f"{letter}{number}" for letter, length in LENGTHS.items() for number in range(1, length + 1)} | {"U"}


def named_rows(path):
    """Return the rows that tests of a file name in ``@pytest.mark.row("…")``."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        argument.value
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for mark in node.decorator_list
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.row"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    }


NAMED = {path: named_rows(path) for path in sorted(Path(__file__).parent.rglob("test_*.py"))}


@pytest.mark.parametrize("row", sorted(ROWS))
def test_a_row_is_named_by_a_test(row):
    assert any(row in rows for rows in NAMED.values())


def test_no_test_names_a_row_that_is_none():
    assert {row for rows in NAMED.values() for row in rows} <= ROWS
