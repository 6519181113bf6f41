"""The annotator on the screen: what is synced with its view, and what becomes of the messages that come from there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets
from msgspec import structs

from relaylib.errors import RelayError
from relaylib.plot import type_colors
from relaylib.types import Annotation, ArtifactType, Detection, Manifest
from relaylib.widgets.aside import aside
from relaylib.widgets.editing import Accept, Draw, Edit, Reject, Remove, draw_of, edit_of
from relaylib.widgets.esm import joined
from relaylib.widgets.lanes import bodies_of
from relaylib.widgets.locking import locked
from relaylib.widgets.marks import annotations_of
from relaylib.widgets.session import Session
from relaylib.widgets.sound import ServedSound
from relaylib.widgets.suggestions import Suggestions

__all__ = ["Annotator"]

_STATIC = Path(__file__).parent / "static"
_FIRST_VIEW_MS = 30_000
_UNSAID = ("look", "tile", "pcm")  # nobody misses these where another recording is open by now
_CLOSED = (
    "Nothing was changed: that was for a recording that is no longer open. Go back to it (K or J), and do it again."
)


class Annotator(anywidget.AnyWidget):
    """Label recordings in a notebook: hear them, see them, mark spans. Made by :func:`relaylib.annotate`.

    Parameters
    ----------
    session : Session
        The recordings and their labels.
    suggestions : Suggestions, optional
        What a detector found in them, to accept or reject.
    height : int
        Of the picture, in pixels.
    theme : "auto", "light" or "dark"
        "auto" follows the page.

    Attributes
    ----------
    annotations : tuple of Annotation
        Of the recording on the screen, as they are now; can be observed.
    marks : list of dict
        The same and the open suggestions as the view shows them: `id`, `state`, `start_ms` and so on.
    selected : int or None
        The id of the mark that is selected.
    view_ms : tuple of float
        What is shown of the recording, from and to; may be set.
    current : int
        Which recording is on the screen; :meth:`go_to` changes it.
    """

    _esm = joined(_STATIC / "index.js")
    _css = _STATIC / "annotator.css"

    artifact_types = traitlets.List(traitlets.Dict()).tag(sync=True)
    marks = traitlets.List(traitlets.Dict()).tag(sync=True)
    sound = traitlets.Dict().tag(sync=True)
    files = traitlets.List(traitlets.Dict()).tag(sync=True)
    current = traitlets.Int(0).tag(sync=True)
    shown = traitlets.List(traitlets.Int()).tag(sync=True)
    file_filter = traitlets.Unicode("all").tag(sync=True)
    history = traitlets.Dict().tag(sync=True)
    saved = traitlets.Dict().tag(sync=True)
    can_publish = traitlets.Bool(False).tag(sync=True)
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    view_ms = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.0, 1.0)).tag(sync=True)
    theme = traitlets.Enum(["auto", "light", "dark"], "auto").tag(sync=True)
    height = traitlets.Int(300).tag(sync=True)
    annotations = traitlets.Tuple()

    def __init__(
        self, session: Session, suggestions: Suggestions | None = None, *, height: int = 300, theme: str = "auto"
    ) -> None:
        self._lock = threading.RLock()
        self._session = session
        super().__init__(height=height, theme=theme)
        self._sound = ServedSound(self.model_id, self.send, self._show_sound)
        self._suggestions = Suggestions({}) if suggestions is None else suggestions
        self._asked: set[str] = set()
        self._drawn: dict[tuple[str, int], int] = {}
        for name, detections in self._suggestions.known.items():
            session.suggest(name, detections, self._suggestions.by)
        self._handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "edit": self._on_edit,
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "done": lambda message: self.set_done(bool(message["done"]), index=int(message["index"])),
            "reload": self._on_reload,
            "look": self._on_look,
            "filter": self._on_filter,
            **dict.fromkeys(("snap", "tile", "pcm"), self._sound.answer),
            "publish": lambda _: self.publish(),
        }
        self.on_msg(self._on_message)
        colors = _colors(session.artifact_types)
        self.artifact_types = [
            {"name": t.name, "color": colors[t.name], "description": t.description, "key": str(k) if k < 10 else None}
            for k, t in enumerate(session.artifact_types, start=1)
        ]
        self.go_to(0)

    def __repr__(self) -> str:
        return f"<Annotator of {len(self.files)} recordings, {self.sound.get('filename')!r} on the screen>"

    @property
    def annotations_by_file(self) -> dict[str, tuple[Annotation, ...]]:
        """The annotations of every recording by its name, as they are now."""
        return {item.filename: item.annotations for item in self.to_manifest()}

    @locked
    def to_manifest(self) -> Manifest:
        """Return everything that is labelled, as it is now."""
        return self._session.to_manifest()

    def go_to(self, index: int) -> None:
        """Put a recording on the screen.

        Raises
        ------
        ParameterError
            If there is no recording `index`.
        RelayError, OSError
            If the recording, or its labels, cannot be had; then the one before stays.
        """
        self._turn_to(index, self._session.locate(index))

    @locked
    def _turn_to(self, index: int, path: Path) -> None:
        self._session.open(index, path)
        self._sound.open(self._session.path)
        self._drawn.clear()
        with self.hold_sync():
            self.current = index
            self.selected = None
            self._show_sound()
            self.view_ms = (0.0, float(min(self._sound.recording.duration_ms, _FIRST_VIEW_MS) or 1))
            self._show()
        self._detect(self._session.filename)

    @locked
    def draw(
        self,
        start_ms: int,
        end_ms: int,
        artifact_type: str,
        *,
        confidence: float = 1.0,
        extra_data: Mapping[str, Any] | None = None,
    ) -> int:
        """Mark a span of the recording on the screen, as a drag over the picture does.

        Parameters
        ----------
        start_ms, end_ms : int
            The ends in either order; they are led back into the recording.
        artifact_type : str
        confidence : float, 0..1
        extra_data : mapping of JSON values, optional

        Returns
        -------
        int
            The id of the mark, see :attr:`marks`.

        Raises
        ------
        ParameterError
            If there is no such type, the confidence is none, times are not whole, or the data is not JSON.
        RelayError
            If it cannot be kept; it is then tried again with the next change.
        """
        drawn = self._session.marks.next_id
        self._edit(draw_of(start_ms, end_ms, artifact_type, confidence, extra_data))
        return drawn

    def accept(self, mark_id: int) -> None:
        """Make a suggestion an annotation.

        Raises
        ------
        ParameterError
            If there is no such mark, or it is an annotation.
        RelayError
            If it cannot be kept.
        """
        self._edit(Accept(mark_id))

    def reject(self, mark_id: int) -> None:
        """Turn a suggestion down; raises as :meth:`accept`."""
        self._edit(Reject(mark_id))

    def remove(self, mark_id: int) -> None:
        """Take a mark away; raises as :meth:`accept`."""
        self._edit(Remove(mark_id))

    @locked
    def undo(self) -> None:
        """Take back the last change of the recording on the screen, if there is one."""
        self._edited(self._session.undo())

    @locked
    def redo(self) -> None:
        """Do again what was taken back last, if there is something."""
        self._edited(self._session.redo())

    @locked
    def set_done(self, done: bool = True, *, index: int | None = None) -> None:
        """Say that a recording is labelled, by default the one on the screen, or that it is not.

        Raises
        ------
        ParameterError
            If there is no recording `index`.
        RelayError
            If it cannot be kept.
        """
        self._session.set_done(self.current if index is None else index, done)
        self._show_files()
        self._check_kept()

    @locked
    def publish(self) -> None:
        """Publish the labels of a dataset of the REST API.

        Raises
        ------
        ParameterError
            If the labels are kept elsewhere.
        """
        self._session.publish()
        self._show_files()

    @locked
    def close(self) -> None:
        """Take the widget off the screen, and let go of the recording."""
        self._sound.close()
        self._session.close()
        super().close()

    def _on_message(self, _: object, message: dict[str, Any], __: object) -> None:
        try:
            if message.get("kind") == "open":
                self.go_to(int(message["index"]))
            else:
                self._obey(message)
        except (RelayError, OSError) as exc:
            self._fail(str(exc))
        finally:
            if "number" in message:
                self.send({"kind": "heard", "view": message["view"], "number": message["number"]})

    @locked
    def _obey(self, message: dict[str, Any]) -> None:
        handler = self._handlers.get(message.get("kind", ""))
        if handler is None:
            return
        if message.get("sound", self._sound.id) == self._sound.id:
            handler(message)
        elif message["kind"] not in _UNSAID:
            self._fail(_CLOSED)

    def _on_edit(self, message: dict[str, Any]) -> None:
        """Do an edit; a view names a mark that it drew by the number of that order, below 0, until it knows the id."""
        edit, view = edit_of(message["edit"]), message.get("view", "")
        if not isinstance(edit, Draw):
            edit = structs.replace(edit, id=self._drawn.get((view, -edit.id), edit.id))
        self._edit(edit, (view, message.get("number", 0)))

    def _on_look(self, message: dict[str, Any]) -> None:
        """Take over what a person has selected, or brought into sight."""
        with self.hold_sync():
            if "selected" in message:
                self.selected = self._there(message["selected"])
            if "view_ms" in message:
                start_ms, end_ms = message["view_ms"]
                self.view_ms = (start_ms, end_ms)

    def _there(self, mark_id: int | None) -> int | None:
        """Return the id of a mark, or None if there is no such mark."""
        return mark_id if any(mark.id == mark_id for mark in self._session.marks.items) else None

    @locked
    def _edit(self, edit: Edit, order: tuple[str, int] | None = None) -> None:
        drawn = self._session.marks.next_id if isinstance(edit, Draw) else None
        with self.hold_sync():
            changed = self._session.do(edit)
            if drawn is not None and order is not None:
                self._drawn[order] = drawn
            self._edited(changed, drawn)

    def _edited(self, changed: bool, drawn: int | None = None) -> None:
        if changed:
            self._show()
            if drawn is not None:
                self.selected = drawn
            self._check_kept()

    def _check_kept(self) -> None:
        if self.saved["state"] == "failed":
            raise RelayError(self.saved["message"])

    def _on_reload(self, _: dict[str, Any]) -> None:
        """Take over the labels as they are kept; the sound and what is in sight of it stay."""
        self._session.reload()
        self._drawn.clear()
        with self.hold_sync():
            self.selected = None
            self._show()

    def _on_filter(self, message: dict[str, Any]) -> None:
        self._session.set_filter(message["filter"])
        self._show_files()

    def _detect(self, filename: str) -> None:
        """Have the detector look for what to suggest, once for each recording, in a thread of its own."""
        suggestions = self._suggestions
        if suggestions.detector is None or filename in self._asked or filename in suggestions.known:
            return
        self._asked.add(filename)
        path, found, failed = self._session.path, aside(self._found), aside(self._fail)

        def work() -> None:
            try:
                detections = suggestions.of(filename, path)
            except (RelayError, OSError) as exc:
                failed(f"{filename}: no suggestions: {exc}")
            else:
                found(filename, detections)

        threading.Thread(target=work, name=f"suggestions for {filename}", daemon=True).start()

    @locked
    def _found(self, filename: str, detections: Sequence[Detection]) -> None:
        self._session.suggest(filename, detections, self._suggestions.by)
        self._show()

    def _fail(self, message: str) -> None:
        self.send({"kind": "error", "message": message})

    @locked
    def _show_sound(self) -> None:
        recording, before = self._sound.recording, self.sound.get("duration_ms", 0)
        self._session.found(recording.duration_ms or None, recording.error)
        self.sound = {
            "id": self._sound.id,
            "filename": self._session.filename,
            "duration_ms": recording.duration_ms,
            "decoded_ms": recording.decoded_ms,
            "error": recording.error,
        }
        if self.view_ms[1] <= 1.0 < before + recording.duration_ms:
            self.view_ms = (0.0, float(min(recording.duration_ms, _FIRST_VIEW_MS)))
        if recording.error is not None:
            self._show_files()

    def _show(self) -> None:
        with self.hold_sync():
            self._show_labels()
            self._show_files()

    def _show_labels(self) -> None:
        marks = self._session.marks
        self.marks = bodies_of(marks)
        self.history = {"undo": self._session.can_undo, "redo": self._session.can_redo}
        self.annotations = annotations_of(marks)
        self.selected = self._there(self.selected)

    def _show_files(self) -> None:
        self.files = msgspec.to_builtins(self._session.files)
        self.file_filter = self._session.filter
        self.shown = self._session.shown
        self.saved = asdict(self._session.saved)
        self.can_publish = self._session.can_publish


def _colors(types: Sequence[ArtifactType]) -> dict[str, str]:
    """Return the colour of each type; where all have the same, as by default, others that can be told apart."""
    if len(types) > 1 and len({type_.color for type_ in types}) == 1:
        return type_colors(type_.name for type_ in types)
    return {type_.name: type_.color for type_ in types}
