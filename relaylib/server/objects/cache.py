"""Copies of remote objects in a folder of bounded size, which processes on one machine share."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from relaylib.server.objects.parts import PartFile

__all__ = ["FileCache"]


class FileCache:
    """Files by name; the least recently used go first, and none while it is used.

    Every file has a lock beside it: users hold it together, who fetches or removes the file holds it alone.

    Parameters
    ----------
    folder : Path
        Made when it is first needed.
    max_bytes : int
        What the files may take together; files in use are let be even beyond it.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    @contextmanager
    def hold(self, name: str, size_bytes: int, fetch: Callable[[BinaryIO], object]) -> Iterator[Path]:
        """Give the file of a name, which `fetch` writes if it isn't there; it stays while the context lasts."""
        path = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        while True:
            with _locked(self._lock_of(path), fcntl.LOCK_SH):
                if path.exists():
                    os.utime(path, ns=(time.time_ns(),) * 2)  # finer than the system's own idea of now
                    yield path
                    return
            with _locked(self._lock_of(path), fcntl.LOCK_EX):
                if not path.exists():
                    self._make_room(size_bytes)
                    _fetch(path, fetch)

    def _make_room(self, size_bytes: int) -> None:
        PartFile.sweep(self._folder)
        files = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if not path.name.startswith("."):
                    files.append((path.stat().st_mtime_ns, path.stat().st_size, path))
        excess = sum(size for _, size, _ in files) + size_bytes - self._max_bytes
        for _, size, path in sorted(files):
            if excess <= 0:
                return
            lock = self._lock_of(path)
            with suppress(BlockingIOError), _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB):
                path.unlink(missing_ok=True)
                lock.unlink()
                excess -= size

    @staticmethod
    def _lock_of(path: Path) -> Path:
        return path.with_name(f".{path.name}.lock")


def _fetch(path: Path, fetch: Callable[[BinaryIO], object]) -> None:
    part = PartFile(path)
    try:
        fetch(part.file)
        part.commit()
    finally:
        part.discard()


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    """Lock a file that may be removed by who holds it: a lock on a removed file is none."""
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, how)
            if os.fstat(file.fileno()).st_nlink:
                yield
                return
