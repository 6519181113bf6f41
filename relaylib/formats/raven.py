"""Raven selection tables: tab-separated, a row per selection, times in seconds.

The artifact type is the first of these columns that is there: Annotation, Artifact Type, Label, Class, Type,
Tags, Call Type, Common Name, Species, Species Code; the confidence is Confidence or Score. A selection that
stands there once for the waveform and once for the spectrogram counts once. ``Begin File`` names the recording
where it is given (tables of several recordings need ``File Offset (s)`` too); else the table stands for one
recording, after which it is called. Other columns, frequencies among them, are skipped.

Lost: the duration, groups, extra_data, types without annotations, descriptions and colors.
"""

from __future__ import annotations

from collections.abc import Mapping

from relaylib.errors import ParameterError
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.text import lines_of, moved, ms_of, one_line, seconds_of, share_of, span_of
from relaylib.types import Manifest

__all__ = ["FORMAT"]

_BEGIN, _END, _FILE, _OFFSET = "begin time (s)", "end time (s)", "begin file", "file offset (s)"
_TYPES = (
    "annotation",
    "artifact type",
    "artifact_type",
    "label",
    "class",
    "type",
    "tags",
    "call type",
    "common name",
    "species",
    "species code",
)
_CONFIDENCES = ("confidence", "score")
_HEADER = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\t"
    "Begin File\tAnnotation\tConfidence\n"
)


def _parse(source: Source) -> Manifest:
    lines = lines_of(source.text)
    columns = [cell.strip().lower() for cell in lines[0].split("\t")]
    type_column = _check_header(source, columns)
    rows = [
        (number, dict(zip(columns, map(str.strip, line.split("\t")), strict=False)))
        for number, line in enumerate(lines[1:], start=2)
        if line.strip()
    ]
    files = {row.get(_FILE, "") for _, row in rows}
    builder = ManifestBuilder()
    if files <= {""}:
        builder.add_audio(str(source.path), source.audio)
    seen: set[tuple[str, ...]] = set()
    for number, row in rows:
        key = tuple(row.get(column, "") for column in ("selection", _BEGIN, _END, type_column))
        if row.get("selection") and key in seen:
            continue  # the same selection in another view
        seen.add(key)
        if len(files) > 1 and not row.get(_OFFSET):
            raise source.error(
                number, "a table of several recordings needs the column 'File Offset (s)'; add it in Raven and save."
            )
        _add_row(builder, source, number, row, type_column)
    return builder.build()


def _check_header(source: Source, columns: list[str]) -> str:
    """Return the column that holds the artifact type."""
    missing = [column for column in (_BEGIN, _END) if column not in columns]
    if missing:
        raise source.error(
            1, f"no column {' or '.join(map(repr, missing))}; a Raven selection table begins with its tabbed header."
        )
    found = next((column for column in _TYPES if column in columns), None)
    if found is None:
        raise source.error(
            1, "no column holds the artifact type; add an annotation column named 'Annotation' in Raven and fill it in."
        )
    return found


def _add_row(builder: ManifestBuilder, source: Source, number: int, row: Mapping[str, str], type_column: str) -> None:
    name = row.get(type_column, "")
    if not name:
        raise source.error(number, f"the column {type_column!r} is empty; give it the name of an artifact type.")
    try:
        start_ms, end_ms = _span(row)
        confidence = _confidence(row)
    except ParameterError as exc:
        raise source.error(number, str(exc)) from exc
    filename = row.get(_FILE) or source.audio
    builder.add_span(source.at(number), filename, start_ms, end_ms, name, confidence=confidence)


def _span(row: Mapping[str, str]) -> tuple[int, int]:
    begin, end, offset = row.get(_BEGIN, ""), row.get(_END, ""), row.get(_OFFSET, "")
    if not offset:
        return span_of(begin, end)
    ms_of(begin), ms_of(end), ms_of(offset)  # named one by one where they are no times
    return span_of(offset, moved(offset, by=end, since=begin))


def _confidence(row: Mapping[str, str]) -> float:
    text = next((row[column] for column in _CONFIDENCES if row.get(column)), "")
    return share_of(text) if text else 1.0


def _render(manifest: Manifest) -> str:
    rows = [_HEADER]
    number = 0
    for item in manifest:
        for span in item.annotations:
            number += 1
            rows.append(
                f"{number}\tSpectrogram 1\t1\t{seconds_of(span.start_ms)}\t{seconds_of(span.end_ms)}\t0.0\t8000.0\t"
                f"{one_line(item.filename, 'raven')}\t{one_line(span.artifact_type, 'raven')}\t{span.confidence}\n"
            )
    return "".join(rows)


FORMAT = Format(
    name="raven",
    title="Raven selection table",
    suffixes=(".selections.txt",),
    parse=_parse,
    render=_render,
    sniff=lambda text: _BEGIN in text.split("\n", 1)[0].lower(),
    keeps=("confidence", "clean"),
    one_recording=True,
)
