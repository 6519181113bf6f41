"""`make bench` runs each script with nothing but `--json FILE`: each has to be content with that."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

NEEDS = ("required", "nargs")
SCRIPTS = sorted((Path(__file__).parents[1] / "benchmarks").glob("*.py"))


def arguments(script: Path) -> list[ast.Call]:
    """Return the calls that give the script its arguments."""
    calls = [node for node in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_benchmark_needs_no_arguments_but_takes_a_file_for_its_figures(script):
    names = []
    for call in arguments(script):
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg in NEEDS}
        names.append(ast.literal_eval(call.args[0]))
        assert not given.get("required"), names[-1]
        assert names[-1].startswith("-") or given.get("nargs") in ("?", "*"), names[-1]
    assert "--json" in names
