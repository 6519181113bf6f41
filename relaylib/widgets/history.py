"""What was done to a recording, to be undone and done again without limit."""

from __future__ import annotations

from collections.abc import Iterable

from relaylib.types import Detection
from relaylib.widgets.editing import Edit, Rules, apply
from relaylib.widgets.marks import Marks, suggestions

__all__ = ["History"]


class History:
    """The marks of one recording now, before and after.

    Attributes
    ----------
    marks : Marks
        As they are now.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self._before: list[Marks] = []
        self._after: list[Marks] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether something was undone since the last edit."""
        return bool(self._after)

    def do(self, edit: Edit, rules: Rules) -> bool:
        """Apply `edit`, and return whether it changed anything; what was undone before is then dropped.

        Raises
        ------
        ParameterError
            If the edit makes no sense, see :func:`relaylib.widgets.editing.apply`; nothing has changed then.
        """
        return self.put(apply(self.marks, edit, rules))

    def put(self, marks: Marks) -> bool:
        """Let `marks` be what is there now, as one step, and return whether they differ from what was."""
        if marks == self.marks:
            return False
        self._before.append(self.marks)
        self._after.clear()
        self.marks = marks
        return True

    def take_over(self, marks: Marks) -> bool:
        """Let `marks` from elsewhere be what is there now, as :meth:`put` does; no two marks ever go by one id.

        Those that are there already keep their ids.
        """
        return self.put(marks.renumbered(self.marks, self._next_id()))

    def _next_id(self) -> int:
        return max(marks.next_id for marks in (*self._before, self.marks, *self._after))

    def suggest(self, detections: Iterable[Detection], by: str | None = None) -> None:
        """Let the `detections` of the model `by` be the open suggestions, now, before and after: this is no step.

        All other marks keep their ids, and a suggestion has the same one wherever it stands.
        """
        found = suggestions(detections, by, self._next_id())
        self.marks = self.marks.with_suggestions(found)
        self._before = [marks.with_suggestions(found) for marks in self._before]
        self._after = [marks.with_suggestions(found) for marks in self._after]

    def undo(self) -> bool:
        """Go one step back, and return whether there was one."""
        return self._step(self._before, self._after)

    def redo(self) -> bool:
        """Go one step forward again, and return whether there was one."""
        return self._step(self._after, self._before)

    def _step(self, source: list[Marks], target: list[Marks]) -> bool:
        if not source:
            return False
        target.append(self.marks)
        self.marks = source.pop()
        return True
