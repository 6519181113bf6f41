"""What there is to review: outcomes, sorted and filtered for the list, and how each kind looks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from relaylib.errors import ParameterError
from relaylib.evaluate import EvalConfig, Outcome, file_outcomes
from relaylib.evaluate.outcomes import KINDS, Kind
from relaylib.evaluate.pairing import Aligned, align
from relaylib.formats import read_detections
from relaylib.types import Detection, FileResult, Manifest

__all__ = [
    "CONTEXT_MS",
    "ERRORS",
    "LOOKS",
    "Listing",
    "Look",
    "akin",
    "in_words",
    "kind_counts",
    "nearest",
    "outcomes_of",
    "place_after",
    "results_given",
    "row_of",
    "rows_of",
    "stretch_around",
]

CONTEXT_MS = 1000
"""What is shown and played before and after an outcome."""

_LEAST_STRETCH_MS = 4000

DetectionsGiven = Sequence[FileResult] | Mapping[str, Sequence[Detection]] | str | os.PathLike[str]
"""Results, detections by file name, or a detections file."""

SortKey = Literal["confidence", "kind", "type", "place", "duration"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of outcome is called and drawn; `sign` tells it from the others without its colour."""

    label: str
    color: str
    sign: str


LOOKS: Mapping[Kind, Look] = {
    "hit": Look("hit", "#009E73", "✓"),
    "boundary": Look("boundary", "#E69F00", "↔"),
    "wrong_type": Look("wrong type", "#CC79A7", "≠"),
    "miss": Look("miss", "#0072B2", "○"),
    "false_alarm": Look("false alarm", "#D55E00", "✕"),
}
"""Of Okabe and Ito's colours those that stay apart for colour-blind readers, on white and on black."""

