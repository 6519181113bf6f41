"""One annotator shown by two cells: the same labels in both, and either goes on without the other."""

from __future__ import annotations

import pytest
from annotator_page import AnnotatorPage, annotate_cell
from elsewhere import mark_elsewhere
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest
from relaylib.types import Annotation


def spans(page):
    """Return what the list says of each span."""
    return [(row["id"], row["artifact_type"], row["selected"]) for row in page.rows()]


def test_two_views_of_one_annotator_agree(open_notebook, folder):
    """Edits, undo, conflicts and messages are in both; when one is cleared the other works on."""
    write_take(folder / "take.wav", take(5000, [2500]))
    notebook = open_notebook([annotate_cell(folder.name, f"{folder.name}/labels.json"), "_1"])
    notebook.run(0)
    notebook.run(1)
    upper, lower = AnnotatorPage(notebook.page, 0), AnnotatorPage(notebook.page, 1)
    for page in (upper, lower):
        page.wait()
    upper.root.scroll_into_view_if_needed()
    upper.draw(500, 700)
    lower.wait_for_rows(1)
    upper.press("s")
    lower.root.scroll_into_view_if_needed()
    lower.draw(2000, 3000)
    upper.wait_for_rows(2)
    lower.press("2")
    eventually(lambda: [type_ for _, type_, _ in spans(upper)], ["click", "echo"])
    assert spans(upper) == spans(lower)
    lower.zoom(2500, 1500)
    lower.page.wait_for_timeout(500)
    assert upper.view_ms() == pytest.approx(lower.view_ms())
    lower.press("Control+z", "Control+z")
    upper.wait_for_rows(1)
    for page in (upper, lower):
        page.wait_until_saved()
        assert page.error() is None
    mark_elsewhere(folder / "labels.json", Annotation(4500, 4700, "echo"))
    lower.press("Escape", "Tab", "3")
    for page in (upper, lower):
        eventually(page.saved, "failed")
        page.wait_for_error("changed elsewhere")
    lower.click_on("reload")
    for page in (upper, lower):
        page.wait_until_saved()
        eventually(page.error, None)
    notebook.cell(1).locator(".jp-InputPrompt").click()
    notebook.command("notebook:clear-cell-output")
    eventually(lambda: notebook.page.locator('[data-relay="annotator"]').count(), 1)
    upper.root.scroll_into_view_if_needed()
    upper.focus()
    upper.press("0")
    upper.draw(3500, 4000)
    upper.press("Home", "Space")
    upper.wait_until_played(100)
    upper.press("Space")
    assert len(read_manifest(folder / "labels.json").audio[0].annotations) == 3
