import msgspec
import numpy as np
import pytest
from drawn import EDITS, LAST_MS, MARKS, RULES, TYPES, after
from hypothesis import given
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection
from relaylib.widgets.editing import Accept, Change, Draw, Nudge, Reject, Remove, Rules, apply, draw_of, edit_of
from relaylib.widgets.marks import Marks, annotations_of, marks_of, suggestions_of

CLICK = Detection(100, 120, "glitch", 0.9)


SPAN = Annotation(100, 200, "glitch")


def one(edit, span=SPAN):
    """Return the mark of a recording with the annotation `span` alone, after `edit`."""
    (mark,) = apply(marks_of([span]), edit, RULES).items
    return mark


def times(mark):
    return mark.start_ms, mark.end_ms


def last(marks, edits):
    """Return the marks after those of `edits` that make sense."""
    return [marks, *after(marks, edits)][-1]


@given(MARKS, st.lists(EDITS, max_size=12))
def test_marks_stay_sorted_in_the_recording_and_distinct(marks, edits):
    marks = last(marks, edits)
    places = [(m.start_ms, m.end_ms, m.id) for m in marks.items]
    assert places == sorted(places)
    assert len({m.id for m in marks.items}) == len(marks.items)
    assert all(0 <= m.start_ms < m.end_ms <= LAST_MS for m in marks.items)
    assert all(m.id < marks.next_id for m in marks.items)
    assert all(m.artifact_type in TYPES for m in marks.items)


@given(MARKS, st.lists(EDITS, max_size=12))
def test_no_suggestion_is_forgotten(marks, edits):
    """Each is open, rejected, or recorded in the annotation that was made of it; so none is suggested again."""
    suggested = suggestions_of(marks)
    marks = last(marks, edits)
    again = marks_of(annotations_of(marks), suggested, rejected=marks.rejected)
    assert set(suggestions_of(again)) <= set(suggestions_of(marks))


@given(MARKS, EDITS)
def test_an_edit_touches_one_mark(marks, edit):
    before = {m.id: m for m in marks.items}
    now = {m.id: m for m in last(marks, [edit]).items}
    changed = [k for k in before.keys() | now.keys() if before.get(k) != now.get(k)]
    assert len(changed) <= 1
    assert not changed or changed[0] == getattr(edit, "id", marks.next_id)


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (10, 40, (10, 40)),
        (40, 10, (10, 40)),
        (-50, 40, (0, 40)),
        (900, 5000, (900, 1000)),
        (500, 500, (500, 501)),
        (1000, 1000, (999, 1000)),
        (2000, 3000, (999, 1000)),
        (-9, -3, (0, 1)),
    ],
)
def test_a_drawn_span_is_led_into_the_recording(start_ms, end_ms, expected):
    (mark,) = apply(Marks(), Draw(start_ms, end_ms, "echo"), RULES).items
    assert (times(mark), mark.artifact_type, mark.confidence, mark.state) == (expected, "echo", 1.0, "annotation")


def test_a_recording_of_unknown_length_has_no_end():
    (mark,) = apply(Marks(), Draw(5, 10**6, "echo"), Rules(None, TYPES)).items
    assert times(mark) == (5, 10**6)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Nudge(1, 10), (110, 210)),
        (Nudge(1, -150), (0, 100)),
        (Nudge(1, 2000), (900, 1000)),
        (Nudge(1, 60, "start"), (160, 200)),
        (Nudge(1, 160, "start"), (199, 200)),
        (Nudge(1, -160, "start"), (0, 200)),
        (Nudge(1, -160, "end"), (100, 101)),
        (Nudge(1, 2000, "end"), (100, 1000)),
        (Change(1, start_ms=150), (150, 200)),
        (Change(1, start_ms=250), (199, 200)),
        (Change(1, end_ms=50), (100, 101)),
        (Change(1, end_ms=5000), (100, 1000)),
        (Change(1, start_ms=950, end_ms=1050), (900, 1000)),
        (Change(1, start_ms=-30, end_ms=70), (0, 100)),
        (Change(1, start_ms=50, end_ms=2000), (50, 1000)),
        (Change(1, start_ms=300, end_ms=250), (250, 300)),
    ],
)
def test_edges_stop_at_the_recording_and_at_each_other(edit, expected):
    """A mark that is moved keeps its length; an edge keeps 1 ms from the other."""
    assert times(one(edit)) == expected


def test_a_mark_that_was_read_past_the_end_may_stay_there():
    """Tools differ by some ms on how long a recording is, and formats let that pass."""
    late = Annotation(950, 1040, "glitch")
    assert times(one(Nudge(1, 10, "start"), late)) == (960, 1040)
    assert times(one(Nudge(1, 10), late)) == (950, 1040)
    assert times(one(Nudge(1, -10), late)) == (940, 1030)
    assert times(one(Change(1, artifact_type="echo"), late)) == (950, 1040)


def test_type_confidence_and_notes_change_alone():
    assert one(Change(1, artifact_type="echo")).artifact_type == "echo"
    assert one(Change(1, confidence=0.5)).confidence == 0.5
    assert one(Change(1, extra_data={"note": "soft"})).extra_data == {"note": "soft"}
    assert one(Change(1, extra_data=None), Annotation(1, 2, "echo", 1.0, {"note": "x"})).extra_data is None


