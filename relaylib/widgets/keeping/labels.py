"""What is kept of one recording: annotations, what a detector suggested, whether a person is through with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from relaylib.types import Annotation, Detection
from relaylib.widgets.marks import Marks, annotations_of, marks_of, suggestions_of

__all__ = ["Labels", "labels_of"]


@dataclass(frozen=True, slots=True)
class Labels:
    """What is kept of one recording.

    `suggestions` are open, `rejected` were turned down; `by` names the model that made the open ones. `done` is that
    of :class:`relaylib.AudioItem`.
    """

    annotations: tuple[Annotation, ...] = ()
    suggestions: tuple[Detection, ...] = ()
    rejected: tuple[Detection, ...] = ()
    by: str | None = None
    done: bool | None = None

    def marks(self) -> Marks:
        """Return it as marks, with which a session begins."""
        return marks_of(self.annotations, self.suggestions, rejected=self.rejected, by=self.by)

    def suggested(self, detections: Iterable[Detection], by: str | None = None) -> Labels:
        """Return it with the `detections` of the model `by` for open suggestions; what was judged stays judged."""
        return replace(self, suggestions=tuple(detections), by=by)


def labels_of(marks: Marks, done: bool | None) -> Labels:
    """Return what is to be kept of `marks`."""
    open_ones = [mark for mark in marks.items if mark.state == "suggestion"]
    by = (open_ones[0].extra_data or {}).get("by") if open_ones else None
    return Labels(annotations_of(marks), suggestions_of(marks), marks.rejected, by, done)
