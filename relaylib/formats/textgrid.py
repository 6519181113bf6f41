"""Praat TextGrids, long and short text form: an interval tier for each artifact type.

Spans of one type that overlap go to further tiers of the same name. An interval's text is the type's name, or
the confidence where it is not 1; a type without spans keeps an empty tier. When reading, an interval's text that
is a number from 0 to 1 is the confidence of the tier's type, and any other text names the type itself, so that
grids with one tier of mixed labels are read too. Points are read as spans of 1 ms.

A file stands for one recording. Lost: groups, extra_data, descriptions and colors; the recording's name lives in
the name of the file, and an unknown duration becomes the end of the last span. Spans come back sorted by time.

References
----------
.. [1] Praat manual, "TextGrid file formats": free-standing numbers, texts in double quotes and ``<flags>`` count,
   everything else is comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Literal

from relaylib.errors import FormatError, ParameterError
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source
from relaylib.formats.text import is_number, ms_of, seconds_of, share_of, span_of
from relaylib.types import Annotation, Manifest

__all__ = ["FORMAT"]

_TOKEN = re.compile(
    r"""(?P<skip>\s+|!.*)                 # blanks; a comment reaches to the end of its line
      | (?P<text>"(?:[^"]|"")*")          # a quote inside is doubled
      | (?P<open>")
      | (?P<word>[^\s"]+)""",
    re.VERBOSE,
)
_FLAGS = ("<exists>", "<absent>")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["number", "text", "flag"]
    value: str
    line: int


class _Reader:
    """The tokens that count, one after the other."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.line = 1
        self._tokens = _tokens(source)

    def number(self, what: str) -> str:
        return self._next("number", what)

    def text(self, what: str) -> str:
        return self._next("text", what)

    def flag(self, what: str) -> str:
        return self._next("flag", what)

    def count(self, what: str) -> int:
        value = self.number(what)
        if not value.isdecimal():
            raise self.error(f"{what} is {value!r}; need a whole number.")
        return int(value)

    def error(self, message: str) -> FormatError:
        return self.source.error(self.line, message)

    def _next(self, kind: str, what: str) -> str:
        token = next(self._tokens, None)
        if token is None:
            raise self.error(f"the file ends where {what} should stand; save it again in Praat.")
        self.line = token.line
        if token.kind != kind:
            raise self.error(f"found {token.value!r} where {what} should stand.")
        return token.value


def _tokens(source: Source) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(source.text):
        word = found[0]
        if found.lastgroup == "open":
            raise source.error(line, "a text opens with a quote and is never closed.")
        if found.lastgroup == "text":
            yield _Token("text", word[1:-1].replace('""', '"'), line)
        elif word in _FLAGS:
            yield _Token("flag", word, line)
        elif found.lastgroup == "word" and is_number(word):
            yield _Token("number", word, line)
        line += word.count("\n")


def _parse(source: Source) -> Manifest:
    reader = _Reader(source)
    if not reader.text("the file type").startswith("ooTextFile") or reader.text("the class") != "TextGrid":
        raise reader.error('not a TextGrid; need "ooTextFile" and "TextGrid" first; in Praat choose Save as text file.')
    reader.number("xmin")
    duration_ms = _time(reader, "xmax")
    builder = ManifestBuilder()
    builder.add_audio(source.at(reader.line), source.audio, duration_ms=duration_ms)
    spans: list[tuple[Annotation, int]] = []
    if reader.flag("<exists>") == "<exists>":
        for _ in range(reader.count("the number of tiers")):
            spans.extend(_tier(reader, builder))
    for span, line in sorted(spans, key=lambda pair: pair[0]):
        builder.add_span(
            source.at(line),
            source.audio,
            span.start_ms,
            span.end_ms,
            span.artifact_type,
            confidence=span.confidence,
        )
    return builder.build()


def _time(reader: _Reader, what: str) -> int:
    text = reader.number(what)
    try:
        return ms_of(text)
    except ParameterError as exc:
        raise reader.error(str(exc)) from exc


def _tier(reader: _Reader, builder: ManifestBuilder) -> list[tuple[Annotation, int]]:
    """Return the spans of a tier with their lines; its types are added to `builder`."""
    kind = reader.text("the class of a tier")
    if kind not in ("IntervalTier", "TextTier"):
        raise reader.error(f"{kind!r} is not a class of tier; need IntervalTier or TextTier.")
    tier = reader.text("the name of a tier")
    reader.number("xmin of a tier")
    reader.number("xmax of a tier")
    spans = []
    for i in range(reader.count("the number of intervals")):
        what = f"interval {i + 1} of tier {tier!r}"
        start = reader.number(f"the start of {what}")
        line = reader.line
        end = reader.number(f"the end of {what}") if kind == "IntervalTier" else ""
        mark = reader.text(f"the text of {what}").strip()
        if not mark:
            continue
        name, confidence = _meaning(mark, tier)
        place = reader.source.at(line)
        builder.add_type(place, name)
        try:
            start_ms, end_ms = span_of(start, end) if end else (ms_of(start), ms_of(start) + 1)
            spans.append((Annotation(start_ms, end_ms, name, confidence), line))
        except ParameterError as exc:
            raise FormatError(f"{place}: {what}: {exc}") from exc
    if not spans:
        builder.add_type(reader.source.at(reader.line), tier)
    return spans


def _meaning(mark: str, tier: str) -> tuple[str, float]:
    """Return the artifact type and the confidence that an interval's text stands for."""
    if is_number(mark) and 0 <= (confidence := share_of(mark)) <= 1:
        return tier, confidence
    return mark, 1.0


def _mark(span: Annotation) -> str:
    """Return an interval's text, such that `_meaning` gives the span back."""
    name = span.artifact_type
    return name if span.confidence == 1.0 and not is_number(name) else repr(span.confidence)


def _render(manifest: Manifest) -> str:
    (item,) = manifest.audio
    last_ms = max((span.end_ms for span in item.annotations), default=1)
    xmax = seconds_of(max(item.duration_ms or 0, last_ms))
    tiers = [
        (_quoted(name), lane)
        for name in manifest.type_names
        for lane in _lanes([span for span in item.annotations if span.artifact_type == name])
    ]
    head = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {xmax}",
        "tiers? <exists>" if tiers else "tiers? <absent>",
        *([f"size = {len(tiers)}", "item []:"] if tiers else []),
    ]
    body = chain.from_iterable(_tier_lines(i, name, lane, xmax) for i, (name, lane) in enumerate(tiers, start=1))
    return "\n".join([*head, *body]) + "\n"


def _quoted(text: str) -> str:
    if text != text.strip() or "\r" in text:
        raise ParameterError(f"textgrid cannot hold the name {text!r}: no outer spaces or carriage returns; rename it.")
    return '"' + text.replace('"', '""') + '"'


def _lanes(spans: list[Annotation]) -> list[list[Annotation]]:
    """Return `spans` spread over as few tiers as keep them apart; at least one tier, perhaps empty."""
    lanes: list[list[Annotation]] = [[]]
    for span in sorted(spans):
        lane = next((lane for lane in lanes if not lane or lane[-1].end_ms <= span.start_ms), None)
        if lane is None:
            lanes.append([span])
        else:
            lane.append(span)
    return lanes


def _tier_lines(number: int, name: str, lane: list[Annotation], xmax: str) -> Iterator[str]:
    intervals: list[tuple[str, str, str]] = []
    at = "0"
    for span in lane:
        start, end = seconds_of(span.start_ms), seconds_of(span.end_ms)
        if span.start_ms and start != at:
            intervals.append((at, start, '""'))
        intervals.append((start if span.start_ms else "0", end, _quoted(_mark(span))))
        at = end
    if at != xmax:
        intervals.append((at, xmax, '""'))
    yield f"    item [{number}]:"
    yield '        class = "IntervalTier"'
    yield f"        name = {name}"
    yield "        xmin = 0"
    yield f"        xmax = {xmax}"
    yield f"        intervals: size = {len(intervals)}"
    for i, (start, end, text) in enumerate(intervals, start=1):
        yield f"        intervals [{i}]:"
        yield f"            xmin = {start}"
        yield f"            xmax = {end}"
        yield f"            text = {text}"


FORMAT = Format(
    name="textgrid",
    title="Praat TextGrid",
    suffixes=(".TextGrid",),
    parse=_parse,
    render=_render,
    sniff=lambda text: "ooTextFile" in text[:200] and "TextGrid" in text[:400],
    keeps=("duration_ms", "confidence", "clean", "unused types"),
    one_recording=True,
    aliases=("praat",),
)
