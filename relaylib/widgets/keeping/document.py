"""The JSON manifest as a document whose recordings change one at a time, and all else in it stays as it is.

Beside what :mod:`relaylib.formats.manifest` reads it has a list ``suggestions``, for what a detector has suggested and
nobody has accepted. Labels are understood without it: who reads the manifest and writes it anew drops it, and loses no
more than the memory of what was turned down. ::

    "suggestions": [{"filename": "a.wav", "artifact_type": "glitch", "start_ms": 1673, "end_ms": 1684,
                     "confidence": 0.8, "by": "first.safetensors", "rejected": true}]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from relaylib.errors import FormatError, ParameterError
from relaylib.formats.format import Source
from relaylib.formats.json_text import Ms, encode_json, whole_ms
from relaylib.formats.manifest import parse, render
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest
from relaylib.widgets.keeping.labels import Labels

__all__ = ["ManifestDocument", "Rows"]

_Row = dict[str, Any]


class _SuggestionBody(msgspec.Struct, omit_defaults=True):
    filename: str
    artifact_type: str
    start_ms: Ms
    end_ms: Ms
    confidence: float
    by: str | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What a document says of a recording, as it stands there: equal rows are equal labels, notes included."""

    done: bool | None = None
    annotations: tuple[_Row, ...] = ()
    suggestions: tuple[_Row, ...] = ()

    def changed_since(self, known: Rows) -> bool:
        """Return whether somebody has changed what was `known`.

        Suggestions that are gone altogether are no change: who does not know them has written the manifest anew.
        """
        if (self.done, self.annotations) != (known.done, known.annotations):
            return True
        return bool(self.suggestions) and self.suggestions != known.suggestions


class ManifestDocument:
    """The content of a JSON manifest.

    Parameters
    ----------
    text : str
        The JSON.
    path : Path
        Where it is from, for messages.

    Raises
    ------
    FormatError
        If it is no manifest; the message names the line or the field.
    """

    def __init__(self, text: str, path: Path) -> None:
        manifest = parse(Source(path, text, path.name))
        self._types = {type_.name: type_ for type_ in manifest.artifact_types}
        self._items = {item.filename: item for item in manifest}
        self._top: dict[str, Any] = msgspec.json.decode(text)
        self._audio: dict[str, _Row] = {row["filename"]: row for row in self._top["audio"]}
        self._annotations = _by_file(self._top.get("annotations", []))
        self._suggestions = _suggestions_by_file(self._top.get("suggestions", []), path)

    @property
    def filenames(self) -> tuple[str, ...]:
        """The recordings, in their order."""
        return tuple(self._items)

    def manifest(self) -> Manifest:
        """Return it as a manifest."""
        return Manifest(tuple(self._types.values()), tuple(self._items.values()))

    def text(self) -> str:
        """Return it as JSON, spans in the order of the recordings."""
        names = dict.fromkeys((*self._items, *self._suggestions))
        self._top["audio"] = list(self._audio.values())
        self._top["annotations"] = [row for name in names for row in self._annotations.get(name, ())]
        self._top["suggestions"] = [row for name in names for row in self._suggestions.get(name, ())]
        if not self._top["suggestions"]:
            del self._top["suggestions"]
        return encode_json(self._top)

    def rows(self, filename: str) -> Rows:
        """Return what it says of a recording; of one that it does not have, nothing."""
        item = self._items.get(filename)
        return Rows(
            None if item is None else item.done,
            self._annotations.get(filename, ()),
            self._suggestions.get(filename, ()),
        )

    def labels(self, filename: str) -> Labels:
        """Return the labels of a recording."""
        rows = self.rows(filename)
        item = self._items.get(filename, AudioItem(filename))
        bodies = [msgspec.convert(row, _SuggestionBody) for row in rows.suggestions]
        open_ones = [body for body in bodies if not body.rejected]
        return Labels(
            item.annotations,
            tuple(map(_detection, open_ones)),
            tuple(_detection(body) for body in bodies if body.rejected),
            open_ones[0].by if open_ones else None,
            item.done,
        )

    def add(self, manifest: Manifest) -> None:
        """Add what it lacks of the types and recordings of `manifest`, the latter with their annotations."""
        self._add_types(manifest.artifact_types)
        for item in manifest:
            if item.filename not in self._items:
                self._put_item(item, {})

    def put(self, filename: str, labels: Labels) -> None:
        """Let `labels` be what it says of a recording, in rows as they are where they still hold.

        Raises
        ------
        ParameterError
            If they hold something that JSON cannot, in ``extra_data`` for one.
        """
        item = self._items.get(filename, AudioItem(filename))
        self._put_item(replace(item, annotations=labels.annotations, done=labels.done), self._audio.get(filename, {}))
        self._suggestions[filename] = tuple(_suggestion_rows(filename, labels))

    def _put_item(self, item: AudioItem, known: _Row) -> None:
        """Replace or add a recording; what else is said of it in `known`, or of its spans, stays."""
        new = [ArtifactType(span.artifact_type) for span in item.annotations]
        made = msgspec.json.decode(render(Manifest(tuple(dict.fromkeys(new)), (item,))))
        old = self._items.get(item.filename)
        kept = [] if old is None else list(zip(old.annotations, self._annotations.get(item.filename, ()), strict=True))
        rows = tuple(_same(span, kept) or row for span, row in zip(item.annotations, made["annotations"], strict=True))
        (audio,) = made["audio"]
        said = {key: value for key, value in known.items() if key != "done"}
        self._add_types(new)
        self._items[item.filename] = item
        self._audio[item.filename] = {**audio, **said}
        self._annotations[item.filename] = rows

    def _add_types(self, types: Iterable[ArtifactType]) -> None:
        missing = tuple(dict.fromkeys(type_ for type_ in types if type_.name not in self._types))
        self._top["artifact_types"] += msgspec.json.decode(render(Manifest(missing, ())))["artifact_types"]
        self._types |= {type_.name: type_ for type_ in missing}


