from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from relaylib.types import Annotation
from relaylib.widgets.keeping.difference import difference, same

SPANS = st.lists(
    st.builds(
        lambda start, length, name, notes: Annotation(start, start + length, name, 1.0, notes),
        st.integers(0, 5),
        st.integers(1, 3),
        st.sampled_from("ab"),
        st.sampled_from([None, {"n": 1, "m": 2}, {"m": 2, "n": 1}, {"n": 2}]),
    ),
    max_size=5,
)


def numbered(spans):
    return {UUID(int=n): span for n, span in enumerate(spans)}


def fingerprints(spans):
    return sorted((s, sorted((s.extra_data or {}).items())) for s in spans)


@given(SPANS, SPANS)
def test_carried_out_it_gives_what_is_wanted_in_as_few_steps_as_can_be(known, wanted):
    """The steps: those that have to go or come, an exchange of one for another counting once."""
    there = numbered(known)
    steps = difference(there, wanted)
    now = {**there, **steps.update}
    for id_ in steps.delete:
        del now[id_]
    assert fingerprints([*now.values(), *steps.create]) == fingerprints(wanted)
    left, missing = fingerprints(known), fingerprints(wanted)
    for span in list(left):
        if span in missing:
            left.remove(span)
            missing.remove(span)
    n_steps = len(steps.create) + len(steps.update) + len(steps.delete)
    assert n_steps == max(len(left), len(missing))


@given(SPANS, SPANS)
def test_same_means_nothing_to_do(some, others):
    steps = difference(numbered(some), others)
    assert same(some, others) == (not (steps.create or steps.update or steps.delete))
    assert same(some, reversed(some))


def test_a_moved_edge_and_a_changed_type_are_changes_of_the_nearest():
    known = [Annotation(0, 10, "a"), Annotation(100, 110, "a"), Annotation(100, 110, "b")]
    wanted = [Annotation(0, 10, "a"), Annotation(100, 112, "a"), Annotation(101, 110, "b")]
    steps = difference(numbered(known), wanted)
    assert steps.update == {UUID(int=1): wanted[1], UUID(int=2): wanted[2]}
    assert (steps.create, steps.delete) == ((), ())
