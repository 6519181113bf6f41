"""Spans by mouse and by keys, as a person labels: the manifest on disk says what has come of it."""

from __future__ import annotations

import logging
import time

import pytest
from annotator_page import annotate_cell, shown_by
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest

_log = logging.getLogger(__name__)

FIRST_SPAN_S = 60
MOST_ACTIONS = 20


@pytest.fixture
def labels(folder):
    """Give a function that reads the spans of the only recording from the disk."""

    def read():
        (item,) = read_manifest(folder / "labels.json")
        return [(span.start_ms, span.end_ms, span.artifact_type) for span in item.annotations]

    return read


@pytest.fixture
def recording(folder):
    """Give a recording of 10 s with a burst at each whole second."""
    return write_take(folder / "take.wav", take(10_000, range(1000, 10_000, 1000)))


@pytest.fixture
def cell(folder, recording):
    """Give a cell that labels it."""
    return annotate_cell(folder.name, f"{folder.name}/labels.json")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_the_first_span_is_saved_within_a_minute_of_the_import(open_notebook, cell, labels, app):
    """Nothing but the one cell is needed; the span is on the disk when the widget says so."""
    notebook = open_notebook([cell], app)
    began = time.perf_counter()
    page = shown_by(notebook)
    page.draw(2900, 3100)
    took_s = time.perf_counter() - began
    _log.info("%s: the first span was saved %.1f s after the import began", app, took_s)
    assert took_s < FIRST_SPAN_S
    ((start_ms, end_ms, artifact_type),) = labels()
    pixel_ms = page.ms_per_pixel()
    assert (start_ms, end_ms) == pytest.approx((2900, 3100), abs=pixel_ms + 1)
    assert artifact_type == "click"
    (row,) = page.rows()
    assert row["state"] == "annotation"


