"""Annotations in and out: JSON manifest, detections, Audacity, CSV, Label Studio, TextGrid, RTTM, Raven.

`read` and `write` go by file ending, content or format name; spans come back exact to the millisecond from every
format, and each module says what its format loses.

Adding a format takes one file here, one fixture and one test: a module with a pure `parse` and a pure `render`
and a constant ``FORMAT``, which the registry finds by itself::

    # relaylib/formats/elan.py
    def _parse(source: Source) -> Manifest:
        builder = ManifestBuilder()
        for number, line in enumerate(lines_of(source.text), start=1):
            ...  # raise source.error(number, "what is wrong; what to do")
            builder.add_span(source.at(number), source.audio, start_ms, end_ms, name)
        return builder.build()

    def _render(manifest: Manifest) -> str: ...

    FORMAT = Format(
        name="elan", title="ELAN tab-delimited", suffixes=(".elan.txt",), parse=_parse, render=_render,
        sniff=lambda text: text.startswith("Begin Time"), keeps=("clean",), one_recording=True,
    )

``tests/formats/test_round_trip.py`` then tries it by itself on random manifests, as far as `keeps` promises; a
fixture written by the real tool goes to ``tests/formats/fixtures`` with a test of what it reads as. A format that
lives in another package is made known by `register`.
"""

from relaylib.files import write_atomic
from relaylib.formats.detections import manifest_of, read_detections, results_of, write_detections
from relaylib.formats.format import Format, Source
from relaylib.formats.manifest import read_manifest, write_manifest
from relaylib.formats.registry import format_for, formats, get_format, read, register, write

__all__ = [
    "Format",
    "Source",
    "format_for",
    "formats",
    "get_format",
    "manifest_of",
    "read",
    "read_detections",
    "read_manifest",
    "register",
    "results_of",
    "write",
    "write_atomic",
    "write_detections",
    "write_manifest",
]
