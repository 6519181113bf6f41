import numpy as np
import pytest
from scipy.signal import lfilter

from relaylib.postprocess import decode
from relaylib.postprocess.edges import DetailLevels, tightened
from relaylib.types import DecodeConfig, Scores

RATE = 16_000


def levels_of(samples, cuts=()):
    levels = DetailLevels()
    for block in np.split(samples.astype(np.float32), cuts):
        levels.add(block)
    return levels.of_ms()


def one(start, end, levels, min_duration_ms=0):
    starts, ends = tightened(np.array([start]), np.array([end]), levels, min_duration_ms)
    return int(starts[0]), int(ends[0])


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def hum(rng):
    """Return two seconds of a soft hum, in which every ms is as fine as the others."""
    time = np.arange(2 * RATE) / RATE
    return 0.3 * np.sin(2 * np.pi * 120 * time) + 1e-4 * rng.standard_normal(len(time))


@pytest.fixture
def clicked(hum):
    """Return the hum with a click of 3 ms from 1.234 s on."""
    hum[1234 * 16 : 1237 * 16 : 3] += 0.1
    return levels_of(hum)


def test_levels_are_the_power_of_the_third_difference_in_half_decibels(rng):
    samples = rng.standard_normal(1000) * np.linspace(1e-4, 1.0, 1000)
    detail = lfilter([1, -3, 3, -1], [1], samples)[: 62 * 16].reshape(62, 16)
    expected = 2 * (10 * np.log10((detail**2).mean(axis=1)) + 109)
    assert np.abs(levels_of(samples) - expected).max() <= 0.51


@pytest.mark.parametrize("cuts", [(1,), (7, 8, 9, 500), (16, 32, 999), tuple(range(0, 1000, 3))])
def test_blocks_of_any_sizes_give_the_same_levels(rng, cuts):
    samples = rng.standard_normal(1003)
    np.testing.assert_array_equal(levels_of(samples, cuts), levels_of(samples))


def test_silence_and_the_loudest_there_is_have_levels():
    assert levels_of(np.zeros(32)).tolist() == [0, 0]
    assert levels_of(np.tile([1.0, -1.0], 64))[-1] == pytest.approx(2 * (109 + 10 * np.log10(64)), abs=1)
    assert levels_of(np.zeros(15)).tolist() == []


def test_a_click_is_found_within_the_frames_that_it_is_heard_in(clicked):
    assert one(1200, 1260, clicked) == (1234, 1237)


@pytest.mark.parametrize(("span", "expected"), [((1200, 1300), (1211, 1261)), ((1220, 1280), (1220, 1270))])
def test_it_is_no_shorter_than_the_shortest_that_was_asked_for(clicked, span, expected):
    """In the middle, as far as the frames reach."""
    assert one(*span, clicked, 50) == expected


def test_a_span_that_was_shorter_already_stays_as_long(clicked):
    assert one(1220, 1260, clicked, 50) == (1220, 1260)


def test_two_clicks_are_reported_from_the_first_to_the_second(hum):
    for ms in (1220, 1250):
        hum[ms * 16] += 0.2
    start, end = one(1200, 1280, levels_of(hum))
    assert (start, end) == (1220, 1251)


def test_long_spans_and_those_in_which_nothing_stands_out_stay(clicked):
    assert one(1100, 1260, clicked) == (1100, 1260)
    assert one(500, 560, clicked) == (500, 560)
    assert one(0, 1, levels_of(np.zeros(16))) == (0, 1)
    assert one(5000, 5060, clicked) == (5000, 5060)


def test_many_spans_are_each_their_own(clicked):
    starts, ends = np.array([100, 1200, 1800]), np.array([160, 1260, 1990])
    found = tightened(starts, ends, clicked)
    assert [values.tolist() for values in found] == [[100, 1234, 1800], [160, 1237, 1990]]
    assert starts.tolist() == [100, 1200, 1800]


def test_detections_of_a_recording_with_levels_are_where_the_click_is(clicked):
    values = np.zeros((100, 2), np.float32)
    values[60:63, 0] = 0.9
    values[10:40, 1] = 0.8
    with_levels = Scores(values, ("glitch", "echo"), 2000, detail=clicked)
    exact = decode(with_levels, DecodeConfig(min_duration_ms=0))
    assert [(d.artifact_type, d.start_ms, d.end_ms) for d in exact] == [("echo", 200, 800), ("glitch", 1234, 1237)]
    usual = decode(with_levels)[1]
    assert (usual.start_ms, usual.end_ms) == (1210, 1260)
    assert decode(Scores(values, ("glitch", "echo"), 2000))[1].start_ms == 1200
