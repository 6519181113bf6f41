"""What became of each annotation and each detection, one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from relaylib.evaluate.matching import match_events
from relaylib.types import Span

__all__ = ["KINDS", "Kind", "Outcome", "file_outcomes", "worst"]

Kind = Literal["hit", "boundary", "wrong_type", "miss", "false_alarm"]
KINDS: tuple[Kind, ...] = ("hit", "boundary", "wrong_type", "miss", "false_alarm")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One annotation (`reference`), one detection, or a pair of both, and what it amounts to.

    ``hit``: right type, edges inside the tolerances. ``boundary``: right type and overlapping, edges outside.
    ``wrong_type``: overlapping, another type. ``miss``: an annotation alone. ``false_alarm``: a detection alone.
    """

    filename: str
    kind: Kind
    reference: Span | None = None
    detection: Span | None = None

    @property
    def artifact_type(self) -> str:
        """Type of the annotation, or of the detection where there is none."""
        span = self.reference or self.detection
        assert span is not None
        return span.artifact_type

    @property
    def start_ms(self) -> int:
        """Earliest start of what is involved."""
        return min(span.start_ms for span in (self.reference, self.detection) if span is not None)

    @property
    def end_ms(self) -> int:
        """Latest end of what is involved."""
        return max(span.end_ms for span in (self.reference, self.detection) if span is not None)

    @property
    def confidence(self) -> float:
        """Confidence of the detection, 0 where there is none."""
        return 0.0 if self.detection is None else self.detection.confidence


def file_outcomes(
    filename: str,
    reference: Sequence[Span],
    detections: Sequence[Span],
    *,
    collar_ms: int = 200,
    offset_ratio: float = 0.2,
) -> list[Outcome]:
    """Sort the annotations and detections of one file into outcomes, each into exactly one.

    Hits are the matches of :func:`match_events`, so their number is the number of true positives. Of what is left,
    overlapping spans of one type pair up as ``boundary``, longest overlap first, then those of different types as
    ``wrong_type``; the rest is alone. In counts, boundary and wrong type are one miss and one false alarm each.

    Returns
    -------
    list of Outcome, sorted by start
    """
    found: list[Outcome] = []
    left, right = dict.fromkeys(range(len(reference))), dict.fromkeys(range(len(detections)))

    def settle(kind: Kind, i: int, j: int) -> None:
        found.append(Outcome(filename, kind, reference[i], detections[j]))
        left.pop(i)
        right.pop(j)

    for name in sorted({span.artifact_type for span in reference}):
        own = [i for i in left if reference[i].artifact_type == name]
        given = [j for j in right if detections[j].artifact_type == name]
        matches = match_events(
            [reference[i] for i in own],
            [detections[j] for j in given],
            collar_ms=collar_ms,
            offset_ratio=offset_ratio,
        )
        for a, b in matches:
            settle("hit", own[a], given[b])
    overlaps = sorted(_overlaps(reference, detections))
    kinds: tuple[tuple[Kind, bool], ...] = (("boundary", True), ("wrong_type", False))
    for kind, wanted in kinds:
        for _, i, j in overlaps:
            same = reference[i].artifact_type == detections[j].artifact_type
            if same is wanted and i in left and j in right:
                settle(kind, i, j)
    found += [Outcome(filename, "miss", reference=reference[i]) for i in left]
    found += [Outcome(filename, "false_alarm", detection=detections[j]) for j in right]
    return sorted(found, key=lambda o: (o.start_ms, o.end_ms, o.artifact_type, o.kind))


def _overlaps(reference: Sequence[Span], detections: Sequence[Span]) -> Iterator[tuple[int, int, int]]:
    """Yield minus the length of what they have in common, in ms, and the indices of each two that overlap."""
    by_start = sorted(range(len(detections)), key=lambda j: detections[j].start_ms)
    starts = [detections[j].start_ms for j in by_start]
    longest = max((span.end_ms - span.start_ms for span in detections), default=0)
    for i, span in enumerate(reference):
        first, last = bisect_left(starts, span.start_ms - longest), bisect_left(starts, span.end_ms)
        for j in by_start[first:last]:
            common = min(span.end_ms, detections[j].end_ms) - max(span.start_ms, detections[j].start_ms)
            if common > 0:
                yield -common, i, j


def _severity(outcome: Outcome) -> float:
    reference, detection = outcome.reference, outcome.detection
    if outcome.kind == "miss":
        return outcome.end_ms - outcome.start_ms
    if outcome.kind == "boundary" and reference and detection:
        return abs(reference.start_ms - detection.start_ms) + abs(reference.end_ms - detection.end_ms)
    return outcome.confidence


def worst(outcomes: Sequence[Outcome], n: int) -> list[Outcome]:
    """Choose up to `n` errors: kinds take turns, inside a kind types do, hits have none.

    Worst are the most confident false alarms and wrong types, the longest misses and the boundaries that are
    furthest off. Turns keep one kind or one type (long pauses are long) from taking all places. The answer is
    grouped by kind: false alarms, misses, boundaries, wrong types; worst first.
    """
    order: tuple[Kind, ...] = ("false_alarm", "miss", "boundary", "wrong_type")
    queues = [_by_turns([o for o in outcomes if o.kind == kind]) for kind in order]
    turns = [outcome for turn in zip_longest(*queues) for outcome in turn if outcome is not None]
    chosen = sorted(turns[: max(n, 0)], key=_severity, reverse=True)
    return sorted(chosen, key=lambda outcome: order.index(outcome.kind))


def _by_turns(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Order errors of one kind: the worst of each type, then the second worst of each."""
    by_type: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=_severity, reverse=True):
        by_type.setdefault(outcome.artifact_type, []).append(outcome)
    return [outcome for turn in zip_longest(*by_type.values()) for outcome in turn if outcome is not None]
