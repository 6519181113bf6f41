"""What is drawn over one recording: marks, which are annotations or open suggestions of a detector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

from relaylib.errors import ParameterError
from relaylib.types import Annotation, Detection

__all__ = [
    "SUGGESTED",
    "Mark",
    "MarkState",
    "Marks",
    "annotations_of",
    "marks_of",
    "origin_of",
    "suggestions",
    "suggestions_of",
]

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

    def renumbered(self, known: Marks, next_id: int) -> Marks:
        """Return these with the ids that they have among those that are `known`, and others from `next_id` on."""
        ids: dict[str, list[int]] = {}
        for mark in known.items:
            ids.setdefault(_look(mark), []).append(mark.id)
        new = count(next_id)
        items = tuple(replace(mark, id=(ids.get(_look(mark)) or [next(new)]).pop()) for mark in self.items)
        used = max((mark.id for mark in items), default=0)
        return replace(self, items=items, next_id=max(known.next_id, used + 1))

    def with_suggestions(self, found: Sequence[Mark]) -> Marks:
        """Return the annotations among these, and beside them those of the suggestions `found` that nobody has judged.

        A suggestion is judged if one of the same type and times was rejected, was what an annotation was made from, or
        stands there as an annotation. One that is open here already keeps its id.
        """
        annotations = tuple(mark for mark in self.items if mark.state == "annotation")
        origins = [origin_of(mark.extra_data) for mark in annotations]
        judged = {_place(span) for span in (*annotations, *self.rejected, *origins) if span is not None}
        before = {_place(mark): mark for mark in self.items if mark.state == "suggestion"}
        open_ones = [_again(before.pop(_place(mark), None), mark) for mark in found if _place(mark) not in judged]
        next_id = max((self.next_id, *(mark.id + 1 for mark in found)))
        return replace(self, items=(*annotations, *open_ones), next_id=next_id)


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

    Parameters
    ----------
    annotations : iterable of Annotation
    detections : iterable of Detection
    rejected : iterable of Detection
        Suggestions that were turned down before.
    by : str, optional
        Name of the model behind `detections`.
    """
    items = tuple(
        Mark(n, s.start_ms, s.end_ms, s.artifact_type, s.confidence, "annotation", s.extra_data)
        for n, s in enumerate(sorted(annotations), start=1)
    )
    marks = Marks(items, len(items) + 1, tuple(rejected))
    return marks.with_suggestions(suggestions(detections, by, marks.next_id))


def suggestions(detections: Iterable[Detection], by: str | None, first_id: int) -> tuple[Mark, ...]:
    """Return detections of the model `by` as open suggestions, with ids from `first_id` on."""
    extra_data = None if by is None else {"by": by}
    return tuple(
        Mark(n, d.start_ms, d.end_ms, d.artifact_type, d.confidence, "suggestion", extra_data)
        for n, d in enumerate(sorted(set(detections)), start=first_id)
    )


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


def _again(before: Mark | None, mark: Mark) -> Mark:
    """Return `mark` with the id of the one in its place before; mostly that is the same, and no other is made."""
    if before is None:
        return mark
    same = (before.confidence, before.extra_data) == (mark.confidence, mark.extra_data)
    return before if same else replace(mark, id=before.id)


def _look(mark: Mark) -> str:
    """Return what a mark is but for its id."""
    return repr(replace(mark, id=0))


def _place(span: Mark | Detection) -> tuple[int, int, str]:
    return span.start_ms, span.end_ms, span.artifact_type
