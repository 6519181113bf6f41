from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.evaluate import EventCounts, event_counts, f_scores, intersection_counts, segment_counts
from relaylib.types import Annotation, Detection

TYPES = ("glitch", "echo", "long_pause")
detection = st.tuples(st.integers(0, 5000), st.integers(1, 1500), st.sampled_from(TYPES), st.floats(0, 1)).map(
    lambda t: Detection(t[0], t[0] + t[1], t[2], t[3])
)
files = st.lists(st.tuples(st.lists(detection, max_size=4), st.lists(detection, max_size=4)), min_size=1, max_size=3)
COUNTERS = [event_counts, segment_counts, intersection_counts]


def test_hand_worked_events():
    """Glitch: 1 of 2 found, 1 surplus; echo: 1 of 1 found, 1 surplus; long_pause: nowhere."""
    reference = [
        [Annotation(100, 150, "glitch"), Annotation(1000, 2000, "echo")],
        [Annotation(500, 540, "glitch")],
    ]
    estimate = [
        [Detection(90, 160, "glitch", 0.9), Detection(1150, 2100, "echo", 0.8), Detection(3000, 3500, "echo", 0.6)],
        [Detection(900, 940, "glitch", 0.7)],
    ]
    counts = event_counts(reference, estimate, TYPES)
    assert counts.tp.tolist() == [[1, 1, 0], [0, 0, 0]]
    assert counts.fp.tolist() == [[0, 1, 0], [1, 0, 0]]
    assert counts.fn.tolist() == [[0, 0, 0], [1, 0, 0]]
    scores = f_scores(counts)
    assert scores.precision[:2].tolist() == [1 / 2, 1 / 2]
    assert scores.recall[:2].tolist() == [1 / 2, 1 / 1]
    assert scores.f1[:2].tolist() == [2 / 4, 2 / 3]
    assert scores.macro_f1 == pytest.approx((2 / 4 + 2 / 3) / 2)
    assert (scores.micro_precision, scores.micro_recall, scores.micro_f1) == (2 / 4, 2 / 3, 4 / 7)
    assert scores.support.tolist() == [2, 1, 0]


def test_undefined_values_by_the_table():
    """Columns: reference only, estimate only, neither."""
    counts = EventCounts(np.array([[0, 0, 0]]), np.array([[0, 3, 0]]), np.array([[2, 0, 0]]), TYPES)
    scores = f_scores(counts)
    np.testing.assert_array_equal(scores.precision, [0, 0, np.nan])
    np.testing.assert_array_equal(scores.recall, [0, np.nan, np.nan])
    np.testing.assert_array_equal(scores.f1, [0, np.nan, np.nan])
    assert scores.macro_f1 == 0
    assert scores.micro_f1 == 0


def test_api_metrics_are_numbers_always():
    """A type without support reports zeros; so does everything without files."""
    nothing = {"precision": 0.0, "recall": 0.0, "f1_score": 0.0, "support": 0}
    metrics = f_scores(event_counts([], [], ["echo"])).to_dict()
    assert metrics == {
        "precision": 0.0, "recall": 0.0, "f1_score": 0.0, "per_class": {"echo": nothing}, "micro": nothing,
    }  # fmt: skip
    surplus = f_scores(event_counts([[]], [[Detection(0, 9, "echo", 1.0)]], ["echo"])).to_dict()
    assert surplus["per_class"]["echo"] == nothing
    json.dumps(metrics, allow_nan=False)


def test_hand_worked_segments():
    """[900, 1100) touches slices 0 and 1, [1000, 2000) slice 1 only."""
    counts = segment_counts([[Annotation(900, 1100, "echo")]], [[Detection(1000, 2000, "echo", 1.0)]], ["echo"])
    assert [counts.tp.item(), counts.fp.item(), counts.fn.item()] == [1, 0, 1]


def test_hand_worked_intersections():
    """Two pieces cover 350 of 500 ms: 0.7 exactly; the second lies 50 of 100 ms outside."""
    reference = [[Annotation(1000, 1500, "echo")]]
    estimate = [[Detection(1000, 1300, "echo", 1.0), Detection(1450, 1550, "echo", 1.0)]]
    found = intersection_counts(reference, estimate, ["echo"], dtc=0.5, gtc=0.7)
    assert [found.tp.item(), found.fp.item(), found.fn.item()] == [1, 0, 0]
    stricter = intersection_counts(reference, estimate, ["echo"], dtc=0.51, gtc=0.7)
    assert [stricter.tp.item(), stricter.fp.item(), stricter.fn.item()] == [0, 1, 1]


places = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), max_size=6)