ERRORS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "hit")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows: outcomes of these `kinds`, of one type or of all, in the order of a column."""

    kinds: tuple[Kind, ...] = ERRORS
    artifact_type: str | None = None
    sort_by: SortKey = "confidence"
    descending: bool = True

    def __post_init__(self) -> None:
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise ParameterError(f"kinds {', '.join(map(repr, unknown))} are unknown; known are {', '.join(KINDS)}.")
        if self.sort_by not in _KEYS:
            raise ParameterError(f"sort_by={self.sort_by!r} is unknown; known are {', '.join(_KEYS)}.")


def _place(outcome: Outcome) -> tuple[str, int]:
    return outcome.filename, outcome.start_ms


_KEYS: Mapping[str, Callable[[Outcome], Any]] = {
    "confidence": lambda outcome: outcome.confidence,
    "kind": lambda outcome: KINDS.index(outcome.kind),
    "type": lambda outcome: outcome.artifact_type,
    "place": _place,
    "duration": lambda outcome: outcome.end_ms - outcome.start_ms,
}


def results_given(detections: DetectionsGiven) -> list[FileResult]:
    """Return detections of any shape as results.

    Parameters
    ----------
    detections : sequence of FileResult, mapping of str to sequence of Detection, or path
        A file that is not in a mapping has no result: give it an empty list if nothing was found in it.

    Raises
    ------
    ParameterError
        If it is none of these.
    FormatError
        If the file is not detections JSON.
    """
    if isinstance(detections, (str, os.PathLike)):
        return read_detections(Path(detections))
    if isinstance(detections, Mapping):
        return [FileResult(name, None, "completed", tuple(found)) for name, found in detections.items()]
    results = list(detections)
    strange = next((result for result in results if not isinstance(result, FileResult)), None)
    if strange is not None:
        raise ParameterError(
            f"detections hold a {type(strange).__name__}; need FileResult, as detect_files gives them, "
            "or {filename: detections}, so that it is known which file each belongs to."
        )
    return results


def outcomes_of(
    reference: Manifest, results: Sequence[FileResult], config: EvalConfig
) -> tuple[Aligned, list[Outcome]]:
    """Return the files that can be compared, and what became of every annotation and detection in them."""
    aligned = align(reference, results)
    found = [
        outcome
        for item, spans in zip(aligned.items, aligned.detections, strict=True)
        for outcome in file_outcomes(
            item.filename, item.annotations, spans, collar_ms=config.collar_ms, offset_ratio=config.offset_ratio
        )
    ]
    return aligned, found


def rows_of(outcomes: Sequence[Outcome], listing: Listing) -> list[int]:
    """Return the indices of the outcomes that a list shows, in its order; equal ones stay in the order of the files.

    Examples
    --------
    >>> found = [Detection(0, 90, "click", 0.6), Detection(500, 590, "click", 0.9)]
    >>> outcomes = file_outcomes("a.wav", [], found)
    >>> rows_of(outcomes, Listing())
    [1, 0]
    """
    shown = [
        k
        for k, outcome in enumerate(outcomes)
        if outcome.kind in listing.kinds and (listing.artifact_type is None or listing.artifact_type in _types(outcome))
    ]
    key = _KEYS[listing.sort_by]
    return sorted(shown, key=lambda k: key(outcomes[k]), reverse=listing.descending)


def _types(outcome: Outcome) -> tuple[str, ...]:
    """Return the type of the annotation, of the detection, or both."""
    spans = (outcome.reference, outcome.detection)
    return tuple(dict.fromkeys(span.artifact_type for span in spans if span is not None))


def kind_counts(outcomes: Sequence[Outcome], artifact_type: str | None = None) -> dict[Kind, int]:
    """Count the outcomes of each kind, of one type or of all."""
    counted = Counter(o.kind for o in outcomes if artifact_type is None or artifact_type in _types(o))
    return {kind: counted[kind] for kind in KINDS}


def row_of(outcome: Outcome, row_id: int) -> dict[str, Any]:
    """Return an outcome as the list gets it."""
    look = LOOKS[outcome.kind]
    minutes, ms = divmod(outcome.start_ms, 60_000)
    return {
        "id": row_id,
        "kind": outcome.kind,
        "label": look.label,
        "sign": look.sign,
        "color": look.color,
        "type": " → ".join(_types(outcome)),
        "filename": outcome.filename,
        "at": f"{minutes}:{ms / 1000:06.3f}",
        "duration_ms": outcome.end_ms - outcome.start_ms,
        "confidence": None if outcome.detection is None else round(outcome.detection.confidence, 3),
    }


def in_words(outcome: Outcome) -> str:
    """Return an outcome in words.

    Examples
    --------
    >>> in_words(file_outcomes("a.wav", [], [Detection(0, 90, "click", 0.6)])[0])
    'detected click 0–90 ms, confidence 0.60'
    """
    parts = []
    for what, span in (("annotated", outcome.reference), ("detected", outcome.detection)):
        if span is not None:
            sure = f", confidence {span.confidence:.2f}" if what == "detected" else ""
            parts.append(f"{what} {span.artifact_type} {span.start_ms}–{span.end_ms} ms{sure}")
    return "; ".join(parts)


def stretch_around(outcome: Outcome) -> tuple[int, int]:
    """Return the stretch to show: an outcome with a second around it, four seconds at least.

    Examples
    --------
    >>> stretch_around(file_outcomes("a.wav", [], [Detection(9000, 9500, "click", 0.6)])[0])
    (7250, 11250)
    """
    pad = max(CONTEXT_MS, (_LEAST_STRETCH_MS - (outcome.end_ms - outcome.start_ms)) // 2)
    start_ms = max(0, outcome.start_ms - pad)
    return start_ms, max(outcome.end_ms + pad, start_ms + _LEAST_STRETCH_MS)


def nearest(outcomes: Sequence[Outcome], to: Outcome) -> int | None:
    """Return the index of what another outcome is now, None where nothing is left in its file.

    That is an equal one, or else one of the same annotation or detection, or else the one whose place is most alike.
    """

    def unlike(k: int) -> tuple[bool, bool, int, bool]:
        one = outcomes[k]
        apart_ms = abs(one.start_ms - to.start_ms) + abs(one.end_ms - to.end_ms)
        return one != to, not _share(one, to), apart_ms, one.artifact_type != to.artifact_type

    return min((k for k, one in enumerate(outcomes) if one.filename == to.filename), key=unlike, default=None)


def akin(one: Outcome, other: Outcome) -> bool:
    """Return whether two outcomes of a file are of the same annotation or detection, or at least overlap."""
    return _share(one, other) or (one.start_ms < other.end_ms and other.start_ms < one.end_ms)


def _share(one: Outcome, other: Outcome) -> bool:
    pairs = ((one.reference, other.reference), (one.detection, other.detection))
    return any(span is not None and span == its for span, its in pairs)


def place_after(at: float, row: int | None, new_row: int | None) -> float:
    """Return where in the list to go on from after a correction.

    Parameters
    ----------
    at : float
        Where it was before: a row, or between two, where a row has left the list.
    row, new_row : int or None
        Where the chosen outcome was in the list, and where it is now; None if it is not there.

    Examples
    --------
    >>> place_after(3, 3, None)  # the next row is the one that has moved up
    2.5
    >>> place_after(2.5, 0, 0)  # something else is chosen since
    2.5
    """
    if row is not None and row != at:
        return at
    if new_row is not None:
        return new_row
    return at if row is None else at - 0.5
