"""A kernel that lags behind or is gone: what a person does is done where it was meant, or said not to be done."""

from __future__ import annotations

import pytest
from annotator_page import annotate_cell, shown_by
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest, write_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

SPANS = (Annotation(1000, 1200, "click"), Annotation(3000, 3200, "click"))
SLOW = """
import time
locate = shown._session._locate
shown._session._locate = lambda name: (time.sleep(2), locate(name))[1]
shown"""
BUSY = "import time; time.sleep(3)"
# As in front ends that know no subshells: the widget's messages wait until the cell has ended.
IN_TURN = """() => {
    window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.commsOverSubshells = "disabled";
}"""


@pytest.fixture
def cell(folder):
    """Give a cell that makes an annotator `shown` of two recordings with two spans each."""
    (folder / "speech").mkdir()
    for name in ("a.wav", "b.wav"):
        write_take(folder / "speech" / name, take(8000, [2500]))
    types = tuple(ArtifactType(name) for name in ("click", "echo", "long pause"))
    items = tuple(AudioItem(name, annotations=SPANS) for name in ("a.wav", "b.wav"))
    write_manifest(Manifest(types, items), folder / "labels.json")
    *setup, call = annotate_cell(f"{folder.name}/speech", f"{folder.name}/labels.json").splitlines()
    return "\n".join([*setup, f"shown = {call}"])


@pytest.fixture
def labels(folder):
    """Give a function that reads the spans of each recording from the disk."""
    return lambda: {item.filename: item.annotations for item in read_manifest(folder / "labels.json")}


def current(page):
    """Return the name of the recording that is open."""
    (name,) = (file["name"] for file in page.files() if file["current"])
    return name


def selected(page):
    """Return the ids of the spans that the list shows as selected."""
    return [row["id"] for row in page.rows() if row["selected"]]


def test_what_is_done_while_the_next_recording_is_fetched_does_not_reach_it(open_notebook, cell, labels):
    """Keys and a drag are refused with a message; what is held, selected and in sight ends with its recording."""
    page = shown_by(open_notebook([cell + SLOW]))
    before = labels()
    page.click(1100, "lanes")
    page.press("j", "Delete")
    page.drag(5000, 5300)
    page.press("Tab")
    page.page.mouse.wheel(0, -300)
    with page.dragging(1100, 2000, "lanes"):
        assert current(page) == "a.wav"
        eventually(lambda: current(page), "b.wav")
        page.page.mouse.move(page.x_of(4010), page.y_of("lanes"))
    page.wait_for_error("no longer open")
    page.wait_until_saved()
    page.page.wait_for_timeout(500)
    assert labels() == before
    assert len(page.rows()) == 2
    assert selected(page) == []
    assert page.view_ms() == (0, 8000)


def test_keys_after_a_drag_are_for_the_span_that_it_drew(open_notebook, cell, labels):
    """While a cell runs: its type, a nudge and Delete leave the span alone that was selected before."""
    notebook = open_notebook([f"{cell}\nshown", BUSY])
    notebook.page.evaluate(IN_TURN)
    page = shown_by(notebook)
    page.click(1100, "lanes")
    eventually(lambda: selected(page), [1])
    notebook.start(1)
    page.root.scroll_into_view_if_needed()
    page.focus()
    page.page.mouse.move(page.x_of(4000), page.y_of("wave"))
    page.page.mouse.wheel(0, -60)
    page.page.wait_for_timeout(200)
    page.drag(5000, 5300)
    page.press("3", "ArrowRight")
    page.click(6900)
    page.drag(6000, 6300)
    page.press("Delete")
    page.drag(4000, 4300)
    page.press("2")
    assert len(page.rows()) == 2, "the kernel was not busy"
    page.wait_for_rows(4)
    page.wait_until_saved()
    *old, echo, pause = labels()["a.wav"]
    assert tuple(old) == SPANS
    near = page.ms_per_pixel() + 1
    assert (echo.artifact_type, echo.start_ms) == ("echo", pytest.approx(4000, abs=near))
    assert (pause.artifact_type, pause.start_ms) == ("long pause", pytest.approx(5010, abs=near))
    (drawn,) = selected(page)
    assert [row["artifact_type"] for row in page.rows() if row["id"] == drawn] == ["echo"]


def test_after_a_restart_nothing_is_said_to_be_saved(open_notebook, cell, labels):
    """The widget that is still there says so at once, and again with every change that nobody hears of."""
    notebook = open_notebook([f"{cell}\nshown"])
    page = shown_by(notebook)
    before = labels()
    notebook.restart(clear=False)
    eventually(page.saved, "failed")
    page.wait_for_error("Run the cell again")
    page.click_on("dismiss")
    page.root.scroll_into_view_if_needed()
    page.drag(5000, 5300)
    page.wait_for_error("Run the cell again")
    assert page.saved() == "failed"
    assert labels() == before
