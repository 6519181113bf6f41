"""The list of spans: in an order, of a type, and a click on a row goes there and plays it."""

from __future__ import annotations

import pytest
from annotator_page import annotate_cell, shown_by
from takes import loud_at, take, write_take
from waiting import eventually

BURST_MS = 50_000
SPANS = """
from relaylib.types import Annotation
spans = [
    Annotation(1000, 1500, "echo", 0.5),
    Annotation(3000, 3500, "click", 0.9),
    Annotation(49_800, 50_200, "click", 0.7),
    Annotation(20_000, 20_100, "long pause"),
]
"""


@pytest.fixture
def page(heard, open_notebook, folder):
    """Give the annotator of a minute with four spans, the last of them around the only burst."""
    write_take(folder / "take.wav", take(60_000, [BURST_MS]))
    cell = annotate_cell(folder.name, f"{folder.name}/labels.json", ", annotations=spans")
    return shown_by(open_notebook([SPANS + cell]))


@pytest.fixture
def long_page(open_notebook, folder):
    """Give the annotator of a minute with sixty spans, and forty files."""
    for k in range(40):
        write_take(folder / f"{k:02d}.wav", take(60_000 if k == 0 else 500, []))
    spans = "spans = [Annotation(1000 * k, 1000 * k + 500, 'click') for k in range(60)]"
    options = ", annotations={'00.wav': spans}"
    cell = annotate_cell(folder.name, f"{folder.name}/labels.json", options)
    return shown_by(open_notebook([f"from relaylib.types import Annotation\n{spans}\n{cell}"]))


def listed(page):
    """Return the times in the list."""
    return page.part("mark").locator(".when").all_inner_texts()


def test_the_list_is_sorted_filtered_and_heard(page, heard):
    """The confidence falls, types are in the order of the alphabet; a row brings its span into sight and plays it."""
    assert listed(page) == ["0:01.000", "0:03.000", "0:20.000", "0:49.800"]
    page.part("sort").select_option("confidence")
    assert listed(page) == ["0:20.000", "0:03.000", "0:49.800", "0:01.000"]
    page.part("sort").select_option("type")
    assert listed(page) == ["0:03.000", "0:49.800", "0:01.000", "0:20.000"]
    page.part("type-filter").select_option("click")
    assert listed(page) == ["0:03.000", "0:49.800"]
    assert page.view_ms()[1] < BURST_MS
    for _ in range(2):  # the recorder begins with the first sound
        page.part("mark").last.click()
        eventually(page.is_playing, True)
        heard.wait(page.page)
        page.wait_until_silent()
    start_ms, end_ms = page.view_ms()
    assert start_ms < 49_800 < 50_200 < end_ms
    assert [row["selected"] for row in page.rows()] == [False, True]
    assert page.cursor_ms() == pytest.approx(49_800, abs=1)
    _, sound, _ = heard.take(page.page)
    assert loud_at(sound)


def test_what_is_selected_is_in_sight_in_long_lists(long_page):
    """Going on by key from span to span and from file to file, forwards and back."""
    page = long_page
    page.focus()
    for keys in (["Tab"] * 9, ["Tab"] * 9, ["Shift+Tab"] * 12):
        page.press(*keys)
        eventually(lambda: [row["selected"] for row in page.rows()].count(True), 1)
        eventually(lambda: page.shows_row("list", "aria-selected"), True)
    for step, key in ((1, "j"), (-1, "k")):
        for _ in range(12):
            (index,) = (file["index"] for file in page.files() if file["current"])
            page.focus()  # Lab, which may not have settled yet, takes it now and then
            page.press(key)
            wanted = index + step
            eventually(lambda: [file["index"] for file in page.files() if file["current"]], [wanted])
            assert page.shows_row("files", "aria-current")


def test_a_change_leaves_the_rows_of_other_spans_where_they_are(long_page):
    """There may be thousands, and to lay them all out anew takes longer than a key is held."""
    page = long_page
    page.part("mark").evaluate_all("rows => rows.forEach(row => { row.known = true; })")
    page.focus()
    page.press("Tab", "ArrowRight")
    eventually(lambda: listed(page)[0], "0:00.010")
    assert page.part("mark").evaluate_all("rows => rows.map(row => Boolean(row.known))") == [False] + [True] * 59
