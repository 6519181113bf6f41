"""Labels that are changed on the disk while the widget shows them: nobody's are lost."""

from __future__ import annotations

import pytest
from annotator_page import annotate_cell, shown_by
from elsewhere import mark_elsewhere
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest
from relaylib.types import Annotation


@pytest.fixture
def kept(folder):
    """Give a function that reads the types on the disk, in the order of time."""
    return lambda: [span.artifact_type for span in read_manifest(folder / "labels.json").audio[0].annotations]


def test_what_another_process_wrote_is_kept_and_so_is_what_is_here(open_notebook, folder, kept):
    """The next edit says so and offers to reload; that takes theirs, and undo brings ours back."""
    write_take(folder / "take.wav", take(5000, [2500]))
    page = shown_by(open_notebook([annotate_cell(folder.name, f"{folder.name}/labels.json")]))
    page.draw(500, 700)
    mark_elsewhere(folder / "labels.json", Annotation(4000, 4200, "echo"))
    page.press("3")
    eventually(page.saved, "failed")
    page.wait_for_error("changed elsewhere")
    assert [row["artifact_type"] for row in page.rows()] == ["long pause"]
    assert kept() == ["click", "echo"]
    page.drag(2000, 2200)
    page.wait_for_rows(2)
    eventually(page.saved, "failed")
    page.wait_for_error("changed elsewhere")
    page.zoom(2100, 1000)
    view = page.view_ms()
    page.click_on("reload")
    page.wait_until_saved()
    eventually(lambda: [row["artifact_type"] for row in page.rows()], ["click", "echo"])
    assert page.error() is None
    assert page.view_ms() == view
    page.focus()
    page.press("Control+z")
    eventually(lambda: [row["artifact_type"] for row in page.rows()], ["long pause", "long pause"])
    page.wait_until_saved()
    assert kept() == ["long pause", "long pause"]
    page.press("Control+Shift+z")
    eventually(kept, ["click", "echo"])
    assert page.error() is None
