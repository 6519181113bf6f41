"""Several recordings, one after the other: what is open, what is done, what is shown, and what cannot be read."""

from __future__ import annotations

import pytest
from annotator_page import annotate_cell, shown_by
from takes import take, write_take
from waiting import eventually

from relaylib.formats import read_manifest

NAMES = ["a.wav", "b.wav", "broken.wav", "c.wav", "d.wav"]
SUGGEST = """
from relaylib.types import Detection, FileResult
found = [FileResult("c.wav", 2000, "completed", (Detection(900, 1100, "click", 0.8),))]
"""


@pytest.fixture
def notebook(open_notebook, folder):
    """Give a notebook that labels four recordings and a file that is none; one has a suggestion."""
    speech = folder / "speech"
    speech.mkdir()
    for name in NAMES:
        write_take(speech / name, take(2000, [1000]))
    (speech / "broken.wav").write_bytes(b"RIFF, and then nothing more")
    cell = annotate_cell(f"{folder.name}/speech", f"{folder.name}/labels.json", ", suggest=found")
    return open_notebook([SUGGEST + cell])


@pytest.fixture
def done(folder):
    """Give a function that reads from the disk which recordings are done."""
    return lambda: [item.filename for item in read_manifest(folder / "labels.json") if item.done]


def current(page):
    """Return the name of the recording that the queue and the picture say is open."""
    (name,) = (file["name"] for file in page.files() if file["current"])
    assert name in page.root.locator(".main > .name").inner_text()
    return name


def names(page):
    """Return the names in the queue."""
    return [file["name"] for file in page.files()]


def open_by(page, act, name):
    """Do something, and wait until it has opened a recording."""
    act()
    eventually(lambda: [file["name"] for file in page.files() if file["current"]], [name])


def test_keys_buttons_and_clicks_go_through_the_files(notebook):
    """Forwards and back, to the ends and not beyond; one that cannot be read says so, and the others go on."""
    page = shown_by(notebook)
    assert names(page) == NAMES
    assert current(page) == "a.wav"
    page.focus()
    page.press("k")
    open_by(page, lambda: page.press("j"), "b.wav")
    page.wait_until_painted()
    open_by(page, lambda: page.click_on("next-file"), "broken.wav")
    eventually(lambda: [file["name"] for file in page.files() if file["broken"]], ["broken.wav"])
    assert current(page) == "broken.wav"
    open_by(page, lambda: page.press("PageDown"), "c.wav")
    page.wait_until_painted()
    assert len(page.rows()) == 1
    open_by(page, lambda: page.press("j"), "d.wav")
    page.draw(500, 700)
    page.press("j")
    open_by(page, lambda: page.part("file").first.click(), "a.wav")
    page.wait_until_painted()
    assert page.rows() == []
    open_by(page, lambda: page.part("file").last.click(), "d.wav")
    open_by(page, lambda: page.press("k"), "c.wav")
    open_by(page, lambda: page.click_on("previous-file"), "broken.wav")


def test_what_is_done_is_kept_and_can_be_filtered(notebook, done):
    """By key, button and check box; each filter shows its files, and after a restart all is as it was."""
    page = shown_by(notebook)
    assert page.progress() == "0 of 5 done"
    page.draw(500, 700)
    open_by(page, lambda: page.press("d"), "b.wav")
    open_by(page, lambda: page.click_on("done"), "broken.wav")
    page.part("file").last.locator("input").check()
    eventually(done, ["a.wav", "b.wav", "d.wav"])
    eventually(page.progress, "3 of 5 done")
    page.part("file").last.locator("input").uncheck()
    eventually(done, ["a.wav", "b.wav"])
    assert current(page) == "broken.wav"
    shown = {"unlabelled": ["broken.wav", "c.wav", "d.wav"], "suggestions": ["c.wav"], "done": ["a.wav", "b.wav"]}
    for name, expected in {**shown, "all": NAMES}.items():
        page.part("file-filter").select_option(name)
        eventually(lambda: names(page), expected)
        eventually(page.progress, "2 of 5 done")
    notebook.restart()
    page = shown_by(notebook)
    assert [file["name"] for file in page.files() if file["done"]] == ["a.wav", "b.wav"]
    eventually(page.progress, "2 of 5 done")
    assert done() == ["a.wav", "b.wav"]


def test_a_filter_hides_what_was_just_done(notebook, done):
    """Among the unlabelled, the next file follows although the one before has left the list."""
    page = shown_by(notebook)
    page.part("file-filter").select_option("unlabelled")
    page.focus()
    open_by(page, lambda: page.press("d"), "b.wav")
    eventually(lambda: names(page), NAMES[1:])
    open_by(page, lambda: page.press("j"), "broken.wav")
    page.focus()
    open_by(page, lambda: page.press("d"), "c.wav")
    eventually(lambda: names(page), ["b.wav", "c.wav", "d.wav"])
    open_by(page, lambda: page.press("k"), "b.wav")
    eventually(done, ["a.wav", "broken.wav"])
