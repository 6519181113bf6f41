"""The JSON manifest: relaylib's own format, which holds everything a `Manifest` holds.

::

    {"artifact_types": ["glitch", {"name": "echo", "description": "...", "color": "#00AAFF"}],
     "audio": [{"filename": "a.wav", "duration_ms": 5352, "group": "voice1", "done": true}],
     "annotations": [{"filename": "a.wav", "artifact_type": "glitch", "start_ms": 1673, "end_ms": 1684,
                      "confidence": 1.0, "extra_data": {"by": "me"}}]}

A recording without annotations is clean, unless ``done`` is false: then it is still being labelled. ``duration_ms``,
``group``, ``done``, ``confidence`` and ``extra_data`` may be left out; fields that are not listed here are ignored. It
loses nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from relaylib.errors import FormatError
from relaylib.files import write_atomic
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.json_text import Ms, decode_json, encode_json, top_keys, whole_ms
from relaylib.formats.text import read_text
from relaylib.types import ArtifactType, Manifest

__all__ = ["FORMAT", "parse", "read_manifest", "render", "write_manifest"]


class _TypeBody(msgspec.Struct, omit_defaults=True):
    name: str
    description: str | None = None
    color: str | None = None


class _AudioBody(msgspec.Struct):
    filename: str
    duration_ms: Ms | None = None
    group: str | msgspec.UnsetType | None = msgspec.UNSET
    done: bool | msgspec.UnsetType | None = msgspec.UNSET


class _SpanBody(msgspec.Struct):
    filename: str
    artifact_type: str
    start_ms: Ms
    end_ms: Ms
    confidence: float = 1.0
    extra_data: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET


class _Body(msgspec.Struct):
    artifact_types: list[str | _TypeBody]
    audio: list[_AudioBody]
    annotations: list[_SpanBody] = []


def parse(source: Source) -> Manifest:
    """Return the manifest that the JSON text of `source` holds."""
    body = decode_json(source.text, _Body, source.path)
    builder = ManifestBuilder()
    for i, type_ in enumerate(body.artifact_types):
        place = f"{source.path}: $.artifact_types[{i}]"
        entry = _TypeBody(type_) if isinstance(type_, str) else type_
        if builder.has_type(entry.name):
            raise FormatError(f"{place}: {entry.name!r} is given twice; names must be unique.")
        builder.add_type(place, entry.name, description=entry.description, color=entry.color)
    for i, item in enumerate(body.audio):
        place = f"{source.path}: $.audio[{i}]"
        if builder.has_audio(item.filename):
            raise FormatError(f"{place}.filename: {item.filename!r} is given twice; names must be unique.")
        duration = None if item.duration_ms is None else whole_ms(item.duration_ms, f"{place}.duration_ms")
        builder.add_audio(
            place,
            item.filename,
            duration_ms=duration,
            group=item.group if isinstance(item.group, str) else None,
            done=item.done if isinstance(item.done, bool) else None,
        )
    for i, span in enumerate(body.annotations):
        _add_span(builder, span, f"{source.path}: $.annotations[{i}]")
    return builder.build()


def _add_span(builder: ManifestBuilder, span: _SpanBody, place: str) -> None:
    if not builder.has_audio(span.filename):
        raise FormatError(f"{place}.filename: {span.filename!r} is not among $.audio; add it there.")
    if not builder.has_type(span.artifact_type):
        known = ", ".join(map(repr, builder.type_names)) or "none"
        raise FormatError(
            f"{place}.artifact_type: {span.artifact_type!r} is not among $.artifact_types ({known}); add it there."
        )
    start = whole_ms(span.start_ms, f"{place}.start_ms")
    end = whole_ms(span.end_ms, f"{place}.end_ms")
    field = "start_ms" if start < 0 else "confidence" if start < end and not 0 <= span.confidence <= 1 else "end_ms"
    builder.add_span(
        f"{place}.{field}",
        span.filename,
        start,
        end,
        span.artifact_type,
        confidence=span.confidence,
        extra_data=span.extra_data if isinstance(span.extra_data, dict) else None,
    )


def render(manifest: Manifest) -> str:
    """Return `manifest` as JSON, its annotations in the order of the recordings."""
    return encode_json(
        _Body(
            artifact_types=[_type_body(type_) for type_ in manifest.artifact_types],
            audio=[
                _AudioBody(
                    a.filename,
                    a.duration_ms,
                    msgspec.UNSET if a.group is None else a.group,
                    msgspec.UNSET if a.done is None else a.done,
                )
                for a in manifest
            ],
            annotations=[
                _SpanBody(
                    item.filename,
                    span.artifact_type,
                    span.start_ms,
                    span.end_ms,
                    span.confidence,
                    msgspec.UNSET if span.extra_data is None else dict(span.extra_data),
                )
                for item in manifest
                for span in item.annotations
            ],
        )
    )


def _type_body(type_: ArtifactType) -> str | _TypeBody:
    if type_ == ArtifactType(type_.name):
        return type_.name
    return _TypeBody(type_.name, type_.description, type_.color)


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read a JSON manifest.

    Raises
    ------
    FormatError
        If the file is not a manifest; the message names the line, or the field as ``$.annotations[3].end_ms``.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    return parse(Source(path, read_text(path), path.name))


def write_manifest(manifest: Manifest, path: str | os.PathLike[str]) -> None:
    """Write `manifest` as JSON, whole or not at all.

    Raises
    ------
    ParameterError
        If it holds what JSON cannot, in ``extra_data`` or a name.
    OSError
        If the file cannot be written.
    """
    write_atomic(path, render(manifest))


FORMAT = Format(
    name="manifest",
    title="relaylib JSON manifest",
    suffixes=(".json",),
    parse=parse,
    render=render,
    sniff=lambda text: "audio" in (keys := top_keys(text)) and not keys & {"[]", "files"},
    keeps=("duration_ms", "group", "done", "confidence", "extra_data", "clean", "unused types", "type details"),
    aliases=("json",),
)
