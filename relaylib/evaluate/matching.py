"""Which detections are right: the largest one-to-one pairing of reference and estimated spans."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.types import Span

__all__ = ["Columns", "check_tolerances", "count_matches", "match_events"]

Columns = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Starts and ends of spans in ms [shapes=(n_spans,)]."""

_SMALL = 64  # references up to which augmenting paths in plain Python beat SciPy's set-up (and cannot recurse deeply)


def check_tolerances(collar_ms: int, offset_ratio: float) -> None:
    """Raise ParameterError unless both tolerances are usable."""
    if not collar_ms >= 0:
        raise ParameterError(f"collar_ms={collar_ms}: need collar_ms >= 0.")
    if not 0.0 <= offset_ratio <= 1.0:
        raise ParameterError(f"offset_ratio={offset_ratio}: need 0 <= offset_ratio <= 1.")


def match_events(
    reference: Sequence[Span], estimate: Sequence[Span], *, collar_ms: int = 200, offset_ratio: float = 0.2
) -> list[tuple[int, int]]:
    """Pair reference and estimated spans of one type in one file, as many as can be.

    A pair is allowed when the onsets differ by at most `collar_ms` and the offsets by at most
    ``max(collar_ms, offset_ratio * length of the reference span)``. The pairing is a maximum bipartite
    matching, so the order of the spans never changes the number of pairs; among partners that are equally
    good for that number, nearer ones are tried first. Types are not looked at.

    Parameters
    ----------
    reference, estimate : sequence of Annotation or Detection, in any order
        Spans of one type in one file; they may overlap. Either may be empty: no pairs.
    collar_ms : int >= 0
        Tolerance around the onset and least tolerance around the offset.
    offset_ratio : float, 0..1
        Share of the reference length that the offset may be off.

    Returns
    -------
    list of (int, int), sorted
        Index into `reference` and index into `estimate`; each index at most once.

    Raises
    ------
    ParameterError
        If a tolerance is out of range.

    References
    ----------
    .. [1] Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection", Applied Sciences 6(6),
       2016; pairing as ``sed_eval`` with ``event_matching_type="optimal"``. Times are integers here, so a
       deviation of exactly the collar always counts as inside.

    Examples
    --------
    >>> from relaylib.types import Annotation, Detection
    >>> match_events([Annotation(1000, 1500, "echo")], [Detection(1200, 1700, "echo", 0.9)])
    [(0, 0)]
    """
    check_tolerances(collar_ms, offset_ratio)
    if not reference or not estimate:
        return []
    edges = _allowed_pairs(reference, estimate, collar_ms, offset_ratio)
    if all(len(js) <= 1 for js in edges):
        first: dict[int, int] = {}
        for i, js in enumerate(edges):
            if js:
                first.setdefault(js[0], i)
        return sorted((i, j) for j, i in first.items())
    if len(edges) <= _SMALL:
        return _augment(edges)
    return _hopcroft_karp(edges, len(estimate))


def count_matches(reference: Columns, estimate: Columns, *, collar_ms: int = 200, offset_ratio: float = 0.2) -> int:
    """Return how many pairs :func:`match_events` finds, for many spans given as columns.

    Parameters
    ----------
    reference, estimate : (np.ndarray, np.ndarray) [shapes=(n_spans,)]
        Starts and ends in ms, in any order. Spans of different files are kept apart by their times.
    collar_ms, offset_ratio
        Tolerances, see :func:`match_events`.

    Examples
    --------
    >>> count_matches((np.array([1000]), np.array([1500])), (np.array([100, 1200]), np.array([200, 1700])))
    1
    """
    check_tolerances(collar_ms, offset_ratio)
    order = np.argsort(estimate[0], kind="stable")
    onsets, offsets = estimate[0][order], estimate[1][order]
    starts, ends = reference
    first = np.searchsorted(onsets, starts - collar_ms, "left")
    n_near = np.searchsorted(onsets, starts + collar_ms, "right") - first
    i = np.repeat(np.arange(len(starts)), n_near)
    j = np.arange(len(i)) + np.repeat(first - np.cumsum(n_near) + n_near, n_near)
    allowed = np.abs(offsets[j] - ends[i]) <= np.maximum(collar_ms, offset_ratio * (ends - starts))[i]
    i, j = i[allowed], j[allowed]
    degrees = np.bincount(i, minlength=len(starts))
    if degrees.max(initial=0) <= 1:  # nobody has a choice
        return len(np.unique(j))
    return int((_largest_matching(degrees, j, len(onsets)) >= 0).sum())


def _allowed_pairs(
    reference: Sequence[Span], estimate: Sequence[Span], collar_ms: int, offset_ratio: float
) -> list[list[int]]:
    """Per reference span the estimates that it may take, nearest first."""
    order = sorted(range(len(estimate)), key=lambda j: estimate[j].start_ms)
    onsets = [estimate[j].start_ms for j in order]
    edges: list[list[int]] = []
    for span in reference:
        start, end = span.start_ms, span.end_ms
        tolerance = max(collar_ms, offset_ratio * (end - start))
        near = order[bisect_left(onsets, start - collar_ms) : bisect_right(onsets, start + collar_ms)]
        allowed = [j for j in near if abs(estimate[j].end_ms - end) <= tolerance]
        if len(allowed) > 1:
            allowed.sort(key=lambda j: abs(estimate[j].start_ms - start) + abs(estimate[j].end_ms - end))
        edges.append(allowed)
    return edges


def _augment(edges: list[list[int]]) -> list[tuple[int, int]]:
    """Kuhn's augmenting paths; recursion is bounded by the number of references."""
    owner: dict[int, int] = {}

    def place(i: int, seen: set[int]) -> bool:
        for j in edges[i]:
            if j in seen:
                continue
            seen.add(j)
            if j not in owner or place(owner[j], seen):
                owner[j] = i
                return True
        return False

    for i in range(len(edges)):
        place(i, set())
    return sorted((i, j) for j, i in owner.items())


def _hopcroft_karp(edges: list[list[int]], n_estimate: int) -> list[tuple[int, int]]:
    """SciPy's Hopcroft-Karp, for files with many spans that lie close together."""
    columns = np.fromiter((j for js in edges for j in js), dtype=np.int32)
    taken = _largest_matching(np.array([len(js) for js in edges]), columns, n_estimate)
    return [(i, int(j)) for i, j in enumerate(taken) if j >= 0]


def _largest_matching(degrees: npt.NDArray[np.int64], columns: npt.NDArray[Any], n_columns: int) -> npt.NDArray[Any]:
    """Return the column that each row is given, or -1; row ``i`` allows the next ``degrees[i]`` of `columns`."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    starts = np.concatenate([[0], np.cumsum(degrees)]).astype(np.int32)
    entries = np.ones(len(columns), dtype=np.int8), columns.astype(np.int32), starts
    return maximum_bipartite_matching(csr_array(entries, shape=(len(degrees), n_columns)), perm_type="column")
