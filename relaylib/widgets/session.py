"""A sitting over some recordings: which one is open, what was done to each, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from relaylib.errors import ParameterError, RelayError
from relaylib.types import ArtifactType, Detection, Manifest
from relaylib.widgets.editing import Edit, Rules
from relaylib.widgets.history import History
from relaylib.widgets.keeping import ConflictError, Keeper, Labels, MemoryKeeper, labels_of
from relaylib.widgets.marks import Marks, annotations_of, marks_of, suggestions_of
from relaylib.widgets.worklist import QueuedFile, shown

__all__ = ["Saved", "Session"]


@dataclass(frozen=True, slots=True)
class Saved:
    """Whether everything is kept; `message` says where, or why not."""

    state: Literal["saved", "failed", "memory"]
    message: str


class Session:
    """Recordings with their labels, as one person works through them.

    Every change is handed to the keeper at once. What it could not keep is tried again with the next change, and when
    the recording is opened. A recording that was changed elsewhere is read anew when it is opened, as one step that can
    be undone. Calls come one at a time.

    Parameters
    ----------
    keeper : Keeper
        Gives the labels that there are, and keeps what becomes of them.
    locate : callable
        ``locate(filename)`` gives the path of a recording.
    filenames : iterable of str, optional
        The recordings to go through. Default: all that the keeper has.
    artifact_types : iterable of ArtifactType
        What may be marked besides the types that the keeper has.

    Raises
    ------
    ParameterError
        If there is no recording.

    Attributes
    ----------
    current : int
        Which recording is open: at first the first.
    path : Path
        Where it is.
    filter : str
        Which recordings are shown, see :data:`relaylib.widgets.worklist.FILTERS`.
    """

    current: int
    path: Path

    def __init__(
        self,
        keeper: Keeper,
        locate: Callable[[str], Path],
        *,
        filenames: Iterable[str] | None = None,
        artifact_types: Iterable[ArtifactType] = (),
    ) -> None:
        self._keeper = keeper
        self._locate = locate
        manifest = keeper.manifest()
        known = {type_.name: type_ for type_ in (*manifest.artifact_types, *artifact_types)}
        self.artifact_types = tuple(known.values())
        self._names = [item.filename for item in manifest] if filenames is None else list(filenames)
        if not self._names:
            raise ParameterError("there is no recording to label; give audio files, or a folder or manifest with some.")
        labels = keeper.all_labels()
        self._kept = {name: labels.get(name, Labels()) for name in self._names}
        self._done = {name: kept.done for name, kept in self._kept.items()}
        self._histories = {name: History(kept.marks()) for name, kept in self._kept.items()}
        self._errors: dict[str, str] = {}
        self._durations = {item.filename: item.duration_ms for item in manifest}
        self._unkept: dict[str, RelayError | OSError] = {}
        self._files = {name: self._queued(name) for name in self._names}
        self.filter = "all"
        self.open(0)

    @property
    def filename(self) -> str:
        """The recording that is open."""
        return self._names[self.current]

    @property
    def marks(self) -> Marks:
        """What is marked in it."""
        return self._histories[self.filename].marks

    @property
    def can_undo(self) -> bool:
        """Whether something was done to it."""
        return self._histories[self.filename].can_undo

    @property
    def can_redo(self) -> bool:
        """Whether something was undone in it."""
        return self._histories[self.filename].can_redo

    @property
    def files(self) -> list[QueuedFile]:
        """The recordings as a queue."""
        return list(self._files.values())

    @property
    def shown(self) -> list[int]:
        """Which of them the filter shows."""
        return shown(self.files, self.filter)

    @property
    def saved(self) -> Saved:
        """Whether everything is kept."""
        if self._unkept:
            return Saved("failed", " ".join(_why(name, exc) for name, exc in self._unkept.items()))
        if isinstance(self._keeper, MemoryKeeper):
            return Saved("memory", "Lost with the kernel: give annotate(..., manifest='labels.json') to keep it.")
        return Saved("saved", "Every change is kept at once.")

    @property
    def can_publish(self) -> bool:
        """Whether the labels can be published."""
        return bool(getattr(self._keeper, "can_publish", False))

    def to_manifest(self) -> Manifest:
        """Return everything that is labelled, as it is now."""
        items = {item.filename: item for item in self._keeper.manifest()}
        for name, history in self._histories.items():
            items[name] = replace(
                items[name],
                duration_ms=self._durations.get(name),
                annotations=annotations_of(history.marks),
                done=self._done[name],
            )
        return Manifest(self.artifact_types, tuple(items.values()))

    def locate(self, index: int) -> Path:
        """Return where a recording is; one of a dataset is downloaded, beside which other calls may come.

        Raises
        ------
        ParameterError
            If there is no recording `index`.
        RelayError, OSError
            If the recording cannot be had.
        """
        return self._locate(self._name(index))

    def open(self, index: int, path: Path | None = None) -> None:
        """Turn to a recording, which lies at `path` if that is known, and look whether it was changed elsewhere.

        Raises
        ------
        ParameterError
            If there is no recording `index`.
        RelayError, OSError
            If the recording cannot be had, or its labels cannot be read; then the one before stays open.
        """
        name = self._name(index)
        path = self._locate(name) if path is None else path
        self._catch_up(name)
        self.current, self.path = index, path

    def reload(self) -> None:
        """Take over the labels of the open recording as they are kept, as a step that can be undone.

        Other recordings that could not be kept are tried again; where they were changed elsewhere, that is taken over.

        Raises
        ------
        RelayError, OSError
            If labels cannot be read.
        """
        self._take_over(self.filename)
        for name in tuple(self._unkept):
            self._catch_up(name)

    def _catch_up(self, name: str) -> None:
        """Keep what of a recording is not kept yet, and take over what was done to it elsewhere."""
        if name in self._unkept:
            self._keep(name)
        if isinstance(self._unkept.get(name), ConflictError | None):
            self._take_over(name)

    def _take_over(self, name: str) -> None:
        """Take over what is kept of a recording, if it is something else, as a step that can be undone."""
        theirs = self._keeper.labels(name)
        before = self._kept[name]
        if name in self._unkept or _judged(theirs) != _judged(before):
            self._unkept.pop(name, None)
            self._done[name] = theirs.done
            self._histories[name].take_over(theirs.suggested(before.suggestions, before.by).marks())
        self._kept[name] = replace(theirs, suggestions=before.suggestions, by=before.by)
        self._files[name] = self._queued(name)

    def suggest(self, filename: str, detections: Sequence[Detection], by: str | None = None) -> None:
        """Put detections beside the labels of a recording, to be judged; marks keep their ids, and it is no step."""
        self._histories[filename].suggest(detections, by)
        self._kept[filename] = replace(self._kept[filename], suggestions=tuple(detections), by=by)
        self._files[filename] = self._queued(filename)

    def found(self, duration_ms: int | None, error: str | None) -> None:
        """Say what reading the recording that is open has shown."""
        name = self.filename
        self._durations[name] = duration_ms
        if error is None:
            self._errors.pop(name, None)
        else:
            self._errors[name] = error
        self._files[name] = self._queued(name)

    def do(self, edit: Edit) -> bool:
        """Apply an edit to the recording that is open, and return whether it changed anything.

        Raises
        ------
        ParameterError
            If the edit makes no sense.
        """
        types = tuple(type_.name for type_ in self.artifact_types)
        rules = Rules(self._durations.get(self.filename), types)
        return self._after(self._histories[self.filename].do(edit, rules))

    def undo(self) -> bool:
        """Take the last change of the recording that is open back, and return whether there was one."""
        return self._after(self._histories[self.filename].undo())

    def redo(self) -> bool:
        """Do again what was undone last, and return whether there was something."""
        return self._after(self._histories[self.filename].redo())

    def set_done(self, index: int, done: bool) -> None:
        """Say that a recording is labelled, or that it is not.

        Raises
        ------
        ParameterError
            If there is no recording `index`.
        """
        name = self._name(index)
        self._done[name] = done
        self._keep(name)

    def set_filter(self, name: str) -> None:
        """Show part of the recordings.

        Raises
        ------
        ParameterError
            If there is no such filter.
        """
        shown([], name)
        self.filter = name

    def publish(self) -> None:
        """Publish the labels.

        Raises
        ------
        ParameterError
            If the keeper cannot.
        RelayError, OSError
            If publishing fails.
        """
        publish = getattr(self._keeper, "publish", None)
        if publish is None:
            raise ParameterError("only the labels of a dataset of the REST API are published.")
        publish()

    def close(self) -> None:
        """Let go of what is held; everything is kept already."""
        self._keeper.close()

    def _name(self, index: int) -> str:
        if not 0 <= index < len(self._names):
            raise ParameterError(f"index={index}: need 0 <= index < {len(self._names)}, the number of recordings.")
        return self._names[index]

    def _after(self, changed: bool) -> bool:
        if changed:
            self._keep(self.filename)
        return changed

    def _keep(self, changed: str) -> None:
        for name in dict.fromkeys([changed, *self._unkept]):
            labels = labels_of(self._histories[name].marks, self._done[name])
            try:
                self._keeper.keep(name, labels)
            except (RelayError, OSError) as exc:
                self._unkept[name] = exc
            else:
                self._unkept.pop(name, None)
                self._kept[name] = labels
            self._files[name] = self._queued(name)

    def _queued(self, name: str) -> QueuedFile:
        marks = self._histories[name].marks
        n_marks, n_suggestions = len(annotations_of(marks)), len(suggestions_of(marks))
        return QueuedFile(name, bool(self._done[name]), n_marks, n_suggestions, self._errors.get(name))


def _why(name: str, exc: RelayError | OSError) -> str:
    """Return in words why the labels of a recording are not kept."""
    if isinstance(exc, RelayError):
        return str(exc)
    return (
        f"{name}: its labels cannot be written: {exc}. They are still here, and are tried again with the next change."
    )


def _judged(labels: Labels) -> tuple[Marks, bool | None]:
    """Return what a person has said of a recording, notes included, so that it can be compared."""
    return marks_of(labels.annotations, rejected=labels.rejected), labels.done
