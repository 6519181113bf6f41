"""Arguments of a batch, files and folders, as a list of audio files with the names to report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from relaylib.types import AUDIO_EXTENSIONS

__all__ = ["AudioFile", "find_audio"]


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file of a batch: where it is, and the `name` under which results report it."""

    path: Path
    name: str


def find_audio(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[AudioFile]:
    """Return the audio files behind files and folders.

    A folder is searched at every depth for :data:`relaylib.types.AUDIO_EXTENSIONS` in either case, in the order of the
    relative paths; names that begin with a dot are left out, and links to folders are not followed. Anything
    else is returned as it is, absent paths included, so that the batch can report them as failed. A file
    reached twice is returned once.

    Parameters
    ----------
    paths : path or iterable of paths

    Returns
    -------
    list of AudioFile
        In the order of the arguments. The name of a file argument is its last part, that of a file in a
        folder its path from that folder, with ``/``; files that would share a name are named by their path
        as given.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: dict[str, AudioFile] = {}
    for argument in paths:
        for file in _expand(Path(argument)):
            found.setdefault(os.path.abspath(file.path), file)
    return _with_unique_names(list(found.values()))


def _expand(path: Path) -> Iterator[AudioFile]:
    if not path.is_dir():
        yield AudioFile(path, path.name)
        return
    names: list[str] = []
    for folder, subfolders, filenames in os.walk(path):
        subfolders[:] = [s for s in subfolders if not s.startswith(".")]
        names += [
            Path(folder, filename).relative_to(path).as_posix()
            for filename in filenames
            if not filename.startswith(".") and os.path.splitext(filename)[1].lower() in AUDIO_EXTENSIONS
        ]
    for name in sorted(names):
        yield AudioFile(path / name, name)


def _with_unique_names(files: list[AudioFile]) -> list[AudioFile]:
    for _ in range(2):  # a path as given can clash with the name of a file in a folder, once
        count = Counter(file.name for file in files)
        files = [replace(f, name=f.path.as_posix()) if count[f.name] > 1 else f for f in files]
    return files
