"""Files on their way into a folder: each belongs to who holds its lock, so that the dead ones' can be told."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["PartFile", "sync_folder"]

_TRIES = 20


class PartFile:
    """A hidden file beside `target` that takes its place when it is complete.

    It is locked while it is open. A process that dies lets go of the lock, and :meth:`sweep` removes the file.
    All methods block.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._path, self._file = _create(target)

    def write(self, pieces: list[bytes]) -> None:
        """Append bytes."""
        self._file.writelines(pieces)

    @property
    def path(self) -> Path:
        """Where the file is until it is complete."""
        return self._path

    @property
    def file(self) -> BinaryIO:
        """The open file."""
        return self._file

    def commit(self) -> None:
        """Put the file in the place of `target`, on the disk and not only in memory when this returns."""
        self._file.flush()
        os.fsync(self._file.fileno())
        os.replace(self._path, self._target)
        sync_folder(self._target.parent)
        self._file.close()

    def discard(self) -> None:
        """Remove the file; nothing happens after :meth:`commit`."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # what is buffered may not fit on a full disk; it isn't wanted either
            self._file.close()

    @staticmethod
    def sweep(folder: Path) -> list[Path]:
        """Remove the files below `folder` that nobody holds any more; returns them."""
        removed = []
        for path in folder.rglob(".*.part"):
            try:
                with path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            except OSError:  # at work, or just gone
                continue
            removed.append(path)
        return removed


def sync_folder(folder: Path) -> None:
    """Make sure that the names in `folder` outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(target: Path) -> tuple[Path, BinaryIO]:
    """Make and lock a file; again if its folder, or the file before it was locked, was swept away meanwhile."""
    for _ in range(_TRIES):
        path = target.parent / f".{secrets.token_hex(8)}.part"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("xb")
        except FileNotFoundError:
            continue
        except FileExistsError:  # another made the folder, and it was swept away before it was seen
            if target.parent.is_file():
                raise
            continue
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()
    raise OSError(f"{target.parent} is removed again and again while a file is written there.")
