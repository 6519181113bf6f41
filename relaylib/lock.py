"""One process or thread at a time."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["exclusive"]


@contextlib.contextmanager
def exclusive(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`; a process that dies lets go of it. The file is removed afterwards.

    While another holds it this waits, or without `wait` yields False at once: then it is not held.
    """
    held = False
    while not held:
        handle = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            if not _lock(handle, wait):
                yield False
                return
            # the holder before us may have removed the file we waited for: then it guards nothing any more
            held = _same_file(handle, path)
            if held:
                yield True
        finally:
            if held:
                with contextlib.suppress(OSError):  # on Windows an open file stays, which does no harm
                    path.unlink()
            os.close(handle)


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int, wait: bool) -> bool:
        while not _tried(handle):
            if not wait:
                return False
            time.sleep(0.1)
        return True

    def _tried(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _lock(handle: int, wait: bool) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
