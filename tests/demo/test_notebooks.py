"""Notebooks keep to the house's rules; that they run is shown by ``pytest --nbval notebooks``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MOST_LINES = 15


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


def test_a_notebook_is_small_and_says_which_kernel_it_needs(path: Path, notebook: dict[str, Any]):
    assert path.stat().st_size < 1_500_000
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_prose_comes_first_and_says_how_long_it_takes(notebook: dict[str, Any]):
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown"
    assert "you will be able to" in "".join(first["source"])
    assert "minutes" in "".join(first["source"])


def test_code_cells_are_short_ran_in_order_and_without_error(notebook: dict[str, Any]):
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert max(len("".join(cell["source"]).splitlines()) for cell in cells) <= MOST_LINES
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]


def test_only_public_names_are_used(notebook: dict[str, Any]):
    code = "".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert "relaylib._" not in code
    assert "._" not in code
