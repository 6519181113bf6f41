from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from relaylib.errors import ParameterError
from relaylib.postprocess import decode, spans_of_type
from relaylib.types import DecodeConfig, Detection, Scores

TYPES = ("echo", "click", "long_pause")


def decode_by_loop(values, types, duration_ms, hop_ms, config):
    """Return the detections as (start, end, type, confidence), one frame after the other."""
    high, low = config.threshold, config.low_threshold
    found = []
    for k, name in enumerate(types):
        column = [row[k] for row in values.tolist()]
        # runs of active frames, with hysteresis only those that reach the threshold
        runs, start = [], None
        for i in range(len(column) + 1):
            active = i < len(column) and column[i] >= (high if low is None else low)
            if active and start is None:
                start = i
            elif not active and start is not None:
                peak = max(column[start:i])
                if peak >= high:
                    runs.append((start, i, peak))
                start = None
        # clamping: nothing outlasts the recording, and what holds the last frame reaches its end
        spans = []
        for first, last, peak in runs:
            end_ms = duration_ms if last == len(column) else min(last * hop_ms, duration_ms)
            if first * hop_ms < duration_ms:
                spans.append([first * hop_ms, end_ms, peak])
        # merging, chaining
        merged = []
        for span in spans:
            if merged and span[0] - merged[-1][1] <= config.merge_window_ms:
                merged[-1][1] = span[1]
                merged[-1][2] = max(merged[-1][2], span[2])
            else:
                merged.append(span)
        found += [(s, e, name, peak) for s, e, peak in merged if e - s >= config.min_duration_ms]
    return sorted(found, key=lambda span: span[:3])


# few levels, so that scores equal thresholds and each other; sixteenths are exact in float32
LEVELS = st.integers(0, 16).map(lambda n: n / 16)


@st.composite
def problems(draw):
    n_frames, n_types = draw(st.integers(0, 60)), draw(st.integers(1, 3))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    levels = draw(hnp.arrays(np.int8, (n_frames, n_types), elements=st.integers(0, 16)))
    hop_ms = draw(st.sampled_from([1, 10, 20, 25]))
    # the recording may end inside the last frames, or up to two frames behind them
    duration_ms = max(0, n_frames * hop_ms + draw(st.integers(-3 * hop_ms, 2 * hop_ms)))
    threshold = draw(LEVELS)
    low = draw(st.none() | LEVELS.filter(lambda level: level <= threshold))
    merge, least = draw(st.integers(0, 300)), draw(st.integers(0, 200))
    return (levels / 16).astype(dtype), TYPES[:n_types], duration_ms, hop_ms, DecodeConfig(threshold, merge, least, low)


def as_tuples(detections):
    return [(d.start_ms, d.end_ms, d.artifact_type, d.confidence) for d in detections]


@settings(max_examples=400, deadline=None)
@given(problems())
def test_detections_equal_those_of_a_plain_loop(problem):
    """Spans, order and confidences are exactly those of a loop over frames, at any setting."""
    values, types, duration_ms, hop_ms, config = problem
    found = decode(Scores(values, types, duration_ms, hop_ms), config)
    assert as_tuples(found) == decode_by_loop(values, types, duration_ms, hop_ms, config)


@settings(max_examples=80, deadline=None)
@given(problems())
def test_long_random_scores_equal_those_of_a_plain_loop(problem):
    """Hundreds of runs, with random floats instead of levels, come out alike."""
    values, types, _, hop_ms, config = problem
    rng = np.random.default_rng(len(values))
    values = rng.random((700, len(types)), np.float32) ** rng.choice([0.5, 1.0, 3.0])
    duration_ms = 700 * hop_ms - 3
    found = decode(Scores(values, types, duration_ms, hop_ms), config)
    assert as_tuples(found) == decode_by_loop(values, types, duration_ms, hop_ms, config)