@given(places, places, st.sampled_from([0.1, 0.5, 0.7, 1.0]))
@settings(deadline=None)
def test_intersections_are_those_of_every_ms(reference, estimate, share):
    """Counted one by one, and where spans of one side overlap, for each of them."""

    def covered(span, others):
        start, n = span
        return sum(a <= ms < a + m for ms in range(start, start + n) for a, m in others) >= share * n - 1e-6

    relevant = [span for span in estimate if covered(span, reference)]
    truth = [Annotation(a, a + n, "echo") for a, n in reference]
    found = [Detection(a, a + n, "echo", 0.5) for a, n in estimate]
    counts = intersection_counts([truth], [found], ["echo"], dtc=share, gtc=share)
    assert counts.tp.item() == sum(covered(span, relevant) for span in reference)
    assert counts.fp.item() == len(estimate) - len(relevant)


def test_thousands_of_spans_are_compared_with_those_near_them():
    """Each with each would be 10 ** 8 pairs: minutes."""
    spans = [Annotation(500 * k, 500 * k + 100, "echo") for k in range(10_000)]
    counts = intersection_counts([spans], [spans], ["echo"])
    assert (counts.tp.item(), counts.fp.item()) == (10_000, 0)


@pytest.mark.parametrize("count", COUNTERS)
@given(files)
@settings(max_examples=30, deadline=None)
def test_perfect_input_scores_one(count, pairs):
    reference = [truth for truth, _ in pairs]
    scores = f_scores(count(reference, reference, TYPES))
    assert np.all(scores.f1[scores.support > 0] == 1.0)
    assert not np.any(scores.f1[scores.support == 0] >= 0)


@pytest.mark.parametrize("count", COUNTERS)
@given(files, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_order_does_not_matter(count, pairs, random):
    """Neither of spans in a file nor of files."""
    before = count(*zip(*pairs, strict=True), TYPES)
    shuffled = [(random.sample(a, len(a)), random.sample(b, len(b))) for a, b in pairs]
    random.shuffle(shuffled)
    after = count(*zip(*shuffled, strict=True), TYPES)
    for name in ("tp", "fp", "fn"):
        np.testing.assert_array_equal(getattr(before, name).sum(0), getattr(after, name).sum(0))


@pytest.mark.parametrize("count", COUNTERS)
@given(files, st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_shifting_everything_leaves_the_counts(count, pairs, seconds):
    """By whole seconds, as segments have a grid."""

    def shifted(spans):
        return [Detection(s.start_ms + 1000 * seconds, s.end_ms + 1000 * seconds, s.artifact_type, 0.5) for s in spans]

    before = count(*zip(*pairs, strict=True), TYPES)
    after = count(*zip(*[(shifted(a), shifted(b)) for a, b in pairs], strict=True), TYPES)
    np.testing.assert_array_equal([before.tp, before.fp, before.fn], [after.tp, after.fp, after.fn])


@pytest.mark.parametrize("count", COUNTERS)
@given(files, st.sampled_from(TYPES))
@settings(max_examples=30, deadline=None)
def test_a_false_alarm_never_raises_precision(count, pairs, name):
    """Far from everything else."""
    reference, estimate = map(list, zip(*pairs, strict=True))
    before = f_scores(count(reference, estimate, TYPES))
    estimate[0] = [*estimate[0], Detection(90_000, 90_500, name, 0.9)]
    after = f_scores(count(reference, estimate, TYPES))
    assert np.all(np.nan_to_num(after.precision, nan=1.0) <= np.nan_to_num(before.precision, nan=1.0))
    np.testing.assert_array_equal(before.recall, after.recall)
    assert np.nan_to_num(after.micro_f1) <= np.nan_to_num(before.micro_f1)


@given(files)
@settings(max_examples=30, deadline=None)
def test_wider_collars_never_lose_hits(pairs):
    narrow, wide = (event_counts(*zip(*pairs, strict=True), TYPES, collar_ms=ms) for ms in (50, 300))
    assert np.all(narrow.tp <= wide.tp)


def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="2 reference files but 1"):
        event_counts([[], []], [[]], TYPES)
    with pytest.raises(ParameterError, match="'hum' is not one of type_names \\('glitch', 'echo'"):
        event_counts([[]], [[Detection(0, 1, "hum", 1.0)]], TYPES)
    with pytest.raises(ParameterError, match="segment_ms=0"):
        segment_counts([[]], [[]], TYPES, segment_ms=0)
    with pytest.raises(ParameterError, match="gtc=0"):
        intersection_counts([[]], [[]], TYPES, gtc=0.0)
    with pytest.raises(ParameterError, match="fp has shape"):
        EventCounts(np.zeros((1, 1), int), np.zeros((2, 1), int), np.zeros((1, 1), int), ("echo",))
