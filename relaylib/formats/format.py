"""What an annotation format is: a name, its file endings, and two functions between text and manifest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from relaylib.errors import FormatError
from relaylib.types import AUDIO_EXTENSIONS, Manifest

__all__ = ["Format", "Source", "audio_name"]


def audio_name(stem: str) -> str:
    """Return the recording that `stem` names: itself where it ends like audio, else with ``.wav``.

    Examples
    --------
    >>> audio_name("take1"), audio_name("take1.flac")
    ('take1.wav', 'take1.flac')
    """
    return stem if stem.lower().endswith(AUDIO_EXTENSIONS) else f"{stem}.wav"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a label file, with what a format may need to know of where it came from.

    `path` is there for messages and is never opened; `audio` names the recording that a file of a
    `one_recording` format stands for, and a file without a column for it.
    """

    path: PurePath
    text: str
    audio: str

    def at(self, line: int) -> str:
        """Return the place of `line` (from 1) as error messages lead with it."""
        return f"{self.path}, line {line}"

    def error(self, line: int, message: str) -> FormatError:
        """Return the error that names `line` (from 1) of this file."""
        return FormatError(f"{self.at(line)}: {message}")


@dataclass(frozen=True, slots=True)
class Format:
    """An annotation format; make one in a module of this package and call it ``FORMAT``.

    Parameters
    ----------
    name : str
        What ``--from`` and ``--to`` call it.
    title : str
        What people call it.
    suffixes : tuple of str
        File endings; the first is the one written. Case does not matter, the longest that fits wins.
    parse : callable(Source) -> Manifest
        Pure; raises `FormatError` that names the line or the field.
    render : callable(Manifest) -> str
        Pure; raises `ParameterError` for what the format cannot hold in any way.
    sniff : callable(str) -> bool
        Whether a text looks like this format: decides between formats that share an ending.
    keeps : tuple of str
        Which of ``duration_ms``, ``group``, ``done``, ``confidence``, ``extra_data``, ``clean`` (recordings
        without annotations), ``unused types`` and ``type details`` (description, color) come back; spans always do.
    one_recording : bool
        Whether a file stands for one recording; a manifest of many is then a folder of files.
    aliases : tuple of str
        Further names.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    parse: Callable[[Source], Manifest]
    render: Callable[[Manifest], str]
    sniff: Callable[[str], bool]
    keeps: tuple[str, ...] = ()
    one_recording: bool = False
    aliases: tuple[str, ...] = ()

    def ending(self, name: str) -> str:
        """Return the longest of `suffixes` that `name` ends with, as it stands there; empty if none does."""
        fits = (len(suffix) for suffix in self.suffixes if name.lower().endswith(suffix.lower()))
        longest = max(fits, default=0)
        return name[len(name) - longest :]

    def losses(self, manifest: Manifest) -> list[str]:
        """Return what of `manifest` this format drops, in words; empty when it holds everything."""
        spans = [span for item in manifest for span in item.annotations]
        used = {span.artifact_type for span in spans}
        has = {
            "confidence": ("confidences", any(span.confidence != 1.0 for span in spans)),
            "extra_data": ("extra_data", any(span.extra_data for span in spans)),
            "duration_ms": ("durations", any(item.duration_ms is not None for item in manifest)),
            "group": ("groups", any(item.group is not None for item in manifest)),
            "done": ("which recordings are done", any(item.done is not None for item in manifest)),
            "clean": ("recordings without annotations", any(not item.annotations for item in manifest)),
            "unused types": ("artifact types without annotations", bool(set(manifest.type_names) - used)),
            "type details": (
                "descriptions and colors of types",
                any(t.description is not None or t.color != "#FF0000" for t in manifest.artifact_types),
            ),
        }
        return [words for key, (words, present) in has.items() if present and key not in self.keeps]
