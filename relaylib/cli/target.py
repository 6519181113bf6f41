"""Where a command writes its file: known to be possible before the work, and never over what the command reads."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["make_ready"]


def make_ready(target: Path, sources: Iterable[Path]) -> None:
    """Make the folder of `target`.

    Raises
    ------
    ParameterError
        If `target` is one of `sources`, the files that the command reads.
    OSError
        If the folder cannot be made, or nothing can be written there.
    """
    from relaylib.errors import ParameterError
    from relaylib.files import is_stream

    place = os.path.realpath(target)
    if any(os.path.realpath(source) == place for source in sources):
        raise ParameterError(f"{target} is read by this command, and would be written over; name another file.")
    if is_stream(target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(os.path.dirname(place), os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "no file can be written to this folder", str(target.parent))
