"""Segment-based counts: whether the right type is active in each fixed slice of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from relaylib.errors import ParameterError
from relaylib.evaluate.counts import EventCounts, by_type, check_files
from relaylib.types import Span

__all__ = ["segment_counts"]


def segment_counts(
    reference: Sequence[Sequence[Span]],
    estimate: Sequence[Sequence[Span]],
    type_names: Sequence[str],
    *,
    segment_ms: int = 1000,
) -> EventCounts:
    """Count slices of `segment_ms` in which a type is rightly, needlessly or not found, per file and type.

    A type is active in every slice that one of its spans touches. Slices start at the start of the file.

    Parameters
    ----------
    reference, estimate : sequence of sequences of Annotation or Detection
        The spans of file ``k`` are ``reference[k]`` and ``estimate[k]``, in any order.
    type_names : sequence of str
        The types to count, one column each.
    segment_ms : int > 0
        Length of a slice.

    Returns
    -------
    EventCounts
        Of slices instead of events; support is the number of slices with reference.

    Raises
    ------
    ParameterError
        If the two sides differ in length, a type is not in `type_names`, or `segment_ms` is not positive.

    References
    ----------
    .. [1] Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection", 2016; equal to ``sed_eval``
       ``SegmentBasedMetrics``.
    """
    if segment_ms <= 0:
        raise ParameterError(f"segment_ms={segment_ms}: need segment_ms > 0.")
    check_files(len(reference), len(estimate))
    column = {name: k for k, name in enumerate(type_names)}
    tp, fp, fn = (np.zeros((len(reference), len(column)), dtype=np.int64) for _ in range(3))
    for row, (truth, found) in enumerate(zip(reference, estimate, strict=True)):
        truth_of, found_of = by_type(truth, column), by_type(found, column)
        for k in truth_of.keys() | found_of.keys():
            wanted = _touched(truth_of.get(k, ()), segment_ms)
            given = _touched(found_of.get(k, ()), segment_ms)
            tp[row, k] = len(wanted & given)
            fp[row, k], fn[row, k] = len(given) - tp[row, k], len(wanted) - tp[row, k]
    return EventCounts(tp, fp, fn, tuple(type_names))


def _touched(spans: Iterable[Span], segment_ms: int) -> set[int]:
    """Return the slices that any of `spans` touches."""
    return {k for span in spans for k in range(span.start_ms // segment_ms, -(-span.end_ms // segment_ms))}