def test_an_accepted_suggestion_keeps_what_was_suggested():
    marks = marks_of([], [CLICK], by="first")
    (mark,) = apply(marks, Accept(1), RULES).items
    origin = {"artifact_type": "glitch", "start_ms": 100, "end_ms": 120, "confidence": 0.9, "by": "first"}
    assert (mark.state, mark.confidence, mark.extra_data) == ("annotation", 1.0, {"suggested": origin})


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Change(1, start_ms=105), (105, 120, "glitch", 1.0)),
        (Change(1, artifact_type="echo"), (100, 120, "echo", 1.0)),
        (Nudge(1, 10), (110, 130, "glitch", 1.0)),
        (Change(1, confidence=0.4), (100, 120, "glitch", 0.4)),
    ],
)
def test_a_suggestion_that_is_changed_is_accepted_as_corrected(edit, expected):
    (mark,) = apply(marks_of([], [CLICK]), edit, RULES).items
    assert (*times(mark), mark.artifact_type, mark.confidence) == expected
    assert mark.extra_data == {
        "suggested": {"artifact_type": "glitch", "start_ms": 100, "end_ms": 120, "confidence": 0.9}
    }


def test_notes_leave_the_origin_in_place():
    marks = apply(marks_of([], [CLICK], by="first"), Change(1, extra_data={"note": "soft", "by": "me"}), RULES)
    (mark,) = apply(marks, Change(1, extra_data={"note": "loud"}), RULES).items
    assert mark.extra_data["note"] == "loud"
    assert mark.extra_data["suggested"]["by"] == "first"


def test_dragging_a_suggestion_nowhere_leaves_it_open():
    marks = marks_of([], [CLICK])
    assert apply(marks, Change(1, start_ms=100, end_ms=120), RULES) is marks


@pytest.mark.parametrize("edits", [[Reject(1)], [Remove(1)], [Accept(1), Remove(1)], [Nudge(1, 7), Remove(1)]])
def test_what_is_rejected_or_removed_is_remembered_as_it_was_suggested(edits):
    marks = marks_of([], [CLICK])
    for edit in edits:
        marks = apply(marks, edit, RULES)
    assert (marks.items, marks.rejected) == ((), (CLICK,))


def test_a_drawn_annotation_is_removed_without_trace():
    marks = apply(marks_of([Annotation(1, 5, "echo")]), Remove(1), RULES)
    assert (marks.items, marks.rejected) == ((), ())


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Remove(9), "id=9: there is no such mark; there are 1, 2"),
        (Draw(1, 5, "pop"), "'pop' is not one of 'glitch', 'echo'; choose one"),
        (Change(1, artifact_type="pop"), "'pop' is not one of"),
        (Change(1, confidence=2.0), r"confidence=2\.0"),
        (Accept(1), "id=1 is an annotation"),
        (Reject(1), "id=1 is an annotation"),
        (Accept(2), "'hum' is not one of"),
    ],
)
def test_what_makes_no_sense_is_refused(edit, message):
    marks = marks_of([Annotation(1, 5, "echo")], [Detection(2, 9, "hum", 0.5)])
    with pytest.raises(ParameterError, match=message):
        apply(marks, edit, RULES)


def test_nothing_is_drawn_into_nothing():
    with pytest.raises(ParameterError, match="nothing in the recording"):
        apply(Marks(), Draw(0, 5, "echo"), Rules(0, TYPES))


def test_a_span_drawn_by_a_script_can_always_be_kept():
    """Numbers of NumPy are numbers; what is no whole ms, or no JSON, is refused before it is drawn."""
    notes = {"by": "me"}
    drawn = draw_of(np.int64(10), np.int32(20), "glitch", np.float32(0.5), notes)
    notes["by"] = "you"
    assert msgspec.json.decode(msgspec.json.encode(drawn)) == {
        "do": "draw",
        "start_ms": 10,
        "end_ms": 20,
        "artifact_type": "glitch",
        "confidence": 0.5,
        "extra_data": {"by": "me"},
    }
    for start_ms, more in ((10.5, None), ("10", None), (10, {"level": np.float32(1)})):
        with pytest.raises(ParameterError, match=r"whole ms|JSON"):
            draw_of(start_ms, 20, "glitch", 1.0, more)


def test_edits_are_read_from_messages():
    draw = {"do": "draw", "start_ms": 1, "end_ms": 5, "artifact_type": "echo"}
    assert edit_of(draw) == Draw(1, 5, "echo")
    assert edit_of({"do": "change", "id": 3, "extra_data": None}) == Change(3, extra_data=None)
    assert edit_of({"do": "nudge", "id": 3, "by_ms": -1, "edge": "end"}) == Nudge(3, -1, "end")
    assert [edit_of({"do": do, "id": 3}) for do in ("remove", "accept", "reject")] == [Remove(3), Accept(3), Reject(3)]


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({}, "do"),
        ({"do": "paint"}, "paint"),
        ({"do": "remove", "id": "3"}, r"\$\.id"),
        ({"do": "remove", "id": 3, "all": True}, "all"),
        ({"do": "draw", "start_ms": 1.5, "end_ms": 5, "artifact_type": "echo"}, r"\$\.start_ms"),
    ],
)
def test_a_message_that_is_no_edit_is_refused(message, problem):
    with pytest.raises(ParameterError, match=rf"is no edit: .*{problem}"):
        edit_of(message)
