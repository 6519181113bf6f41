"""Inputs that several commands take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from relaylib.audio import AudioFile
    from relaylib.models import EmbeddingCache
    from relaylib.types import Manifest

__all__ = [
    "audio_files",
    "audio_root_option",
    "cache_option",
    "clean_recordings",
    "embedding_cache",
    "layer_option",
    "layer_value",
    "read_labelled",
    "read_reference",
]

F = TypeVar("F", bound=Callable[..., Any])


def audio_files(paths: Iterable[Path]) -> list[AudioFile]:
    """Return the audio files that `paths` are or, being folders, hold; raise if there is none."""
    from relaylib.audio import AUDIO_EXTENSIONS, find_audio
    from relaylib.errors import ParameterError

    paths = list(paths)
    files = find_audio(paths)
    if not files:
        raise ParameterError(
            f"there is no audio file in {', '.join(map(str, paths))}; folders are searched for "
            f"{', '.join(AUDIO_EXTENSIONS)}: name another one, or the files themselves."
        )
    return files


def read_reference(path: Path) -> Manifest:
    """Return the labels at `path`, a JSON manifest or any other format that is known."""
    from relaylib.formats import read

    return read(path)


def read_labelled(path: Path, audio_root: Path) -> Manifest:
    """Return the labels at `path`; raise before any work if recordings are missing, and name them all."""
    from relaylib.errors import ParameterError

    manifest = read_reference(path)
    missing = [item.filename for item in manifest if not (audio_root / item.filename).is_file()]
    if missing:
        raise ParameterError(
            f"{len(missing)} of {len(manifest)} recordings are not in {audio_root}: {', '.join(missing)}; "
            "correct --audio or the manifest."
        )
    return manifest


def clean_recordings(folder: Path) -> Manifest:
    """Return a manifest of all recordings in `folder`, with nothing wrong in any; raise if there is none."""
    from relaylib.types import AudioItem, Manifest

    return Manifest((), tuple(AudioItem(file.name) for file in audio_files([folder])))


def audio_root_option(function: F) -> F:
    """Add ``--audio``, where the recordings of a manifest are."""
    return click.option(
        "--audio",
        "audio_root",
        required=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of the recordings; the filenames of a manifest are relative to it.",
    )(function)


def cache_option(function: F) -> F:
    """Add ``--cache``."""
    return click.option(
        "--cache",
        type=click.Path(file_okay=False, path_type=Path),
        help="Keep embeddings here: the next run starts at once, a broken one goes on where it stopped.",
    )(function)


def embedding_cache(folder: Path | None) -> EmbeddingCache | None:
    """Return what ``--cache`` means to the library."""
    from relaylib.models import EmbeddingCache

    return None if folder is None else EmbeddingCache(folder.expanduser())


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
