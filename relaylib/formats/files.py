"""Files written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from relaylib.errors import ParameterError

__all__ = ["write_atomic"]


def write_atomic(path: str | os.PathLike[str], content: str | bytes) -> Path:
    """Write `content` to `path`: a reader sees the old file or the new one, never a part.

    The folder is made where it is missing; a link is followed; a device or pipe is written directly.

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
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{secrets.token_hex(6)}.part"
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path
