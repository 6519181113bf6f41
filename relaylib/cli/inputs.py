"""Inputs that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from relaylib.audio import AudioFile
    from relaylib.types import Manifest

__all__ = ["audio_files", "layer_option", "layer_value", "read_reference"]

F = TypeVar("F", bound=Callable[..., Any])


def audio_files(paths: Iterable[Path]) -> list[AudioFile]:
    """Return the audio files that `paths` are or, being folders, hold."""
    from relaylib.audio import find_audio

    return find_audio(list(paths))


def read_reference(path: Path) -> Manifest:
    """Return the labels at `path`, a JSON manifest or any other format that is known."""
    from relaylib.formats import read

    return read(path)


def layer_option(function: F) -> F:
    """Add ``--layer``."""
    return click.option(
        "--layer",
        metavar="N|mix",
        callback=_check_layer,
        help="Hidden layer of the encoder: by number, or 'mix' to learn a mix of all.  [default: the last]",
    )(function)


def _check_layer(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None or value == "mix" or value.removeprefix("-").isdecimal():
        return value
    raise click.BadParameter(f"{value!r} is neither a number nor 'mix'.")


def layer_value(text: str | None) -> int | Literal["mix"] | None:
    """Return what ``--layer`` means to `load_encoder`."""
    if text is None or text == "mix":
        return "mix" if text else None
    return int(text)
