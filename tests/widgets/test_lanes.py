import numpy as np
from drawn import ANNOTATION, ANNOTATIONS, MARKS
from hypothesis import given
from hypothesis import strategies as st

from relaylib.types import Annotation
from relaylib.widgets.lanes import bodies_of, lanes


def depth(spans):
    """Return how many spans cover the most covered ms."""
    covered = np.zeros(1001, int)
    for span in spans:
        covered[span.start_ms : span.end_ms] += 1
    return covered.max()


@given(st.lists(ANNOTATION, max_size=12))
def test_there_are_as_many_lanes_as_spans_overlap_at_most(spans):
    """No fewer can do, since those at the deepest place need one each."""
    found = lanes(spans)
    assert len(set(found)) == depth(spans)
    assert set(found) == set(range(len(set(found))))
    for k, span in enumerate(spans):
        for j, other in enumerate(spans[:k]):
            if found[j] == found[k]:
                assert span.end_ms <= other.start_ms or other.end_ms <= span.start_ms


@given(ANNOTATIONS, st.integers(0, 3))
def test_a_span_alone_in_its_time_is_in_the_first_lane(spans, lane):
    alone = Annotation(2000, 2010, "echo")
    assert lanes([*spans, alone])[-1] == 0
    assert lanes([*spans, *[alone] * lane, alone])[-1] == lane


def test_spans_that_touch_share_a_lane():
    assert lanes([Annotation(0, 10, "a"), Annotation(10, 20, "a"), Annotation(9, 11, "a")]) == [0, 0, 1]


def test_none_need_no_lanes():
    assert lanes([]) == []


@given(MARKS)
def test_the_view_gets_all_fields_and_the_lane(marks):
    bodies = bodies_of(marks)
    assert [body["id"] for body in bodies] == [mark.id for mark in marks.items]
    assert [body["lane"] for body in bodies] == lanes(marks.items)
    names = {"id", "start_ms", "end_ms", "artifact_type", "confidence", "state", "extra_data", "lane"}
    assert all(set(body) == names for body in bodies)
