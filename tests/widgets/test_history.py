from contextlib import suppress

import pytest
from drawn import DETECTIONS, EDITS, MARKS, RULES, after
from hypothesis import given
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection
from relaylib.widgets.editing import Accept, Draw, Nudge, Remove
from relaylib.widgets.history import History
from relaylib.widgets.marks import Marks, annotations_of, marks_of, suggestions_of


@given(MARKS, st.lists(EDITS, max_size=15), st.integers(0, 20))
def test_undo_and_redo_give_back_exactly_what_was(marks, edits, n_undone):
    history = History(marks)
    for edit in edits:
        with suppress(ParameterError):
            history.do(edit, RULES)
    states = [marks, *after(marks, edits)]
    n_undone = min(n_undone, len(states) - 1)
    for k in range(n_undone):
        assert history.undo()
        assert history.marks == states[-2 - k]
    for k in range(n_undone, 0, -1):
        assert history.redo()
        assert history.marks == states[len(states) - k]
    assert not history.can_redo
    while history.can_undo:
        history.undo()
    assert history.marks == marks


def test_undo_has_no_limit():
    history = History(Marks())
    for k in range(2000):
        assert history.do(Draw(0, 500, "echo") if k == 0 else Nudge(1, (-1) ** k, "end"), RULES)
    assert sum(iter(history.undo, False)) == 2000
    assert history.marks == Marks()
    assert not history.undo()


def test_a_new_edit_drops_what_was_undone():
    history = History(marks_of([Annotation(1, 5, "echo")]))
    history.do(Remove(1), RULES)
    history.undo()
    history.do(Draw(10, 20, "echo"), RULES)
    assert not history.can_redo
    assert not history.redo()
    assert [(m.start_ms, m.end_ms) for m in history.marks.items] == [(1, 5), (10, 20)]


def test_what_changes_nothing_is_no_step():
    history = History(marks_of([Annotation(0, 5, "echo")]))
    assert not history.do(Nudge(1, -10), RULES)
    with pytest.raises(ParameterError):
        history.do(Remove(7), RULES)
    assert not history.can_undo


def test_marks_put_from_outside_are_one_step():
    history = History(Marks())
    other = marks_of([Annotation(0, 5, "echo")])
    assert history.put(other)
    assert not history.put(marks_of([Annotation(0, 5, "echo")]))
    history.undo()
    assert history.marks == Marks()


def test_marks_from_elsewhere_go_by_ids_of_their_own():
    """Whoever had one selected selects no other by it, before or after undo; what was there already keeps its id."""
    history = History(marks_of([Annotation(0, 5, "echo"), Annotation(20, 30, "glitch")]))
    history.do(Remove(1), RULES)
    assert history.take_over(marks_of([Annotation(10, 15, "echo"), Annotation(20, 30, "glitch")]))
    assert [(mark.id, mark.start_ms) for mark in history.marks.items] == [(3, 10), (2, 20)]
    assert not history.take_over(marks_of([Annotation(10, 15, "echo"), Annotation(20, 30, "glitch")]))
    history.undo()
    assert [mark.id for mark in history.marks.items] == [2]


@given(MARKS, st.lists(EDITS, max_size=15), st.integers(0, 20), DETECTIONS)
def test_suggestions_that_arrive_are_no_step(marks, edits, n_undone, detections):
    """At each step the annotations stay as they are, and what nobody had judged by then is suggested."""
    history = History(marks)
    for edit in edits:
        with suppress(ParameterError):
            history.do(edit, RULES)
    states = [marks, *after(marks, edits)]
    now = len(states) - 1 - sum(history.undo() for _ in range(n_undone))
    history.suggest(detections, "second")
    assert (history.can_undo, history.can_redo) == (now > 0, now < len(states) - 1)
    while history.undo():
        now -= 1
    assert now == 0
    for state in states:
        assert labelled(history.marks) == labelled(state)
        expected = marks_of(annotations_of(state), detections, rejected=state.rejected)
        assert sorted(suggestions_of(history.marks)) == sorted(suggestions_of(expected))
        assert history.redo() == (state is not states[-1])


def labelled(marks):
    return [mark for mark in marks.items if mark.state == "annotation"]


def test_a_suggestion_has_one_id_wherever_it_stands():
    """Also one that was open before, and that was accepted meanwhile."""
    same, new = Detection(100, 120, "echo", 0.5), Detection(300, 400, "echo", 0.9)
    history = History(marks_of([], [same]))
    history.do(Draw(10, 20, "glitch"), RULES)
    history.do(Accept(1), RULES)
    history.suggest([same, new], "second")
    ids = [{mark.start_ms: mark.id for mark in history.marks.items}]
    while history.undo():
        ids.append({mark.start_ms: mark.id for mark in history.marks.items})
    assert ids[:2] == [{10: 2, 100: 1, 300: ids[0][300]}] * 2
    assert ids[2] == {100: 1, 300: ids[0][300]}
    history.redo()
    history.do(Draw(500, 510, "glitch"), RULES)
    assert history.marks.items[-1].id > ids[0][300]
