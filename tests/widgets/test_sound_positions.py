"""What is heard is where it is seen, and both where it is in the file: in every format, to the end."""

from __future__ import annotations

import numpy as np
import pytest
from bursts import place_of_burst, with_bursts, write

from relaylib.widgets.sound import TILE_COLUMNS, Recording, bands_hz

RATE = 16_000
FORMATS = [
    (".wav", None, "PCM_16", 44_100),
    (".mp3", "mp3", "libmp3lame", 44_100),
    (".m4a", "ipod", "aac", 44_100),
    (".ogg", "ogg", "libopus", 48_000),
    (".ogg", None, "VORBIS", 44_100),
]


def name_of(case):
    return case[2]


def heard_s(recording, near_s):
    """Return where the burst is in the samples for the player: the second around it."""
    start = max(0, round((near_s - 0.5) * RATE))
    samples = np.frombuffer(recording.pcm(start, start + RATE), "<i2").astype(float)
    return start / RATE + place_of_burst(samples)


def seen_s(recording, near_s, of_column):
    """Return the middle of the column that stands out at level 0 in the second around a time."""
    column = int(near_s * RATE) // 64
    first = max(0, column // TILE_COLUMNS - 1)
    tiles = [recording.tile(0, index) for index in range(first, first + 3)]
    assert all(tile.whole for tile in tiles)
    heights = np.concatenate([of_column(tile) for tile in tiles])
    start = max(0, column - 125 - first * TILE_COLUMNS)
    loudest = start + float(np.argmax(heights[start : start + 250]))
    return (first * TILE_COLUMNS + loudest + 0.5) * 64 / RATE


def by_peaks(tile):
    return np.abs(tile.peaks.astype(int)).max(axis=1)


def by_spectrogram(tile):
    """Return the level around 2 kHz, of which bursts are made."""
    band = int(np.abs(bands_hz() - 2000).argmin())
    return tile.spectrogram[:, band - 2 : band + 3].astype(int).sum(axis=1)


def check(path, duration_s, at_s):
    """Hold every burst to 20 ms in all three, the bound of the workbench, and to 5 ms, what is reached."""
    with Recording(path) as recording:
        assert recording.done.wait(300)
        assert recording.error is None
        assert abs(recording.duration_ms - 1000 * duration_s) <= 1
        for middle_s in at_s:
            places = (
                heard_s(recording, middle_s),
                seen_s(recording, middle_s, by_peaks),
                seen_s(recording, middle_s, by_spectrogram),
            )
            assert np.abs(np.subtract(places, middle_s)).max() <= 0.005, (middle_s, places)


@pytest.mark.parametrize("case", FORMATS, ids=name_of)
def test_bursts_are_heard_and_seen_in_their_place(tmp_path, case):
    """From the beginning of 20 s to the last tenth."""
    suffix, container, codec, rate = case
    at_s = [0.1, 1.024, 7.3, 13.777, 19.9]
    check(write(tmp_path / f"take{suffix}", with_bursts(20, rate, at_s), rate, container, codec), 20, at_s)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in FORMATS if case[2] != "VORBIS"], ids=name_of)
def test_bursts_keep_their_place_for_ten_minutes(tmp_path, case):
    """At ten random places, and a fifth of a second before the end."""
    suffix, container, codec, rate = case
    at_s = [*np.sort(np.random.default_rng(8).uniform(1, 599, 10)), 599.8]
    check(write(tmp_path / f"take{suffix}", with_bursts(600, rate, at_s), rate, container, codec), 600, at_s)