def test_the_documented_example_of_merging_chains_three_spans():
    """1000-1100, 1150-1250 and 1280-1380 become 1000-1380 with a window of 200 ms."""
    scores = np.zeros(200)
    for start, end, score in ((1000, 1100, 0.75), (1150, 1250, 0.875), (1280, 1380, 0.625)):
        scores[start // 10 : end // 10] = score
    found = spans_of_type(scores, artifact_type="glitch", hop_ms=10, merge_window_ms=200)
    assert found == [Detection(1000, 1380, "glitch", 0.875)]


def test_runs_closer_than_the_window_become_one():
    """A gap of 180 ms is closed by a window of 180 ms and kept by one of 179 ms."""
    scores = np.zeros(30)
    scores[2:5], scores[14:17] = 0.9, 0.6
    assert len(spans_of_type(scores, artifact_type="glitch", merge_window_ms=180)) == 1
    assert len(spans_of_type(scores, artifact_type="glitch", merge_window_ms=179)) == 2


def test_the_minimum_duration_counts_after_merging():
    """Two frames of 20 ms are dropped alone, and kept as the ends of a merged span of 100 ms."""
    scores = np.zeros(20)
    scores[[5, 9]] = 0.75
    assert spans_of_type(scores, artifact_type="click", merge_window_ms=59, min_duration_ms=50) == []
    (found,) = spans_of_type(scores, artifact_type="click", merge_window_ms=60, min_duration_ms=100)
    assert (found.start_ms, found.end_ms) == (100, 200)
    assert spans_of_type(scores, artifact_type="click", merge_window_ms=60, min_duration_ms=101) == []


def test_the_last_frame_reaches_the_end_of_the_recording():
    """A recording of 115 ms has 5 frames of 20 ms: a span on the last one ends at 115, others end where they end."""
    scores = np.array([0.0, 0.0, 0.75, 0.75, 0.75])
    (found,) = spans_of_type(scores, artifact_type="echo", duration_ms=115)
    assert (found.start_ms, found.end_ms) == (40, 115)
    (found,) = spans_of_type(scores[[0, 2, 3, 4, 0]], artifact_type="echo", duration_ms=115)
    assert (found.start_ms, found.end_ms) == (20, 80)


def test_nothing_outlasts_the_recording():
    """Frames that only pad the end are cut off, and those behind it say nothing."""
    scores = np.array([0.75, 0.75, 0.75, 0.75, 0.75])
    assert [d.end_ms for d in spans_of_type(scores, artifact_type="echo", duration_ms=93)] == [93]
    assert spans_of_type(scores, artifact_type="echo", duration_ms=0) == []


def test_hysteresis_extends_a_span_both_ways_and_opens_none():
    """A span over 0.75 grows over its neighbours of 0.5; a run of 0.5 alone is nothing."""
    scores = np.array([0.5, 0.5, 0.0, 0.5, 0.75, 0.5, 0.5, 0.25])
    (found,) = spans_of_type(scores, artifact_type="echo", threshold=0.75, low_threshold=0.5, merge_window_ms=0)
    assert found == Detection(60, 140, "echo", 0.75)


def test_scores_at_the_threshold_are_kept():
    """A float32 score of 0.7 stands at a threshold of 0.7: they are compared as precisely as scores are stored."""
    for dtype in (np.float32, np.float64):
        assert spans_of_type(np.full(5, 0.7, dtype), artifact_type="echo", threshold=0.7)


def test_types_overlap_freely_and_come_in_order_of_time():
    """Two types on the same frames are two detections; equal times are ordered by type."""
    values = np.array([[0.75, 0.75, 0.0]] * 3 + [[0.0, 0.0, 0.75]] * 3, np.float32)
    found = decode(Scores(values, TYPES, 120))
    assert as_tuples(found) == [(0, 60, "click", 0.75), (0, 60, "echo", 0.75), (60, 120, "long_pause", 0.75)]


@settings(max_examples=80, deadline=None)
@given(problems(), LEVELS)
def test_a_higher_threshold_adds_no_frame(problem, higher):
    """What is inside a detection at a threshold is inside one at any lower threshold."""
    values, types, duration_ms, hop_ms, config = problem
    higher = max(higher, config.threshold)
    scores = Scores(values, types, duration_ms, hop_ms)
    loose = decode(scores, config)
    strict = decode(scores, DecodeConfig(higher, config.merge_window_ms, config.min_duration_ms, config.low_threshold))
    for span in strict:
        assert any(
            wide.artifact_type == span.artifact_type
            and wide.start_ms <= span.start_ms
            and span.end_ms <= wide.end_ms
            and wide.confidence >= span.confidence
            for wide in loose
        )


@settings(max_examples=80, deadline=None)
@given(problems())
def test_detections_of_a_type_stay_apart_by_more_than_the_window(problem):
    """They do not overlap, keep the minimum and the threshold, and no two could have been merged."""
    values, types, duration_ms, hop_ms, config = problem
    found = decode(Scores(values, types, duration_ms, hop_ms), config)
    assert found == sorted(found)
    for name in types:
        spans = [d for d in found if d.artifact_type == name]
        for before, after in pairwise(spans):
            assert after.start_ms - before.end_ms > config.merge_window_ms
        for span in spans:
            assert config.min_duration_ms <= span.end_ms - span.start_ms
            assert span.end_ms <= duration_ms
            assert span.confidence >= config.threshold


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.001, 1.001, -4.0, 12.0])
def test_what_is_no_score_is_refused(bad):
    """NaN and logits are an error, not detections."""
    values = np.full((40, 3), 0.25, np.float32)
    values[17, 1] = bad
    with pytest.raises(ParameterError, match=r"scores span .*need 0\.\.1"):
        decode(Scores(values, TYPES, 800))
    with pytest.raises(ParameterError, match=r"scores of 'click' span .*need 0\.\.1"):
        spans_of_type(values[:, 1], artifact_type="click")


def test_scores_of_several_types_are_refused_where_one_is_expected():
    with pytest.raises(ParameterError, match="one artifact type"):
        spans_of_type(np.zeros((5, 2)), artifact_type="echo")


def test_no_frames_give_no_detections():
    assert decode(Scores(np.zeros((0, 3), np.float32), TYPES, 0)) == []
    assert decode(Scores(np.zeros((0, 0), np.float32), (), 0)) == []
    assert spans_of_type(np.zeros(0), artifact_type="echo", low_threshold=0.25) == []


def test_scores_are_left_as_they_are():
    values = np.random.default_rng(0).random((50, 3), np.float32)
    before = values.copy()
    decode(Scores(values, TYPES, 1000))
    np.testing.assert_array_equal(values, before)
