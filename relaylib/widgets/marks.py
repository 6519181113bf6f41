"""What is drawn over one recording: marks, which are annotations or open suggestions of a detector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection

__all__ = ["SUGGESTED", "Mark", "MarkState", "Marks", "annotations_of", "marks_of", "origin_of", "suggestions_of"]

MarkState = Literal["annotation", "suggestion"]

SUGGESTED = "suggested"
"""Key of ``extra_data`` under which an annotation keeps the suggestion that it was made from."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span on the screen; covers ``[start_ms, end_ms)``. `id` is its own within a recording and a session.

    Of a suggestion, ``extra_data["by"]`` names the model where it is known.
    """

    id: int
    start_ms: int
    end_ms: int
    artifact_type: str
    confidence: float = 1.0
    state: MarkState = "annotation"
    extra_data: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _annotation(self)  # its rules hold for a mark too

    @property
    def detection(self) -> Detection:
        """The span as a detector gives it."""
        return Detection(self.start_ms, self.end_ms, self.artifact_type, self.confidence)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one recording, sorted by start, end and id; `next_id` is what a new one gets.

    `rejected` are the suggestions that a person has turned down, so that they need not be asked about again.
    """

    items: tuple[Mark, ...] = ()
    next_id: int = 1
    rejected: tuple[Detection, ...] = ()

    def __post_init__(self) -> None:
        ids = {mark.id for mark in self.items}
        if len(ids) != len(self.items) or max(ids, default=0) >= self.next_id:
            raise ParameterError(
                f"marks have ids {[mark.id for mark in self.items]}, next_id={self.next_id}: "
                "need ids that differ and lie below next_id."
            )
        object.__setattr__(self, "items", tuple(sorted(self.items, key=lambda m: (m.start_ms, m.end_ms, m.id))))

    def get(self, mark_id: int) -> Mark:
        """Return the mark `mark_id`.

        Raises
        ------
        ParameterError
            If there is none.
        """
        for mark in self.items:
            if mark.id == mark_id:
                return mark
        known = ", ".join(str(mark.id) for mark in self.items) or "none"
        raise ParameterError(f"id={mark_id}: there is no such mark; there are {known}.")

    def put(self, mark: Mark) -> Marks:
        """Return these with `mark` in the place of the one that has its id, or beside them where none has."""
        others = tuple(other for other in self.items if other.id != mark.id)
        return replace(self, items=(*others, mark), next_id=max(self.next_id, mark.id + 1))

    def without(self, mark_id: int, *rejected: Detection) -> Marks:
        """Return these without the mark `mark_id`; `rejected` are turned down along with it."""
        turned_down = tuple(dict.fromkeys((*self.rejected, *rejected)))
        return replace(self, items=tuple(m for m in self.items if m.id != mark_id), rejected=turned_down)


def annotations_of(marks: Marks) -> tuple[Annotation, ...]:
    """Return the annotations among the marks, in their order."""
    return tuple(_annotation(mark) for mark in marks.items if mark.state == "annotation")


def suggestions_of(marks: Marks) -> tuple[Detection, ...]:
    """Return the suggestions that are still open, in the order of the marks."""
    return tuple(mark.detection for mark in marks.items if mark.state == "suggestion")


def marks_of(
    annotations: Iterable[Annotation],
    detections: Iterable[Detection] = (),
    *,
    rejected: Iterable[Detection] = (),
    by: str | None = None,
) -> Marks:
    """Return annotations as marks, and as suggestions the detections that nobody has judged.

    A detection is judged if one of the same type and times was rejected, was what an annotation was made from, or
    stands there as an annotation.

    Parameters
    ----------
    annotations : iterable of Annotation
    detections : iterable of Detection
    rejected : iterable of Detection
        Suggestions that were turned down before.
    by : str, optional
        Name of the model behind `detections`.
    """
    labelled, turned_down = sorted(annotations), tuple(rejected)
    origins = [origin_of(span.extra_data) for span in labelled]
    judged = {_place(span) for span in (*labelled, *turned_down, *origins) if span is not None}
    marks = [
        Mark(n, s.start_ms, s.end_ms, s.artifact_type, s.confidence, "annotation", s.extra_data)
        for n, s in enumerate(labelled, start=1)
    ]
    extra_data = None if by is None else {"by": by}
    for detection in sorted(set(detections)):
        if _place(detection) not in judged:
            start_ms, end_ms, artifact_type = _place(detection)
            id_ = len(marks) + 1
            marks.append(Mark(id_, start_ms, end_ms, artifact_type, detection.confidence, "suggestion", extra_data))
    return Marks(tuple(marks), len(marks) + 1, turned_down)


def origin_of(extra_data: Mapping[str, Any] | None) -> Detection | None:
    """Return the suggestion that an annotation with this `extra_data` was made from; None if it was drawn."""
    found = (extra_data or {}).get(SUGGESTED)
    if not isinstance(found, Mapping):
        return None
    try:
        return Detection(found["start_ms"], found["end_ms"], found["artifact_type"], found["confidence"])
    except (KeyError, TypeError, ParameterError):
        return None  # somebody else's data under the same name


def _annotation(mark: Mark) -> Annotation:
    return Annotation(mark.start_ms, mark.end_ms, mark.artifact_type, mark.confidence, mark.extra_data)


def _place(span: Annotation | Detection) -> tuple[int, int, str]:
    return span.start_ms, span.end_ms, span.artifact_type
