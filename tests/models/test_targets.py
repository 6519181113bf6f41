import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.models.targets import MIN_FRAMES, frame_targets
from relaylib.types import Annotation


def marked(targets, column=0):
    return np.flatnonzero(targets.labels[:, column]).tolist()


def test_a_span_marks_every_frame_it_touches():
    """90 to 141 ms touch frames 4 (80-100) to 7 (140-160)."""
    assert marked(frame_targets([Annotation(90, 141, "echo")], ["echo"], 20)) == [4, 5, 6, 7]


def test_edges_on_the_grid_touch_no_neighbour():
    """80 to 160 ms are frames 4 to 7, and neither 3 nor 8."""
    assert marked(frame_targets([Annotation(80, 160, "echo")], ["echo"], 20)) == [4, 5, 6, 7]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "frames"),
    [
        (105, 106, [4, 5, 6]),  # one frame, 5: one more on each side
        (105, 125, [4, 5, 6]),  # two frames, 5 and 6: one more before
        (100, 160, [5, 6, 7]),  # three frames stay three
        (0, 1, [0, 1, 2]),  # nothing lies before the first frame
        (399, 400, [17, 18, 19]),  # nor behind the last
        (385, 400, [17, 18, 19]),
    ],
)
def test_short_spans_are_widened_to_three_frames(start_ms, end_ms, frames):
    assert marked(frame_targets([Annotation(start_ms, end_ms, "click")], ["click"], 20)) == frames


def test_a_span_beyond_the_end_is_cut():
    assert marked(frame_targets([Annotation(320, 9000, "echo")], ["echo"], 20)) == [16, 17, 18, 19]


def test_the_last_milliseconds_belong_to_the_last_frames():
    """Encoders leave the end without frames of its own: what happens there is marked on the last ones."""
    assert marked(frame_targets([Annotation(400, 415, "click")], ["click"], 20)) == [17, 18, 19]


def test_a_span_after_the_recording_marks_nothing():
    """An annotation of another, longer recording teaches nothing about the end of this one."""
    targets = frame_targets([Annotation(460, 900, "echo", 0.5)], ["echo"], 20)
    assert marked(targets) == []
    assert (targets.weights == 1).all()


def test_a_recording_shorter_than_three_frames_is_marked_whole():
    assert marked(frame_targets([Annotation(5, 10, "click")], ["click"], 2)) == [0, 1]
    assert frame_targets([Annotation(5, 10, "click")], ["click"], 0).labels.shape == (0, 1)


def test_confidence_weighs_the_frames_of_the_annotation_and_no_others():
    targets = frame_targets([Annotation(40, 100, "echo", 0.25)], ["echo", "click"], 6)
    assert targets.weights[:, 0].tolist() == [1, 1, 0.25, 0.25, 0.25, 1]
    assert targets.weights[:, 1].tolist() == [1] * 6
    assert targets.labels[:, 1].tolist() == [0] * 6


@pytest.mark.parametrize("turn", [1, -1])
def test_overlapping_annotations_take_the_larger_confidence(turn):
    """Whatever the order in which they come."""
    spans = [Annotation(0, 80, "echo", 0.75), Annotation(60, 140, "echo", 0.25), Annotation(20, 140, "click", 0.5)]
    targets = frame_targets(spans[::turn], ["echo", "click"], 8)
    assert targets.weights[:, 0].tolist() == [0.75] * 4 + [0.25] * 3 + [1]
    assert targets.weights[:, 1].tolist() == [1] + [0.5] * 6 + [1]
    assert marked(targets, 0) == list(range(7))
    assert marked(targets, 1) == list(range(1, 7))


def test_annotations_of_other_types_are_passed_over():
    assert marked(frame_targets([Annotation(0, 80, "hiss")], ["echo"], 8)) == []


def test_frames_of_another_length():
    """With frames of 10 ms, 20 to 50 ms are frames 2 to 4."""
    assert marked(frame_targets([Annotation(20, 50, "echo")], ["echo"], 9, hop_ms=10)) == [2, 3, 4]


@given(
    st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 400), st.integers(0, 4)), max_size=6), st.integers(0, 50)
)
def test_targets_equal_a_loop_over_frames(spans, n_frames):
    """Every touched frame is marked with the largest confidence, and each span inside marks at least three."""
    annotations = [Annotation(start, start + length, "echo", level / 4) for start, length, level in spans]
    targets = frame_targets(annotations, ["echo"], n_frames)
    for i in range(n_frames):
        touching = [a.confidence for a in annotations if a.start_ms < (i + 1) * 20 and i * 20 < a.end_ms]
        if touching:
            assert targets.labels[i, 0] == 1
            assert targets.weights[i, 0] >= max(touching)
        if not targets.labels[i, 0]:
            assert targets.weights[i, 0] == 1
    for annotation in annotations:
        if annotation.start_ms < n_frames * 20:
            first, last = annotation.start_ms // 20, -(-annotation.end_ms // 20)
            around = targets.labels[max(0, first - MIN_FRAMES) : last + MIN_FRAMES, 0]
            assert around.sum() >= min(MIN_FRAMES, n_frames)