def _by_file(rows: Iterable[_Row]) -> dict[str, tuple[_Row, ...]]:
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(row["filename"], []).append(row)
    return {name: tuple(of_file) for name, of_file in found.items()}


def _suggestions_by_file(rows: Any, path: Path) -> dict[str, tuple[_Row, ...]]:
    try:
        bodies = msgspec.convert(rows, list[_SuggestionBody])
    except msgspec.ValidationError as exc:
        raise FormatError(f"{path}: $.suggestions: {exc}.") from exc
    for n, body in enumerate(bodies):
        place = f"{path}: $.suggestions[{n}]"
        try:
            whole_ms(body.start_ms, f"{place}.start_ms"), whole_ms(body.end_ms, f"{place}.end_ms")
            _detection(body)
        except ParameterError as exc:
            raise FormatError(f"{place}: {exc}") from exc
    return _by_file(rows)


def _detection(body: _SuggestionBody) -> Detection:
    return Detection(int(body.start_ms), int(body.end_ms), body.artifact_type, body.confidence)


def _suggestion_rows(filename: str, labels: Labels) -> Iterable[_Row]:
    both = [(labels.suggestions, labels.by, False), (labels.rejected, None, True)]
    for detections, by, rejected in both:
        for d in detections:
            body = _SuggestionBody(filename, d.artifact_type, d.start_ms, d.end_ms, d.confidence, by, rejected)
            yield msgspec.to_builtins(body)


def _same(span: Annotation, kept: list[tuple[Annotation, _Row]]) -> _Row | None:
    """Take the row of the annotation that equals `span`, if there is one, from those that are `kept`."""
    for n, (old, row) in enumerate(kept):
        if old == span and old.extra_data == span.extra_data:
            del kept[n]
            return row
    return None
