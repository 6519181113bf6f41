"""Intersection-based counts: overlap decides, so that one detection may cover several events or the reverse."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, compress

import numpy as np

from relaylib.errors import ParameterError
from relaylib.evaluate.counts import EventCounts, by_type, check_files
from relaylib.types import Span

__all__ = ["check_criteria", "intersection_counts"]

_SLACK_MS = 1e-6  # shares of whole ms are compared as floats: 0.7 * 10 must not exceed 7


def check_criteria(**criteria: float) -> None:
    """Raise ParameterError unless every criterion lies in (0, 1]."""
    for name, value in criteria.items():
        if not 0.0 < value <= 1.0:
            raise ParameterError(f"{name}={value}: need 0 < {name} <= 1.")


def intersection_counts(
    reference: Sequence[Sequence[Span]],
    estimate: Sequence[Sequence[Span]],
    type_names: Sequence[str],
    *,
    dtc: float = 0.5,
    gtc: float = 0.5,
) -> EventCounts:
    """Count events by overlap instead of by their edges, per file and type.

    A detection is relevant when reference spans of its type cover at least the share `dtc` of it, else it is
    a false positive. A reference span is found when relevant detections cover at least the share `gtc` of it.

    Parameters
    ----------
    reference, estimate : sequence of sequences of Annotation or Detection
        The spans of file ``k`` are ``reference[k]`` and ``estimate[k]``. Where spans of one type and side
        overlap each other, the shared time counts once for each.
    type_names : sequence of str
        The types to count, one column each.
    dtc : float, 0 < dtc <= 1
        Detection tolerance criterion.
    gtc : float, 0 < gtc <= 1
        Ground truth intersection criterion.

    Returns
    -------
    EventCounts
        `tp` and `fn` count reference spans, `fp` counts detections.

    Raises
    ------
    ParameterError
        If the two sides differ in length, a type is not in `type_names`, or a criterion is out of range.

    References
    ----------
    .. [1] Bilen et al., "A framework for the robust evaluation of sound event detection", ICASSP 2020.
       ``sed_scores_eval.intersection_based.fscore`` gives the same counts.
    """
    check_criteria(dtc=dtc, gtc=gtc)
    check_files(len(reference), len(estimate))
    column = {name: k for k, name in enumerate(type_names)}
    tp, fp, fn = (np.zeros((len(reference), len(column)), dtype=np.int64) for _ in range(3))
    for row, (truth, found) in enumerate(zip(reference, estimate, strict=True)):
        truth_of, found_of = by_type(truth, column), by_type(found, column)
        for k in truth_of.keys() | found_of.keys():
            spans, detections = truth_of.get(k, []), found_of.get(k, [])
            relevant = list(compress(detections, _covered(detections, spans, dtc)))
            tp[row, k] = sum(_covered(spans, relevant, gtc))
            fp[row, k], fn[row, k] = len(detections) - len(relevant), len(spans) - tp[row, k]
    return EventCounts(tp, fp, fn, tuple(type_names))


def _covered(spans: Sequence[Span], others: Sequence[Span], share: float) -> list[bool]:
    """Return of each of `spans` whether `others` cover at least `share` of it."""
    starts, ends = sorted(o.start_ms for o in others), sorted(o.end_ms for o in others)
    sums_of_starts, sums_of_ends = [0, *accumulate(starts)], [0, *accumulate(ends)]

    def before(time: int) -> int:
        """Return how many ms of `others` lie before a time."""
        n_begun, n_ended = bisect_left(starts, time), bisect_left(ends, time)
        return (n_begun - n_ended) * time - sums_of_starts[n_begun] + sums_of_ends[n_ended]

    return [
        before(span.end_ms) - before(span.start_ms) >= share * (span.end_ms - span.start_ms) - _SLACK_MS
        for span in spans
    ]
