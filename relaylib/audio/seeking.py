"""A file as decoders may have it: a seek that cannot be, as in a damaged file, is refused without an exception."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

__all__ = ["Lent"]


class Lent:
    """An open file, lent to libsndfile or FFmpeg, whose callbacks have nobody to raise to.

    Parameters
    ----------
    file : binary file
        Closed by the caller.

    Attributes
    ----------
    is_astray : bool
        Whether a seek was refused.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.is_astray = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Return the new position, or -1 if there is no such position: the file then stays where it is."""
        try:
            return self._file.seek(offset, whence)
        except OSError:
            self.is_astray = True
            return -1
