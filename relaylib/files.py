"""Where files go, and how they are written: inside of their folder, whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path, PurePosixPath

from relaylib.errors import ParameterError

__all__ = ["is_stream", "replacing", "shown", "targets", "utf8", "write_atomic"]


def utf8(text: str) -> str:
    """Return `text` with what UTF-8 cannot hold escaped: bytes of a file's name that are no text."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown(text: str) -> str:
    """Return `text` fit for a terminal: control characters and undecodable bytes of filenames escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def targets(names: Iterable[str], endings: Sequence[str], *, short: bool = False) -> list[list[str]]:
    """Return where in a folder to write what is made of each of `names`, for all of them together.

    Parameters
    ----------
    names : iterable of str
        They keep their folders, but lead nowhere else: the root, a drive and ``..`` are left out.
    endings : sequence of str
        One for each file that is made of a name, put behind it.
    short : bool
        Whether to leave out the name's own ending, where the files of no name before are called so.

    Returns
    -------
    list of list of str
        For each name and ending a relative path in UTF-8, with ``/``. No two are the same, even on a disk that takes
        ``A`` for ``a``: where need be, the later name is numbered.

    Examples
    --------
    >>> targets(["a.wav", "d/a.wav", "../d/a.wav"], [".npy"])
    [['a.wav.npy'], ['d/a.wav.npy'], ['d/a.wav~2.npy']]
    >>> targets(["a.flac", "a.wav"], [".flac", "-2.flac"], short=True)
    [['a.flac', 'a-2.flac'], ['a.wav.flac', 'a.wav-2.flac']]
    """
    found: list[list[str]] = []
    taken: set[str] = set()
    for name in names:
        parts = utf8(name.replace("\\", "/")).split("/")  # in this order: escapes hold backslashes
        full = "/".join(part for part in parts if not re.fullmatch(r"\.{0,2}|[A-Za-z]:", part)) or "_"
        stems = [full.removesuffix(PurePosixPath(full).suffix)] if short else []
        for stem in chain(stems, [full], (f"{full}~{n}" for n in count(2))):
            paths = [stem + ending for ending in endings]
            places = {unicodedata.normalize("NFC", path.casefold()) for path in paths}
            if taken.isdisjoint(places):
                break
        taken |= places
        found.append(paths)
    return found


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside `path` to write to; what is there at the end takes the place of `path` in one step.

    A reader sees the old file or the new one, never a part; after an exception the old one stays. The folder
    is made where it is missing, a link is followed, and the file gets the rights that new files get.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{secrets.token_hex(6)}.part{target.suffix}"
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Return whether `path` is a device or pipe, such as ``/dev/stdout``, of which nothing can take the place."""
    try:
        mode = os.stat(path).st_mode  # that of what it leads to: a pipe behind a link has no path of its own
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write `content` to `path` by way of :func:`replacing`; a device or pipe is written directly.

    Raises
    ------
    ParameterError
        If `content` is text that UTF-8 cannot hold.
    OSError
        If the file cannot be written, with `path` as its filename unless another file is where its folder should be; an
        existing file then stays as it was.
    """
    try:
        data = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError as exc:
        raise ParameterError(f"{path}: {exc.object[exc.start : exc.end]!r} cannot be written as UTF-8.") from exc
    target = Path(os.path.realpath(path))
    try:
        if is_stream(path):
            Path(path).write_bytes(data)
        else:
            with replacing(target) as part:
                part.write_bytes(data)
    except FileExistsError:
        raise  # it names the file that is where the folder should be
    except OSError as exc:  # which names the part, or nothing where the disk is full
        raise OSError(exc.errno, exc.strerror or str(exc), os.fspath(path)) from exc
    return target
