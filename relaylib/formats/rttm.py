"""RTTM, the NIST rich transcription format: ``SPEAKER file 1 start duration <NA> <NA> name confidence <NA>``.

The name field is the artifact type. Lines of the other NIST types and comments (``;;``) are skipped. A file id
without an audio ending gets ``.wav``; ids are written with their ending and folder. Blanks and percent signs in
names are percent-encoded, as fields end at blanks.

Lost: recordings without annotations, the duration, groups, extra_data, types without annotations, descriptions
and colors.

References
----------
.. [1] NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix A.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from relaylib.errors import ParameterError
from relaylib.formats.builder import ManifestBuilder
from relaylib.formats.format import Format, Source, audio_name
from relaylib.formats.text import is_number, lines_of, moved, ms_of, seconds_of, share_of, span_of
from relaylib.types import Manifest

__all__ = ["FORMAT"]

_OTHER_TYPES = (
    *("SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER"),
    *("EDIT", "IP", "SU", "CB", "A/P", "SPKR-INFO"),
)
_NONE = "<NA>"


def _parse(source: Source) -> Manifest:
    builder = ManifestBuilder()
    for number, line in enumerate(lines_of(source.text), start=1):
        fields = line.split()
        if not fields or fields[0].startswith(";;") or fields[0] in _OTHER_TYPES:
            continue
        if fields[0] != "SPEAKER":
            raise source.error(number, f"{fields[0]!r} is not an RTTM type; need SPEAKER, or ;; before a comment.")
        if not 8 <= len(fields) <= 10:
            raise source.error(
                number,
                f"{len(fields)} fields; need SPEAKER file channel start duration <NA> <NA> name confidence <NA>.",
            )
        try:
            start_ms, end_ms = _span(fields[3], fields[4])
            confidence = _confidence(fields[8] if len(fields) > 8 else _NONE)
        except ParameterError as exc:
            raise source.error(number, str(exc)) from exc
        if fields[7] == _NONE:
            raise source.error(number, "the name (field 8) is <NA>; give it the name of an artifact type.")
        filename = audio_name(unquote(fields[1]))
        builder.add_span(source.at(number), filename, start_ms, end_ms, unquote(fields[7]), confidence=confidence)
    return builder.build()


def _span(start: str, duration: str) -> tuple[int, int]:
    if ms_of(duration) < 0 or not is_number(start):
        raise ParameterError(f"start {start!r}, duration {duration!r}: need times in seconds, not below 0.")
    return span_of(start, moved(start, by=duration))


def _confidence(text: str) -> float:
    return 1.0 if text == _NONE else share_of(text)


def _render(manifest: Manifest) -> str:
    rows = (
        f"SPEAKER {_field(item.filename)} 1 {seconds_of(span.start_ms)} {seconds_of(span.end_ms - span.start_ms)} "
        f"{_NONE} {_NONE} {_field(span.artifact_type)} {span.confidence} {_NONE}\n"
        for item in manifest
        for span in item.annotations
    )
    return "".join(rows)


def _field(name: str) -> str:
    """Return `name` as one field: blanks, control characters, ``%`` and a literal ``<NA>`` percent-encoded."""
    if name == _NONE:
        return quote(name)
    return re.sub(r"[\s\x00-\x1f%]", lambda found: quote(found[0], safe=""), name)


def _sniff(text: str) -> bool:
    first = next((line.split() for line in lines_of(text) if line.strip() and not line.startswith(";;")), None)
    return first is None or first[0] == "SPEAKER" or first[0] in _OTHER_TYPES


FORMAT = Format(
    name="rttm",
    title="NIST RTTM",
    suffixes=(".rttm",),
    parse=_parse,
    render=_render,
    sniff=_sniff,
    keeps=("confidence",),
)
