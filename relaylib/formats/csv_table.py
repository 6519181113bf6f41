"""CSV with the columns ``filename,start_ms,end_ms,artifact_type,confidence``.

A recording without annotations is a row with its filename alone. Read liberally: columns in any order, upper or
lower case, separated by comma, semicolon or tab; times in ms (``start_ms``) or in seconds (``start_s``, ``start``,
``onset``, ``Begin Time (s)`` …), with a decimal comma too; other names people use for the columns; a ``group``
column; no filename column where the file stands for one recording; columns that are not known are skipped.

Lost: the duration, groups, extra_data, types without annotations, descriptions and colors.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from relaylib.errors import ParameterError
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.text import lines_of, ms_of, share_of, span_of
from relaylib.types import Manifest

__all__ = ["FORMAT"]

_COLUMNS = ("filename", "start_ms", "end_ms", "artifact_type", "confidence")
_ALIASES = {
    "filename": "filename file file_name audio audio_file audio_filename original_filename recording path uri "
    "begin_file",
    "start_ms": "start_ms begin_ms onset_ms begin_time_ms start_time_ms",
    "end_ms": "end_ms offset_ms stop_ms end_time_ms",
    "start_s": "start_s start start_sec start_seconds start_time start_time_s begin begin_s begin_time begin_time_s "
    "onset onset_s",
    "end_s": "end_s end end_sec end_seconds end_time end_time_s stop stop_s offset offset_s",
    "artifact_type": "artifact_type artifact type label event_label class annotation event",
    "confidence": "confidence score probability conf",
    "group": "group",
}
_MEANING = {alias: column for column, aliases in _ALIASES.items() for alias in aliases.split()}


@dataclass(frozen=True, slots=True)
class _Header:
    """Where each known column stands, and in which unit the times are."""

    position: dict[str, int]
    unit: Literal["s", "ms"]
    n_cells: int

    def cell(self, row: list[str], column: str) -> str:
        at = self.position.get(column, -1)
        return row[at].strip() if 0 <= at < len(row) else ""


def _parse(source: Source) -> Manifest:
    rows = _rows(source)
    first = next(rows, None)
    if first is None:
        raise source.error(1, f"the file is empty; need a header such as {','.join(_COLUMNS)}.")
    header = _header(source, *first)
    builder = ManifestBuilder()
    for number, row in rows:
        if len(row) > header.n_cells:
            raise source.error(
                number, f"{len(row)} cells under a header of {header.n_cells}; quote cells that hold the separator."
            )
        _add_row(builder, source, number, header, row)
    return builder.build()


def _rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty with the number of the line on which it starts."""
    first = next((line for line in lines_of(source.text) if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(source.text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield number, row
            number = reader.line_num + 1
    except csv.Error as exc:
        raise source.error(number, f"not valid CSV ({exc}).") from exc


def _header(source: Source, number: int, row: list[str]) -> _Header:
    position: dict[str, int] = {}
    for i, cell in enumerate(row):
        column = _MEANING.get(_plain(cell))
        if column and column not in position:
            position[column] = i
    unit: Literal["s", "ms"] = "ms" if {"start_ms", "end_ms"} <= set(position) else "s"
    missing = [column for column in (f"start_{unit}", f"end_{unit}", "artifact_type") if column not in position]
    if missing:
        raise source.error(
            number,
            f"the header has no column {' or '.join(missing)}; it reads {', '.join(map(repr, row))}. "
            f"Name the columns {','.join(_COLUMNS)}, or start_s and end_s for times in seconds.",
        )
    return _Header(position, unit, len(row))


def _plain(cell: str) -> str:
    """Return a column's name as the aliases spell it: ``Begin Time (s)`` is ``begin_time_s``."""
    return re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")


def _add_row(builder: ManifestBuilder, source: Source, number: int, header: _Header, row: list[str]) -> None:
    at = source.at(number)
    filename = header.cell(row, "filename") if "filename" in header.position else source.audio
    builder.add_audio(at, filename, group=header.cell(row, "group") or None)
    start, end = header.cell(row, f"start_{header.unit}"), header.cell(row, f"end_{header.unit}")
    name, confidence = header.cell(row, "artifact_type"), header.cell(row, "confidence")
    if not (start or end or name):
        return  # the recording is clean
    try:
        start_ms, end_ms = (
            (ms_of(start, unit="ms"), ms_of(end, unit="ms")) if header.unit == "ms" else span_of(start, end)
        )
        weight = share_of(confidence) if confidence else 1.0
    except ParameterError as exc:
        raise source.error(number, str(exc)) from exc
    builder.add_span(at, filename, start_ms, end_ms, name, confidence=weight)


def _render(manifest: Manifest) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for item in manifest:
        for span in item.annotations:
            row = (_name(item.filename), span.start_ms, span.end_ms, _name(span.artifact_type), span.confidence)
            writer.writerow(row)
        if not item.annotations:
            writer.writerow((_name(item.filename), "", "", "", ""))
    return out.getvalue()


def _name(name: str) -> str:
    if name != name.strip() or "\r" in name or "\0" in name:
        raise ParameterError(
            f"csv cannot hold the name {name!r}: no outer spaces, carriage returns or NULs; "
            "rename it, or use the JSON manifest."
        )
    return name


FORMAT = Format(
    name="csv",
    title="CSV table",
    suffixes=(".csv",),
    parse=_parse,
    render=_render,
    sniff=lambda text: bool(text.strip()),
    keeps=("confidence", "clean"),
)
