from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.evaluate import match_events
from relaylib.evaluate.matching import _allowed_pairs, _augment, _hopcroft_karp, count_matches
from relaylib.types import Annotation

spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 300)).map(lambda t: Annotation(t[0], t[0] + t[1], "echo")), max_size=5
)


def span(start_ms, end_ms):
    return Annotation(start_ms, end_ms, "echo")


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "paired"),
    [
        (1200, 3000, True),  # onset just inside 200 ms
        (1201, 3000, False),
        (800, 3000, True),
        (799, 3000, False),
        (1000, 3400, True),  # 20 % of 2000 ms is 400 ms
        (1000, 3401, False),
        (1000, 2600, True),
        (1000, 2599, False),
    ],
)
def test_tolerances_include_their_edges(start_ms, end_ms, paired):
    """The reference is [1000, 3000): onset within 200 ms, offset within max(200, 0.2 * 2000) = 400 ms."""
    assert bool(match_events([span(1000, 3000)], [span(start_ms, end_ms)])) is paired


def test_offset_tolerance_comes_from_the_reference_length():
    """The collar holds for short references, however long the estimate is."""
    assert match_events([span(0, 1000)], [span(0, 1200)]) == [(0, 0)]
    assert match_events([span(0, 1000)], [span(0, 1201)]) == []
    assert match_events([span(0, 1201)], [span(0, 1000)]) == [(0, 0)]  # 0.2 * 1201 = 240.2


def test_pairing_is_maximal_where_greedy_is_not():
    """A greedy choice of the nearest (1 to 0) would leave reference 0 alone; both can be paired."""
    reference, estimate = [span(0, 100), span(190, 290)], [span(180, 280), span(390, 490)]
    assert match_events(reference, estimate, collar_ms=200) == [(0, 0), (1, 1)]


def test_a_nearer_partner_is_preferred():
    assert match_events([span(100, 200)], [span(0, 100), span(110, 210)]) == [(0, 1)]


def test_nothing_pairs_with_nothing():
    assert match_events([], [span(0, 1)]) == []
    assert match_events([span(0, 1)], []) == []


@pytest.mark.parametrize("options", [{"collar_ms": -1}, {"offset_ratio": -0.1}, {"offset_ratio": 1.1}])
def test_bad_tolerances_are_refused(options):
    with pytest.raises(ParameterError, match=next(iter(options))):
        match_events([span(0, 1)], [span(0, 1)], **options)


@given(spans, spans, st.integers(0, 150))
@settings(max_examples=60, deadline=None)
def test_number_of_pairs_equals_exhaustive_search(reference, estimate, collar_ms):
    """No assignment of references to estimates pairs more."""
    allowed = _allowed_pairs(reference, estimate, collar_ms, 0.2)
    slots = [*range(len(estimate)), *[None] * len(reference)]
    best = (
        max(sum(j in allowed[i] for i, j in enumerate(choice)) for choice in set(permutations(slots, len(reference))))
        if len(slots) <= 7
        else None
    )
    pairs = match_events(reference, estimate, collar_ms=collar_ms)
    assert all(j in allowed[i] for i, j in pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    if best is not None:
        assert len(pairs) == best


def test_both_algorithms_pair_equally_many(rng):
    for _ in range(20):
        starts = rng.integers(0, 3000, (2, 80))
        reference, estimate = ([span(int(s), int(s) + 300) for s in row] for row in starts)
        edges = _allowed_pairs(reference, estimate, 60, 0.2)
        assert (
            len(_augment(edges))
            == len(_hopcroft_karp(edges, 80))
            == len(match_events(reference, estimate, collar_ms=60))
        )


def test_thousands_of_close_spans_do_not_overflow():
    """A chain in which each span could take its neighbour's place."""
    reference = [span(k * 10, k * 10 + 100) for k in range(3000)]
    assert len(match_events(reference, reference[::-1])) == 3000


def columns(spans):
    return tuple(np.array([getattr(span, name) for span in spans], np.int64) for name in ("start_ms", "end_ms"))


@given(spans, spans, st.integers(0, 150), st.sampled_from([0.0, 0.2, 1.0]))
def test_pairs_of_columns_are_counted_as_they_are_matched(reference, estimate, collar_ms, ratio):
    matches = match_events(reference, estimate, collar_ms=collar_ms, offset_ratio=ratio)
    count = count_matches(columns(reference), columns(estimate), collar_ms=collar_ms, offset_ratio=ratio)
    assert count == len(matches)


def test_counting_leaves_no_pair_out_where_spans_crowd():
    """A chain in which a greedy choice would waste one: each reference may take two of the estimates."""
    reference = [span(100 * k, 100 * k + 1000) for k in range(80)]
    estimate = [span(100 * k + 90, 100 * k + 1090) for k in range(80)]
    assert count_matches(columns(reference), columns(estimate), collar_ms=100, offset_ratio=0.0) == 80
