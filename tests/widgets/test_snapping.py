from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.widgets.snapping import snap


def scene(n_ms, *bursts, floor=0.0, seed=0):
    """Return noise at `floor` (0..1) with louder noise in each ``(start_ms, end_ms, level)``."""
    rng = np.random.default_rng(seed)
    gain = np.full(n_ms * 16, floor)
    for start_ms, end_ms, level in bursts:
        gain[start_ms * 16 : end_ms * 16] = level
    return np.rint(rng.standard_normal(n_ms * 16) * gain * 32767).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("floor", [0.0, 0.0003, 0.005])
@pytest.mark.parametrize("length_ms", [2, 20, 300])
def test_both_edges_of_a_burst_are_found_within_3_ms(seed, floor, length_ms):
    """Between silence or quiet noise, from either side of the edge."""
    end_ms = 400 + length_ms
    samples = scene(1100, (400, end_ms, 0.1), floor=floor, seed=seed)
    for off_ms in (-45, -12, 0):
        assert abs(snap(samples, 400 + off_ms) - 400) <= 3
    for off_ms in (0, 12, 45):
        assert abs(snap(samples, end_ms + off_ms) - end_ms) <= 3


def test_the_nearer_of_two_edges_counts():
    """A burst from 400 to 500 ms: 440 is nearer to its beginning, 460 to its end."""
    samples = scene(1000, (400, 500, 0.2), floor=0.001)
    assert abs(snap(samples, 440) - 400) <= 3
    assert abs(snap(samples, 460) - 500) <= 3


def test_without_an_edge_the_time_stays():
    """In steady noise, in silence, and in one that is 6 dB louder from the middle on."""
    assert snap(scene(1000, floor=0.1), 500) == 500
    assert snap(scene(1000), 500) == 500
    assert snap(scene(1000, (500, 1000, 0.02), floor=0.01), 480) == 480


def test_an_edge_farther_away_than_asked_for_does_not_count():
    samples = scene(1000, (400, 600, 0.2))
    assert snap(samples, 330) == 330
    assert abs(snap(samples, 330, within_ms=80) - 400) <= 3


def test_the_pulses_of_a_voice_are_no_edges():
    """Decaying pulses at 110 Hz, as of a low voice, go on and on."""
    t = np.arange(16_000) / 16_000
    since_pulse = t % (1 / 110)
    voice = np.sin(2 * np.pi * 700 * since_pulse) * np.exp(-since_pulse / 0.003)
    assert snap(np.rint(voice * 8000).astype(np.int16), 500) == 500


def test_the_rounding_noise_of_16_bits_has_no_edges():
    """A step from 0 to 1 of 32768 is silence on both sides."""
    samples = np.zeros(16_000, np.int16)
    samples[8000:] = np.random.default_rng(0).integers(-1, 2, 8000)
    assert snap(samples, 510) == 510


def test_the_ends_of_the_recording_are_no_edges():
    """Sound that is there from the first to the last sample, an empty one, and a time far behind the end."""
    samples = scene(500, floor=0.1)
    assert snap(samples, 10) == 10
    assert snap(samples, 495) == 495
    assert snap(samples, 9000) == 9000
    assert snap(samples[:0], 30) == 30


@given(st.integers(0, 1500), st.integers(0, 200), st.integers(0, 50))
def test_the_answer_is_near_and_the_same_through_a_reader(ms, within_ms, seed):
    samples = scene(1000, (200, 260, 0.3), (300, 305, 0.5), (700, 900, 0.05), floor=0.002, seed=seed)
    at_ms = snap(samples, ms, within_ms)
    assert abs(at_ms - ms) <= within_ms
    assert at_ms == snap(lambda start, end: samples[start:end], ms, within_ms)


def test_negative_times_are_refused():
    with pytest.raises(ParameterError, match="ms=-1"):
        snap(np.zeros(10, np.int16), -1)
