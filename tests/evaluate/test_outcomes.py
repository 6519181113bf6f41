from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.evaluate import event_counts, file_outcomes, worst
from relaylib.types import Annotation, Detection

TYPES = ("glitch", "echo")
span = st.tuples(st.integers(0, 2000), st.integers(1, 900), st.sampled_from(TYPES), st.floats(0, 1))
spans = st.lists(span.map(lambda t: Detection(t[0], t[0] + t[1], t[2], t[3])), max_size=6)


def kinds(reference, detections):
    return [outcome.kind for outcome in file_outcomes("a.wav", reference, detections)]


def test_each_kind_once():
    reference = [
        Annotation(0, 500, "echo"),
        Annotation(1000, 2000, "echo"),
        Annotation(3000, 3500, "echo"),
        Annotation(5000, 5500, "echo"),
    ]
    detections = [
        Detection(100, 600, "echo", 0.9),  # edges 100 ms off: hit
        Detection(1400, 2000, "echo", 0.9),  # starts 400 ms late: boundary
        Detection(3000, 3500, "glitch", 0.9),  # wrong type
        Detection(7000, 7100, "glitch", 0.9),  # false alarm
    ]
    assert kinds(reference, detections) == ["hit", "boundary", "wrong_type", "miss", "false_alarm"]


def test_right_type_goes_before_longer_overlap():
    """The echo that overlaps a little is the boundary error, the glitch on top of it a false alarm."""
    reference = [Annotation(1000, 2000, "echo")]
    detections = [Detection(1900, 2600, "echo", 0.5), Detection(1000, 2000, "glitch", 0.5)]
    assert sorted(kinds(reference, detections)) == ["boundary", "false_alarm"]


def test_touching_spans_do_not_overlap():
    assert sorted(kinds([Annotation(0, 1000, "echo")], [Detection(1000, 1500, "glitch", 0.5)])) == [
        "false_alarm",
        "miss",
    ]


@given(spans, spans)
@settings(max_examples=80, deadline=None)
def test_every_span_is_in_one_outcome_and_hits_are_true_positives(reference, detections):
    outcomes = file_outcomes("a.wav", reference, detections)
    assert Counter(o.reference for o in outcomes if o.reference) == Counter(reference)
    assert Counter(o.detection for o in outcomes if o.detection) == Counter(detections)
    counts = event_counts([reference], [detections], TYPES)
    n = Counter(o.kind for o in outcomes)
    assert n["hit"] == counts.tp.sum()
    assert n["boundary"] + n["wrong_type"] + n["miss"] == counts.fn.sum()
    assert n["boundary"] + n["wrong_type"] + n["false_alarm"] == counts.fp.sum()


@given(spans, spans)
@settings(max_examples=80, deadline=None)
def test_what_is_alone_overlaps_nothing_that_is_alone(reference, detections):
    outcomes = file_outcomes("a.wav", reference, detections)
    missed = [o.reference for o in outcomes if o.kind == "miss"]
    alarms = [o.detection for o in outcomes if o.kind == "false_alarm"]
    assert not [(a, b) for a in missed for b in alarms if a.start_ms < b.end_ms and b.start_ms < a.end_ms]
    paired = [(o.reference, o.detection) for o in outcomes if o.kind in ("boundary", "wrong_type")]
    assert all(a.start_ms < b.end_ms and b.start_ms < a.end_ms for a, b in paired)


def test_worst_takes_turns_between_the_kinds():
    """Two places for four kinds' worth: the most confident false alarm and the longest miss."""
    reference = [Annotation(0, 100, "echo"), Annotation(1000, 1900, "echo")]
    detections = [Detection(5000, 5100, "echo", 0.6), Detection(7000, 7100, "echo", 0.8)]
    outcomes = file_outcomes("a.wav", reference, detections)
    first, second = worst(outcomes, 2)
    assert (first.kind, first.confidence) == ("false_alarm", 0.8)
    assert (second.kind, second.start_ms) == ("miss", 1000)
    assert len(worst(outcomes, 99)) == 4
    assert worst(outcomes, 0) == []


def test_worst_takes_turns_between_the_types():
    """Three long misses of one type do not push out the short one of another."""
    reference = [
        *(Annotation(5000 * k, 5000 * k + 3000, "echo") for k in range(3)),
        Annotation(20_000, 20_010, "glitch"),
    ]
    first, second = worst(file_outcomes("a.wav", reference, []), 2)
    assert (first.artifact_type, second.artifact_type) == ("echo", "glitch")
