"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relaylib.errors import ParameterError

__all__ = ["replacing", "write_atomic"]


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


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write `content` to `path` by way of :func:`replacing`; a device or pipe is written directly.

    Raises
    ------
    ParameterError
        If `content` is text that UTF-8 cannot hold.
    OSError
        If the file cannot be written; an existing file then stays as it was.
    """
    try:
        data = content.encode() if isinstance(content, str) else content
    except UnicodeEncodeError as exc:
        raise ParameterError(f"{path}: {exc.object[exc.start : exc.end]!r} cannot be written as UTF-8.") from exc
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file() and not path.is_dir():
        path.write_bytes(data)  # /dev/stdout and the like: nothing to replace
        return path
    with replacing(path) as part:
        part.write_bytes(data)
    return path