def test_ten_spans_take_less_than_twenty_actions(open_notebook, cell, labels):
    """A drag for each span, and a key where the type changes."""
    notebook = open_notebook([cell])
    page = shown_by(notebook)
    for second in range(1, 10):
        if second in (4, 7):
            page.press("Escape", str(second // 3 + 1))
        page.draw(second * 1000 - 150, second * 1000 + 150)
    page.draw(9400, 9600)
    assert [artifact_type for _, _, artifact_type in labels()] == ["click"] * 3 + ["echo"] * 3 + ["long pause"] * 4
    _log.info("ten spans: %d drags and %d keys", page.n_drags, page.n_keys)
    assert page.n_drags + page.n_keys < MOST_ACTIONS


def test_spans_are_moved_typed_removed_and_brought_back(open_notebook, cell, labels):
    """By mouse (edges, bodies) and by keys; undo and redo go over all of it."""
    notebook = open_notebook([cell])
    page = shown_by(notebook)
    pixel_ms = page.ms_per_pixel()
    states = [[]]

    def changed():
        page.wait_until_saved()
        deadline = time.monotonic() + 10
        while (found := labels()) == states[-1]:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        states.append(found)
        return found[0]

    page.draw(2000, 3000)
    start_ms, end_ms, _ = changed()
    page.drag_edge(end_ms, 3500)
    assert changed()[:2] == (start_ms, pytest.approx(3500, abs=2 * pixel_ms))
    end_ms = states[-1][0][1]
    page.drag((start_ms + end_ms) / 2, (start_ms + end_ms) / 2 + 1000, "lanes")
    moved = changed()
    assert moved[1] - moved[0] == end_ms - start_ms
    assert moved[0] == pytest.approx(start_ms + 1000, abs=2 * pixel_ms)
    start_ms, end_ms, _ = moved
    page.press("ArrowRight")
    assert changed() == (start_ms + 10, end_ms + 10, "click")
    page.press("Shift+ArrowLeft")
    assert changed() == (start_ms + 9, end_ms + 9, "click")
    page.press("Alt+ArrowRight")
    assert changed() == (start_ms + 9, end_ms + 19, "click")
    page.press("3")
    assert changed() == (start_ms + 9, end_ms + 19, "long pause")
    page.press("Delete")
    page.wait_for_rows(0)
    page.wait_until_saved()
    assert labels() == []
    for state in reversed(states[1:]):
        page.press("Control+z")
        eventually(labels, state)
    page.press("Control+z")
    page.wait_for_rows(0)
    for state in states[1:]:
        page.press("Control+Shift+z")
        eventually(labels, state)


def test_a_span_is_drawn_by_keys_alone(open_notebook, cell, labels):
    """It begins and ends where the sound is when the keys are pressed."""
    notebook = open_notebook([cell])
    page = shown_by(notebook)
    page.focus()
    page.press("Home", "2", "Space")
    page.wait_until_played(400)
    page.press("i")
    page.wait_until_played(900)
    page.press("o", "Space")
    page.wait_for_rows(1)
    page.wait_until_saved()
    ((start_ms, end_ms, artifact_type),) = labels()
    assert 400 <= start_ms < 900 <= end_ms < 3000
    assert artifact_type == "echo"


def test_what_the_pointer_holds_outlasts_an_answer_of_the_kernel(open_notebook, cell, labels):
    """The kernel changes the marks while a span is drawn, then while one is moved: neither drag is lost."""
    notebook = open_notebook([cell])
    page = shown_by(notebook)
    page.draw(1900, 2100)
    with page.dragging(4900, 5100):
        page.press("2")
        eventually(lambda: [row["artifact_type"] for row in page.rows()], ["echo"])
    page.wait_for_rows(2)
    page.wait_until_saved()
    drawn = labels()
    assert [artifact_type for _, _, artifact_type in drawn] == ["echo", "echo"]
    start_ms, end_ms, _ = drawn[1]
    with page.dragging((start_ms + end_ms) / 2, (start_ms + end_ms) / 2 + 1000, "lanes"):
        page.press("3")
        eventually(lambda: [row["artifact_type"] for row in page.rows()], ["echo", "long pause"])
    page.wait_until_saved()
    (first, (moved_ms, _, artifact_type)) = labels()
    assert first[2] == "echo"
    assert artifact_type == "long pause"
    assert moved_ms == pytest.approx(start_ms + 1000, abs=page.ms_per_pixel() + 1)


def test_everything_is_there_after_a_restart_of_the_kernel(open_notebook, cell, labels):
    """A new kernel shows the same spans and the done flag; a rejected suggestion does not come back."""
    notebook = open_notebook([cell])
    page = shown_by(notebook)
    page.draw(1900, 2100)
    page.press("2")
    page.draw(4900, 5100)
    before, rows = labels(), page.rows()
    assert len(before) == 2
    notebook.restart()
    page = shown_by(notebook)
    page.wait_for_rows(2)
    assert [row["artifact_type"] for row in page.rows()] == [row["artifact_type"] for row in rows]
    page.draw(6900, 7100)
    assert labels()[:2] == before
    assert len(labels()) == 3


def test_an_accepted_suggestion_is_a_label_that_remembers_the_machine(open_notebook, folder, recording):
    """Of three, one is accepted, one rejected, one corrected; only labels count, and both say what was suggested."""
    suggest = """
from relaylib.types import Detection, FileResult
spans = [Detection(s * 1000 - 100, s * 1000 + 100, "click", 0.9 - s / 10) for s in (1, 3, 5)]
found = [FileResult("take.wav", 10_000, "completed", tuple(spans))]
"""
    cell = annotate_cell(folder.name, f"{folder.name}/labels.json", ", suggest=found")
    notebook = open_notebook([suggest + cell])
    page = shown_by(notebook)
    page.wait_for_rows(3)
    assert {row["state"] for row in page.rows()} == {"suggestion"}
    page.focus()
    page.press("n", "a")
    eventually(lambda: [row["state"] for row in page.rows()].count("annotation"), 1)
    page.press("n", "r")
    page.wait_for_rows(2)
    page.press("n", "ArrowRight")
    eventually(lambda: [row["state"] for row in page.rows()].count("annotation"), 2)
    page.wait_until_saved()

    def check():
        (item,) = read_manifest(folder / "labels.json")
        accepted, corrected = item.annotations
        for span, start_ms, by_ms in ((accepted, 900, 0), (corrected, 4900, 10)):
            assert (span.start_ms, span.end_ms) == (start_ms + by_ms, start_ms + by_ms + 200)
            assert span.confidence == 1.0
            kept = span.extra_data["suggested"]
            assert (kept["start_ms"], kept["end_ms"], kept["artifact_type"]) == (start_ms, start_ms + 200, "click")
        assert accepted.extra_data["suggested"]["confidence"] == pytest.approx(0.8)

    check()
    notebook.restart()
    page = shown_by(notebook)
    page.wait_for_rows(2)
    assert {row["state"] for row in page.rows()} == {"annotation"}
    check()
