"""What is said of a span besides its place, and edges that go to the sound: the manifest on disk says what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from annotator_page import annotate_cell, shown_by
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest
from relaylib.types import ms_to_samples

TONE_MS = (2400, 2700)
NEAR_MS = 3


@pytest.fixture
def span(folder):
    """Give a function that reads the only span from the disk."""

    def read():
        ((only,),) = (item.annotations for item in read_manifest(folder / "labels.json"))
        return only

    return read


@pytest.fixture
def notebook(open_notebook, folder):
    """Give a notebook that labels a recording of 5 s with a tone in its middle."""
    samples = take(5000, [])
    start, end = map(ms_to_samples, TONE_MS)
    samples[start:end] = 0.5 * np.sin(np.arange(end - start) / 5)
    write_take(folder / "take.wav", samples)
    return open_notebook([annotate_cell(folder.name, f"{folder.name}/labels.json")])


@pytest.mark.parametrize("by", ["key", "button"])
def test_edges_go_to_the_sound(notebook, span, by):
    """Drawn loosely around a tone, the span is as long as that afterwards; undo makes it loose again."""
    page = shown_by(notebook)
    page.draw(TONE_MS[0] - 45, TONE_MS[1] + 40)
    drawn = span()
    if by == "key":
        page.press("s")
    else:
        page.click_on("snap")
    eventually(lambda: (span().start_ms, span().end_ms) == pytest.approx(TONE_MS, abs=NEAR_MS), True)
    page.wait_until_saved()
    page.press("Control+z")
    eventually(span, drawn)


def test_note_and_confidence_are_kept(notebook, span):
    """Keys that are typed are text and nothing else; the kernel may restart."""
    page = shown_by(notebook)
    page.draw(1000, 1200)
    before, view = span(), page.view_ms()
    page.part("note").click()
    page.page.keyboard.type("add 2 clicks? [sx]-0 ")
    assert span() == before
    assert page.view_ms() == view
    assert not page.is_playing()
    page.press("Enter")
    eventually(lambda: span().extra_data, {"note": "add 2 clicks? [sx]-0"})
    page.part("confidence").fill("0.35")
    eventually(lambda: span().confidence, 0.35)
    page.part("confidence").press("ArrowRight")
    eventually(lambda: span().confidence, 0.4)
    assert (span().start_ms, span().end_ms) == (before.start_ms, before.end_ms)
    kept = span()
    notebook.restart()
    page = shown_by(notebook)
    page.wait_for_rows(1)
    page.click_on("mark")
    assert page.part("note").input_value() == "add 2 clicks? [sx]-0"
    assert page.part("confidence").input_value() == "0.4"
    assert span() == kept


def test_times_and_type_may_be_typed(notebook, span):
    """A start beyond the end is led back; what is no number changes nothing."""
    page = shown_by(notebook)
    page.draw(1000, 1200)
    page.fill("end", "1800")
    eventually(lambda: span().end_ms, 1800)
    page.fill("start", "1750")
    eventually(lambda: span().start_ms, 1750)
    page.fill("start", "9000")
    eventually(lambda: (span().start_ms, span().end_ms), (1799, 1800))
    eventually(lambda: page.part("start").input_value(), "1799")
    page.fill("start", "")
    page.part("mark-type").select_option("echo")
    eventually(lambda: span().artifact_type, "echo")
    assert (span().start_ms, span().end_ms) == (1799, 1800)
    eventually(lambda: page.part("start").input_value(), "1799")


def test_the_slider_goes_along_with_the_selection(open_notebook, folder):
    """It keeps the focus when a key selects another span; an arrow key then starts from the confidence of that one."""
    write_take(folder / "take.wav", take(5000, []))
    suggest = """
from relaylib.types import Detection, FileResult
found = [FileResult("take.wav", 5000, "completed", (Detection(3000, 3200, "echo", 0.8),))]
"""
    cell = annotate_cell(folder.name, f"{folder.name}/labels.json", ", suggest=found")
    page = shown_by(open_notebook([suggest + cell]))
    page.draw(1000, 1200)
    slider = page.part("confidence")
    slider.fill("0.5")
    page.wait_until_saved()
    slider.press("n")
    eventually(lambda: page.part("inspector").get_attribute("data-mark"), "1")
    assert slider.input_value() == "0.8"
    slider.press("ArrowRight")
    page.wait_until_saved()
    kept = read_manifest(folder / "labels.json").audio[0].annotations
    assert [(span.start_ms, span.confidence) for span in kept] == [(1000, 0.5), (3000, 0.85)]
