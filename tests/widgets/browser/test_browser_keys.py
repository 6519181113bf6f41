"""Keys belong to the widget that has the focus: not to the other one on the page, and not to the application around."""

import pytest
from annotator_page import AnnotatorPage, annotate_cell, shown_by
from takes import take, write_take

from relaylib.formats import read_manifest

KEYS = ["a", "b", "d", "d", "x", "m", "y", "c", "v", "z", "l", "0", "1", "9", "n", "r", "s", "f", "i", "o", "Escape"]
KEYS += ["Delete", "Backspace", "Enter", "Shift+Enter", "Control+Enter", "ArrowUp", "ArrowDown", "Shift+ArrowDown"]
KEYS += ["Control+z", "Control+Shift+z", "Tab", "Shift+Tab", "Home", "End", "[", "]", "+", "-", "?", "Escape"]


@pytest.fixture
def cell(folder):
    """Give a cell that labels a recording of 5 s."""
    write_take(folder / "take.wav", take(5000, [2500]))
    return annotate_cell(folder.name, f"{folder.name}/labels.json")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_in_the_widget_do_nothing_to_the_notebook(open_notebook, cell, app):
    """Among them those that delete, cut, add, run and convert cells."""
    notebook = open_notebook([cell, "'the second'", "'the third'"], app)
    page = shown_by(notebook)
    before = notebook.contents()
    page.focus()
    page.press(*KEYS)
    assert notebook.contents() == before
    page.picture.click()
    page.press("d", "d")
    assert notebook.contents() == before


def test_keys_in_the_notebook_do_nothing_to_the_widget(open_notebook, cell):
    """What is typed into a cell is text; with a cell selected, the application's own keys act."""
    notebook = open_notebook([cell, ""])
    page = shown_by(notebook)
    page.draw(1000, 2000)
    rows, view = page.rows(), page.view_ms()
    notebook.cell(1).locator(".cm-content").click()
    notebook.page.keyboard.type("a2r+d-0")
    assert notebook.contents()[1] == ("code", "a2r+d-0", None)
    notebook.page.keyboard.press("Escape")
    notebook.page.keyboard.press("b")
    assert len(notebook.contents()) == 3
    assert page.rows() == rows
    assert page.view_ms() == view


def test_two_annotators_on_one_page_leave_each_other_alone(open_notebook, folder):
    """Each takes its own drags and keys; undo in one undoes nothing in the other; both are saved."""
    other = folder / "other"
    other.mkdir()
    write_take(folder / "a.wav", take(5000, [2500]))
    write_take(other / "b.wav", take(8000, [2500]))
    cells = [
        annotate_cell(f"{folder.name}/a.wav", f"{folder.name}/a.json"),
        annotate_cell(f"{folder.name}/other/b.wav", f"{folder.name}/other/b.json"),
    ]
    notebook = open_notebook(cells)
    notebook.run(0)
    notebook.run(1)
    left, right = AnnotatorPage(notebook.page, 0), AnnotatorPage(notebook.page, 1)
    for page in (left, right):
        page.root.scroll_into_view_if_needed()
        page.wait()
    right.draw(1000, 2000)
    left.root.scroll_into_view_if_needed()
    left.draw(500, 900)
    left.draw(3000, 3500)
    right.focus()
    right.press("2")
    left.focus()
    left.press("Control+z")
    left.wait_for_rows(1)
    for page in (left, right):
        page.wait_until_saved()
    assert len(right.rows()) == 1

    def spans(name):
        return [(span.start_ms, span.artifact_type) for span in read_manifest(folder / name).audio[0].annotations]

    assert spans("a.json") == [(pytest.approx(500, abs=left.ms_per_pixel() + 1), "click")]
    assert spans("other/b.json") == [(pytest.approx(1000, abs=right.ms_per_pixel() + 1), "echo")]
