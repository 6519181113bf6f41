"""Hits, false alarms and misses per file and type: the numbers that every F-score is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.evaluate.matching import check_tolerances, match_events
from relaylib.types import Span

__all__ = ["EventCounts", "by_type", "check_files", "event_counts"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class EventCounts:
    """Counts [shape=(n_files, n_types), int64] of true positives, false positives and false negatives.

    What is counted (events, segments) depends on the function that made them; `type_names` names the
    columns. Files are the unit of the bootstrap, so the counts are kept apart by file.
    """

    tp: IntArray
    fp: IntArray
    fn: IntArray
    type_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, array in (("tp", self.tp), ("fp", self.fp), ("fn", self.fn)):
            if array.shape != self.tp.shape or array.ndim != 2 or array.shape[1] != len(self.type_names):
                raise ParameterError(
                    f"{name} has shape {array.shape}; need (n_files, {len(self.type_names)}), alike for tp, fp and fn."
                )

    def __len__(self) -> int:
        return len(self.tp)


def by_type(spans: Sequence[Span], column: dict[str, int]) -> dict[int, list[Span]]:
    """Sort the spans of one file by the column of their type; an unknown type raises ParameterError."""
    sorted_spans: dict[int, list[Span]] = {}
    for span in spans:
        try:
            key = column[span.artifact_type]
        except KeyError:
            known = ", ".join(map(repr, column)) or "none"
            raise ParameterError(
                f"artifact_type {span.artifact_type!r} is not one of type_names ({known}); add it or drop the span."
            ) from None
        sorted_spans.setdefault(key, []).append(span)
    return sorted_spans


def check_files(n_reference: int, n_estimate: int) -> None:
    """Raise ParameterError unless both sides hold the same files."""
    if n_reference != n_estimate:
        raise ParameterError(
            f"{n_reference} reference files but {n_estimate} estimated; give one list of spans per file."
        )


def event_counts(
    reference: Sequence[Sequence[Span]],
    estimate: Sequence[Sequence[Span]],
    type_names: Sequence[str],
    *,
    collar_ms: int = 200,
    offset_ratio: float = 0.2,
) -> EventCounts:
    """Count matched, surplus and missed events per file and type.

    Parameters
    ----------
    reference, estimate : sequence of sequences of Annotation or Detection
        The spans of file ``k`` are ``reference[k]`` and ``estimate[k]``, in any order.
    type_names : sequence of str
        The types to count, one column each.
    collar_ms, offset_ratio
        Tolerances, see :func:`match_events`.

    Returns
    -------
    EventCounts
        Of ``len(reference)`` files; without files, arrays of no rows.

    Raises
    ------
    ParameterError
        If the two sides differ in length, a type is not in `type_names`, or a tolerance is out of range.

    Examples
    --------
    >>> from relaylib.types import Annotation, Detection
    >>> counts = event_counts([[Annotation(0, 90, "glitch")]], [[Detection(900, 990, "glitch", 0.8)]], ["glitch"])
    >>> counts.tp.item(), counts.fp.item(), counts.fn.item()
    (0, 1, 1)
    """
    check_tolerances(collar_ms, offset_ratio)
    check_files(len(reference), len(estimate))
    column = {name: k for k, name in enumerate(type_names)}
    tp, fp, fn = (np.zeros((len(reference), len(column)), dtype=np.int64) for _ in range(3))
    for row, (truth, found) in enumerate(zip(reference, estimate, strict=True)):
        truth_of, found_of = by_type(truth, column), by_type(found, column)
        for k, spans in truth_of.items():
            others = found_of.pop(k, [])
            hits = len(match_events(spans, others, collar_ms=collar_ms, offset_ratio=offset_ratio)) if others else 0
            tp[row, k], fp[row, k], fn[row, k] = hits, len(others) - hits, len(spans) - hits
        for k, spans in found_of.items():
            fp[row, k] = len(spans)
    return EventCounts(tp, fp, fn, tuple(type_names))
