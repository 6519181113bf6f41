"""Playing as a person hears it: the loudspeaker is recorded, and the cursor is held against its clock."""

from __future__ import annotations

import numpy as np
import pytest
from annotator_page import annotate_cell, shown_by
from takes import loud_at, take, write_take
from waiting import eventually

BURST_MS = 2500
AFTER_MS = 8000
NEAR_MS = 20


@pytest.fixture
def page(heard, open_notebook, folder):
    """Give the annotator of a recording of 10 s with two bursts."""
    write_take(folder / "take.wav", take(10_000, [BURST_MS, AFTER_MS]))
    return shown_by(open_notebook([annotate_cell(folder.name, f"{folder.name}/labels.json")]))


def played(heard, page):
    """Return when bursts were heard, and where the cursor was, both by the audio clock in s."""
    times_s, sound, cursor = heard.take(page.page)
    bursts_s = np.interp(loud_at(sound), np.arange(len(sound)), times_s)
    return bursts_s, cursor


def lengths(page):
    """Return start and length of the span that is selected, in ms."""
    start_ms, end_ms = (float(page.part(name).input_value()) for name in ("start", "end"))
    return start_ms, end_ms - start_ms


@pytest.mark.alone
def test_a_loop_repeats_the_span_at_every_speed(heard, page):
    """Bursts follow each other by the length of the span, without a seam; the cursor keeps to the clock."""
    page.draw(BURST_MS - 150, BURST_MS + 150)
    start_ms, length_ms = lengths(page)
    page.press("l", "Enter")
    heard.wait(page.page)
    for key, n_times, speed in (("]", 0, 1.0), ("[", 2, 0.5), ("]", 5, 2.0)):
        page.press(*[key] * n_times)
        assert page.part("speed").inner_text() == f"{speed:g}×"
        page.page.wait_for_timeout(100)
        heard.take(page.page)
        page.page.wait_for_timeout(4.5 * length_ms / speed)
        bursts_s, cursor = played(heard, page)
        assert len(bursts_s) >= 3
        np.testing.assert_allclose(np.diff(bursts_s), length_ms / 1000 / speed, atol=0.002)
        assert start_ms <= cursor[:, 1].min()
        assert cursor[:, 1].max() <= start_ms + length_ms
        since_ms = (cursor[:, 0] - bursts_s[0]) * 1000 * speed
        expected = start_ms + (since_ms + BURST_MS - start_ms) % length_ms
        off = np.abs(cursor[:, 1] - expected)
        assert np.median(np.minimum(off, length_ms - off)) < NEAR_MS
    page.press("l")
    page.wait_until_silent()
    assert page.cursor_ms() == pytest.approx(start_ms, abs=1)


def test_speed_and_loop_have_keys_and_buttons(page):
    """The ends of the scale are ends; what is set stays set for the next sound."""
    speed = page.part("speed")
    page.focus()
    page.press(*["["] * 5)
    assert speed.inner_text() == "0.5×"
    page.press(*["]"] * 9)
    assert speed.inner_text() == "2×"
    page.click_on("slower")
    assert speed.inner_text() == "1.5×"
    page.click_on("faster")
    assert speed.inner_text() == "2×"
    loop = page.part("loop")
    page.press("l")
    assert loop.get_attribute("aria-pressed") == "true"
    page.click_on("loop")
    assert loop.get_attribute("aria-pressed") == "false"
    page.press("Home", "Space")
    page.wait_until_played(300)
    assert speed.inner_text() == "2×"


def test_what_is_played_returns_to_its_start_and_goes_where_it_is_clicked(heard, page):
    """A span ends where it began, so that it can be heard again; a click while playing goes on from there."""
    page.draw(1000, 1400)
    start_ms, _ = lengths(page)
    page.click_on("play-selection")
    eventually(page.is_playing, True)
    page.wait_until_silent()
    assert page.cursor_ms() == pytest.approx(start_ms, abs=1)
    page.press("Escape", "Space")
    page.wait_until_played(1100)
    heard.take(page.page)
    page.click(AFTER_MS - 300)
    assert page.is_playing()
    page.wait_until_played(AFTER_MS + 200)
    page.press("Space")
    (burst_s,), cursor = played(heard, page)
    near = cursor[np.abs(cursor[:, 1] - AFTER_MS) < 150]
    assert burst_s * 1000 + np.median(near[:, 1] - near[:, 0] * 1000) == pytest.approx(AFTER_MS, abs=NEAR_MS)


def test_the_picture_follows_the_sound_until_somebody_looks_elsewhere(page):
    """The cursor's leaving turns the page; who moves away from it is left there, until it comes by."""
    page.zoom(500, 1000)
    page.press("Home", "Space")
    page.wait_until_played(1300)
    start_ms, end_ms = page.view_ms()
    assert start_ms <= page.cursor_ms() + 50
    assert end_ms > 1300
    page.go_to(6500)
    away = page.view_ms()
    assert away[0] < 6500 < away[1]
    page.wait_until_played(away[0] - 1500)
    assert page.view_ms() == away
    page.wait_until_played(away[1] + 100)
    assert page.view_ms()[0] > away[0]
    page.press("Space")
