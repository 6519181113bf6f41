"""Audio files on disk: which there are, what to call them, and what identifies their content."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from relaylib.errors import AudioDecodeError

__all__ = ["AUDIO_EXTENSIONS", "AudioFile", "content_digest", "find_audio"]

AUDIO_EXTENSIONS = frozenset(
    {".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".webm", ".aif", ".aiff"}
)
"""Endings, in lower case, by which a file in a folder is taken for audio."""


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file to work on, and the name under which its results are reported."""

    path: Path
    name: str


def find_audio(paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str]) -> list[AudioFile]:
    """Return the audio files that `paths` are or, being folders, hold.

    Folders are searched with their subfolders for files whose ending is one of `AUDIO_EXTENSIONS`, in any case, sorted
    by name. Hidden files and folders in them are left out, and so are links to folders. A path that is not a folder is
    returned whatever its ending, even if it does not exist, so that a batch can report it as failed. A file that is
    reached twice is returned once.

    Parameters
    ----------
    paths : iterable of str or PathLike, or one of them
        Files and folders.

    Returns
    -------
    list of AudioFile
        In the order of `paths`. A file's name is its base name; in a folder, its POSIX path relative to the folder;
        where two would share a name, the path as given (for a file in a folder, folder and relative path).
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: dict[str, AudioFile] = {}
    for given in paths:
        for file in _expand(Path(given)):
            found.setdefault(os.path.abspath(file.path), file)
    counts = Counter(file.name for file in found.values())
    return [file if counts[file.name] == 1 else AudioFile(file.path, file.path.as_posix()) for file in found.values()]


def _expand(path: Path) -> Iterator[AudioFile]:
    if not path.is_dir():
        yield AudioFile(path, path.name)
        return
    inside = []
    for root, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside += [
            Path(root, name)
            for name in names
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS
        ]
    for file in sorted(inside, key=lambda file: file.relative_to(path).parts):
        yield AudioFile(file, file.relative_to(path).as_posix())


def content_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal.

    The file is read in pieces. It identifies the content, not the audio: another encoding of the same sound, or
    another tag, gives another digest.

    Raises
    ------
    AudioDecodeError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as exc:
        raise AudioDecodeError(f"{os.fspath(path)}: cannot be read: {exc.strerror or exc}.") from exc
    return digest.hexdigest()
