"""Detections JSON: what `detect` writes and the REST API answers, ``{"files": [...]}``.

::

    {"files": [{"original_filename": "a.wav", "duration_ms": 5352, "status": "completed", "error_message": null,
                "detections": [{"artifact_type": "glitch", "start_ms": 1673, "end_ms": 1684, "confidence": 0.9}]}]}

Read as a manifest, detections become annotations with their confidence. A failed file is left out: it was not
judged, so it must not pass for clean. Lost in writing a manifest: groups, extra_data, types without
annotations, descriptions and colors. Other fields, as the API has them, are ignored.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from relaylib.errors import FormatError, ParameterError
from relaylib.files import utf8, write_atomic
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.json_text import Ms, decode_json, encode_json, top_keys, whole_ms
from relaylib.formats.text import read_text
from relaylib.types import AudioItem, Detection, FileResult, Manifest

__all__ = ["FORMAT", "detections_json", "manifest_of", "read_detections", "results_of", "write_detections"]


class _DetectionBody(msgspec.Struct):
    artifact_type: str
    start_ms: Ms
    end_ms: Ms
    confidence: float


class _FileBody(msgspec.Struct):
    original_filename: str
    duration_ms: Ms | None = None
    status: Literal["completed", "failed"] = "completed"
    error_message: str | None = None
    detections: list[_DetectionBody] | None = None


class _Body(msgspec.Struct):
    files: list[_FileBody]


def parse_results(text: str, path: PurePath) -> list[FileResult]:
    """Return what `text` says of each file, in its order."""
    body = decode_json(text, _Body, path)
    seen: set[str] = set()
    results = []
    for i, file in enumerate(body.files):
        place = f"{path}: $.files[{i}]"
        if file.original_filename in seen:
            raise FormatError(f"{place}.original_filename: {file.original_filename!r} is given twice.")
        seen.add(file.original_filename)
        results.append(_result(file, place))
    return results


def _result(file: _FileBody, place: str) -> FileResult:
    found = []
    for i, body in enumerate(file.detections or []):
        at = f"{place}.detections[{i}]"
        start, end = whole_ms(body.start_ms, f"{at}.start_ms"), whole_ms(body.end_ms, f"{at}.end_ms")
        try:
            found.append(Detection(start, end, body.artifact_type, body.confidence))
        except ParameterError as exc:
            raise FormatError(f"{at}: {exc}") from exc
    duration = None if file.duration_ms is None else whole_ms(file.duration_ms, f"{place}.duration_ms")
    reason = file.error_message
    if file.status == "failed":
        reason = reason or "no reason was recorded"
    try:
        return FileResult(file.original_filename, duration, file.status, tuple(found), reason)
    except ParameterError as exc:
        raise FormatError(f"{place}: {exc}") from exc


def detections_json(results: Iterable[FileResult], *, indent: int = 2) -> str:
    """Return `results` as detections JSON; `indent` 0 gives one compact line.

    A filename that is not valid Unicode, as file systems may have them, is written with escapes.
    """
    return encode_json(
        _Body(
            [
                _FileBody(
                    utf8(result.original_filename),
                    result.duration_ms,
                    result.status,
                    result.error_message and utf8(result.error_message),
                    [_DetectionBody(d.artifact_type, d.start_ms, d.end_ms, d.confidence) for d in result.detections],
                )
                for result in results
            ]
        ),
        indent=indent,
    )


def read_detections(path: str | os.PathLike[str]) -> list[FileResult]:
    """Read detections JSON, failed files included.

    Raises
    ------
    FormatError
        If the file is not detections JSON; the message names the line, or the field as
        ``$.files[0].detections[3].end_ms``.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    return parse_results(read_text(path), path)


def write_detections(results: Iterable[FileResult], path: str | os.PathLike[str]) -> None:
    """Write `results` as detections JSON, whole or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    write_atomic(path, detections_json(results))


def manifest_of(results: Iterable[FileResult]) -> Manifest:
    """Return detections as annotations with their confidence; failed files are left out."""
    return _manifest_of(results, "detections")


def _manifest_of(results: Iterable[FileResult], place: str) -> Manifest:
    builder = ManifestBuilder()
    for result in results:
        if result.status == "failed":
            continue
        at = f"{place}: {result.original_filename}"
        builder.add_audio(at, result.original_filename, duration_ms=result.duration_ms)
        for d in result.detections:
            builder.add_span(
                at, result.original_filename, d.start_ms, d.end_ms, d.artifact_type, confidence=d.confidence
            )
    return builder.build()


def results_of(manifest: Manifest) -> list[FileResult]:
    """Return annotations as if they were detections, to score one labeller against another."""
    return [_completed(item) for item in manifest]


def _completed(item: AudioItem) -> FileResult:
    spans = tuple(Detection(s.start_ms, s.end_ms, s.artifact_type, s.confidence) for s in item.annotations)
    return FileResult(item.filename, item.duration_ms, "completed", spans)


def _parse(source: Source) -> Manifest:
    return _manifest_of(parse_results(source.text, source.path), str(source.path))


FORMAT = Format(
    name="detections",
    title="detections JSON",
    suffixes=(".detections.json",),
    parse=_parse,
    render=lambda manifest: detections_json(results_of(manifest)),
    sniff=lambda text: "files" in (keys := top_keys(text)) and "[]" not in keys,
    keeps=("duration_ms", "confidence", "clean"),
)
