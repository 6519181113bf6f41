import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.evaluate import event_counts
from relaylib.models.held_out import HeldOut, Labelled
from relaylib.models.operating_point import OperatingPoint, apply_points
from relaylib.models.tuning import tally
from relaylib.postprocess import decode
from relaylib.types import Annotation, Scores

THRESHOLDS = np.array([-1.0, 0.0, 1.5])


@st.composite
def recordings(draw):
    """Smooth curves of two types, marks anywhere (also behind the end), durations that the frames miss or pass."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(0, 150))
        rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        logits = np.cumsum(rng.standard_normal((n, 2)), axis=0).astype(np.float32)
        duration_ms = max(1, n * 20 + draw(st.integers(-30, 60)))
        spans = []
        for _ in range(draw(st.integers(0, 4))):
            start = draw(st.integers(0, duration_ms + 3000))
            spans.append(Annotation(start, start + draw(st.integers(1, 1500)), draw(st.sampled_from(["a", "b"]))))
        found.append(Labelled(logits, tuple(spans), duration_ms))
    return found


def is_stray(span, item):
    return not any(a.start_ms < span.end_ms and span.start_ms < a.end_ms for a in item.annotations)


@settings(max_examples=60, deadline=None)
@given(recordings(), st.sampled_from([(1, 0), (1, 1), (3, 0), (4, 2), (50, 1), (60, 0), (1, 0, 4), (3, 1, 2)]))
def test_all_at_once_is_one_by_one(items, shape):
    """What the public functions decode and count in each recording, added up."""
    found = tally(HeldOut(items), 1, "b", OperatingPoint(0.0, *shape), THRESHOLDS)
    reference = [[span for span in item.annotations if span.artifact_type == "b"] for item in items]
    for k, threshold in enumerate(THRESHOLDS):
        point = OperatingPoint(float(threshold), *shape)
        spans = [decode(Scores(apply_points(item.logits[:, 1:], [point]), ("b",), item.duration_ms)) for item in items]
        counts = event_counts(reference, spans, ["b"])
        assert found.hits[k] == counts.tp.sum()
        assert found.found[k] == counts.tp.sum() + counts.fp.sum()
        assert found.n_reference == counts.tp.sum() + counts.fn.sum()
        stray = sum(is_stray(span, item) for item, own in zip(items, spans, strict=True) for span in own)
        assert found.stray[k] == stray


def test_unmarked_time_is_what_no_annotation_covers():
    """Of 10 s: 1 to 3 s by two that overlap, 5 to 6 s by one inside another."""
    spans = [(1000, 2500, "a"), (2000, 3000, "b"), (5000, 6000, "a"), (5200, 5300, "b")]
    item = Labelled(np.full((500, 1), -9.0, np.float32), tuple(Annotation(*span) for span in spans), 10_000)
    found = tally(HeldOut([item]), 0, "a", OperatingPoint(), np.zeros(1))
    assert found.unmarked_hours == pytest.approx(7 / 3600)
    assert found.n_reference == 2


def test_what_two_recordings_come_to_is_the_sum_of_both():
    item = Labelled(np.full((500, 1), 1.0, np.float32), (Annotation(0, 10_000, "a"),), 10_000)
    one = tally(HeldOut([item]), 0, "a", OperatingPoint(), np.zeros(1))
    two = tally(HeldOut([item, item]), 0, "a", OperatingPoint(), np.zeros(1))
    sums = tuple(2 * value for value in (one.hits, one.found, one.stray, one.n_reference))
    assert sums == (two.hits, two.found, two.stray, two.n_reference)
    assert two.f1.tolist() == [1.0]
    assert two.stray.tolist() == [0]
