from contextlib import suppress

import pytest
from drawn import EDITS, MARKS, RULES, after
from hypothesis import given
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.types import Annotation
from relaylib.widgets.editing import Draw, Nudge, Remove
from relaylib.widgets.history import History
from relaylib.widgets.marks import Marks, marks_of


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
