r"""Audacity label tracks: a line per label, ``start TAB end TAB text``, times in seconds.

The text is the artifact type. Lines that begin with a backslash hold the frequency range of the label above
and are skipped. A point label (start equal to end, or the two columns of Audacity 1.2) is read as a span of
1 ms. A file stands for one recording.

Lost: the confidence, the duration, groups, extra_data, types without annotations, descriptions and colors;
the recording's name lives in the name of the label file. Labels keep their order.
"""

from __future__ import annotations

from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.text import is_number, lines_of, one_line, seconds_of, span_of
from relaylib.types import Manifest

__all__ = ["FORMAT"]


def _parse(source: Source) -> Manifest:
    builder = ManifestBuilder()
    builder.add_audio(str(source.path), source.audio)
    for number, line in enumerate(lines_of(source.text), start=1):
        if not line.strip() or line.startswith("\\"):
            continue
        start, end, text = _fields(source, number, line)
        try:
            start_ms, end_ms = span_of(start, end)
        except ValueError as exc:
            raise source.error(number, str(exc)) from exc
        if start == end:
            end_ms += 1  # a point
        builder.add_span(source.at(number), source.audio, start_ms, end_ms, text)
    return builder.build()


def _fields(source: Source, number: int, line: str) -> tuple[str, str, str]:
    cells = [cell.strip() for cell in line.split("\t", 2)]
    if not is_number(cells[0]):
        raise source.error(number, f"{cells[0]!r} is not a start time; need seconds TAB seconds TAB text.")
    if len(cells) == 2 and cells[1] and not is_number(cells[1]):  # Audacity 1.2: start and text
        return cells[0], cells[0], cells[1]
    if len(cells) < 3 or not cells[2]:
        raise source.error(number, "the label has no text; give it the name of an artifact type.")
    return cells[0], cells[1], cells[2]


def _render(manifest: Manifest) -> str:
    rows = (
        f"{seconds_of(span.start_ms, digits=6)}\t{seconds_of(span.end_ms, digits=6)}\t"
        f"{one_line(span.artifact_type, 'audacity')}\n"
        for item in manifest
        for span in item.annotations
    )
    return "".join(rows)


def _sniff(text: str) -> bool:
    first = next((line for line in lines_of(text) if line.strip()), None)
    return first is None or (is_number(first.split("\t")[0].strip()) and "\t" in first)


FORMAT = Format(
    name="audacity",
    title="Audacity labels",
    suffixes=(".txt",),
    parse=_parse,
    render=_render,
    sniff=_sniff,
    keeps=("clean",),
    one_recording=True,
)
