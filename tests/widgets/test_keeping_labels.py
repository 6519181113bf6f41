from drawn import ANNOTATIONS, DETECTIONS, EDITS, MARKS, after
from hypothesis import given
from hypothesis import strategies as st

from relaylib.types import Detection
from relaylib.widgets.editing import Reject, Rules, apply
from relaylib.widgets.keeping import Labels, labels_of
from relaylib.widgets.marks import annotations_of, marks_of, suggestions_of

CLICK, HUM = Detection(100, 120, "glitch", 0.9), Detection(300, 400, "echo", 0.6)


def said(marks):
    """Return what marks say, whatever their ids."""
    return [
        (m.start_ms, m.end_ms, m.artifact_type, m.confidence, m.state, m.extra_data)
        for m in sorted(marks.items, key=lambda m: (m.start_ms, m.end_ms, m.artifact_type, m.state, repr(m)))
    ]


@given(MARKS, st.lists(EDITS, max_size=8), st.sampled_from([None, False, True]))
def test_marks_come_back_from_what_is_kept_of_them(marks, edits, done):
    """But for open suggestions at the place of an annotation: there the person has decided."""
    marks = [marks, *after(marks, edits)][-1]
    labels = labels_of(marks, done)
    back = labels.marks()
    assert labels.done is done
    assert back.rejected == marks.rejected
    assert annotations_of(back) == tuple(sorted(annotations_of(marks)))
    assert set(suggestions_of(back)) <= set(suggestions_of(marks))
    assert said(labels_of(back, done).marks()) == said(back)


@given(ANNOTATIONS, DETECTIONS)
def test_who_suggested_is_kept(annotations, detections):
    labels = labels_of(marks_of(annotations, detections, by="first"), None)
    assert labels.by == ("first" if labels.suggestions else None)


def test_new_suggestions_take_the_place_of_open_ones_and_leave_out_what_was_judged():
    rules = Rules(1000, ("glitch", "echo"))
    labels = labels_of(apply(marks_of([], [CLICK, HUM], by="first"), Reject(1), rules), None)
    assert labels == Labels((), (HUM,), (CLICK,), "first")
    new = Detection(310, 390, "echo", 0.7)
    marks = labels.suggested([CLICK, new], "second").marks()
    assert [(m.start_ms, m.extra_data) for m in marks.items] == [(310, {"by": "second"})]
