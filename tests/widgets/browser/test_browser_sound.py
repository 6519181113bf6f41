"""What is heard is where it is seen: the picture is read pixel by pixel, the loudspeaker is recorded."""

from __future__ import annotations

import logging
import random

import numpy as np
import pytest
from annotator_page import annotate_cell, shown_by
from takes import BURST_MS, burst_at, take, write_take

from relaylib.types import SAMPLE_RATE

_log = logging.getLogger(__name__)

DURATION_MS = 30 * 60 * 1000
N_PLACES = 10
GOAL_MS = 20
VIEW_MS = 1500
BEFORE_MS = 300
SILENT = 32
MS = SAMPLE_RATE / 1000


@pytest.fixture(scope="module")
def half_hour():
    """Give half an hour with bursts at ten random times, one of them in its last seconds."""
    rng = random.Random(20)
    places = [rng.randrange(k * 170_000 + 5000, (k + 1) * 170_000) for k in range(N_PLACES - 1)]
    places.append(DURATION_MS - 2000)
    return take(DURATION_MS, places), places


def seen_at(page):
    """Return the middle of the burst as it is drawn, in ms of the picture's axis."""
    columns, ratio = page.ink()
    start_ms, _ = page.view_ms()
    high = np.flatnonzero(np.array(columns) > 0.5 * max(columns))
    assert (high[-1] - high[0]) / ratio * page.ms_per_pixel() < 3 * BURST_MS, "more than the one burst is in sight"
    return start_ms + (high[0] + high[-1] + 1) / 2 / ratio * page.ms_per_pixel()


def before(sound, place):
    """Return how much was played before `place`, and how long the sound paused for want of data, in ms."""
    steps = np.diff(np.flatnonzero(sound[: place + 1]))
    paused = steps > SILENT  # the noise around the bursts has no such silence
    return steps[~paused].sum() / MS, steps[paused].sum() / MS


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".ogg"])
def test_what_is_heard_is_where_it_is_seen(heard, open_notebook, folder, half_hour, suffix):
    """At ten places: the burst's place in the picture against the cursor at the time when the burst is heard.

    And against its true place, which the picture and so the sound must show too, also at the end.
    """
    samples, places = half_hour
    path = write_take(folder / f"take{suffix}", samples)
    notebook = open_notebook([annotate_cell(f"{folder.name}/{path.name}", f"{folder.name}/labels.json")])
    page = shown_by(notebook)
    page.wait_until_decoded()
    page.focus()
    page.press("Home", "Space")
    heard.wait(page.page)
    page.press("Space")
    errors, longest_gap_ms = [], 0.0
    for place_ms in places:
        page.zoom(place_ms, VIEW_MS)
        page.wait_until_painted()
        drawn_ms = seen_at(page)
        page.click(drawn_ms - BEFORE_MS)
        heard.take(page.page)
        page.press("Space")
        page.wait_until_played(drawn_ms + BEFORE_MS)
        page.press("Space")
        times_s, sound, cursor = heard.take(page.page)
        heard_s = times_s[int(burst_at(sound))]
        running = cursor[np.abs(cursor[:, 1] - drawn_ms) < BEFORE_MS]
        cursor_ms = heard_s * 1000 + np.median(running[:, 1] - running[:, 0] * 1000)
        played_ms, gaps_ms = before(sound, int(burst_at(sound)))
        errors.append((drawn_ms - place_ms, cursor_ms - drawn_ms, played_ms - BEFORE_MS))
        longest_gap_ms = max(longest_gap_ms, gaps_ms)
    worst = np.abs(errors).max(axis=0)
    _log.info("%s: picture %.1f ms, cursor %.1f ms, click %.1f ms off at worst", suffix, *worst)
    _log.info("%s: the sound waited %.1f ms at worst", suffix, longest_gap_ms)
    assert worst.max() <= GOAL_MS, errors
