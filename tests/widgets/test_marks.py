import pytest
from drawn import ANNOTATIONS, DETECTIONS
from hypothesis import given

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection
from relaylib.widgets.marks import Mark, Marks, annotations_of, marks_of, origin_of, suggestions_of

CLICK = Detection(100, 120, "glitch", 0.9)


@given(ANNOTATIONS, DETECTIONS)
def test_annotations_come_back_and_open_suggestions_beside_them(annotations, detections):
    marks = marks_of(annotations, detections)
    back = annotations_of(marks)
    assert sorted(map(repr, back)) == sorted(map(repr, annotations))
    assert list(back) == sorted(back, key=lambda span: (span.start_ms, span.end_ms))
    labelled = {(a.start_ms, a.end_ms, a.artifact_type) for a in annotations}
    open_ones = {d for d in detections if (d.start_ms, d.end_ms, d.artifact_type) not in labelled}
    assert set(suggestions_of(marks)) == open_ones


def test_what_was_judged_is_not_suggested_again():
    """Rejected, accepted as corrected, or drawn at the same place: in each case the person has decided."""
    origin = {"artifact_type": "glitch", "start_ms": 100, "end_ms": 120, "confidence": 0.9}
    corrected = Annotation(101, 118, "echo", 1.0, {"suggested": origin})
    assert suggestions_of(marks_of([], [CLICK])) == (CLICK,)
    assert suggestions_of(marks_of([], [CLICK], rejected=[CLICK])) == ()
    assert suggestions_of(marks_of([corrected], [CLICK])) == ()
    assert suggestions_of(marks_of([Annotation(100, 120, "glitch", 0.5)], [CLICK])) == ()
    assert suggestions_of(marks_of([Annotation(100, 120, "echo")], [CLICK])) == (CLICK,)


def test_a_suggestion_says_which_model_made_it():
    (mark,) = marks_of([], [CLICK], by="first").items
    assert (mark.state, mark.confidence, mark.extra_data) == ("suggestion", 0.9, {"by": "first"})


@pytest.mark.parametrize(
    "stranger", [None, {}, {"suggested": True}, {"suggested": {"start_ms": "1"}}, {"suggested": {"start_ms": 5}}]
)
def test_data_of_others_is_no_origin(stranger):
    assert origin_of(stranger) is None


def test_a_mark_obeys_the_rules_of_annotations():
    with pytest.raises(ParameterError, match="start_ms=5, end_ms=5: need"):
        Mark(1, 5, 5, "glitch")
    with pytest.raises(ParameterError, match=r"confidence=1\.5"):
        Mark(1, 5, 6, "glitch", 1.5)


def test_marks_are_sorted_and_their_ids_differ():
    late, long, short = Mark(1, 50, 60, "a"), Mark(2, 10, 90, "a"), Mark(3, 10, 20, "a")
    assert Marks((late, long, short), 4).items == (short, long, late)
    with pytest.raises(ParameterError, match="ids that differ"):
        Marks((late, Mark(1, 10, 20, "a")), 4)
    with pytest.raises(ParameterError, match="below next_id"):
        Marks((late,), 1)


def test_an_unknown_mark_is_named_with_the_known_ones():
    with pytest.raises(ParameterError, match="id=7: there is no such mark; there are 1, 2"):
        Marks((Mark(1, 0, 1, "a"), Mark(2, 3, 4, "a")), 3).get(7)
