"""Decoded files that are in use, and the last few that were: a file opened again is there at once."""

from __future__ import annotations

import os
import threading
from collections import Counter, OrderedDict

from relaylib.widgets.sound.decoding import Decoding

__all__ = ["SHELF", "Shelf"]

_Key = tuple[str, int, int, str | None]


class Shelf:
    """Decodings by file, shared by all who have the file open.

    Parameters
    ----------
    n_kept : int >= 0
        How many that nobody uses are kept, whole ones only; those used last.
    """

    def __init__(self, n_kept: int = 4) -> None:
        self.n_kept = n_kept
        self._decodings: OrderedDict[_Key, Decoding] = OrderedDict()
        self._n_users: Counter[Decoding] = Counter()
        self._lock = threading.RLock()  # a finalizer may run, and give back, at any line of ours

    def take(self, path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> Decoding:
        """Return the decoding of a file, made if there is none, for its user to start; :meth:`give_back` ends its use.

        A file that was changed since is decoded anew.
        """
        key = _key(path, folder)
        with self._lock:
            decoding = None if key is None else self._decodings.get(key)
            if decoding is None:
                decoding = Decoding(path, folder)
                if key is not None:
                    self._decodings[key] = decoding
            self._n_users[decoding] += 1
            return decoding

    def give_back(self, decoding: Decoding) -> None:
        """End one use; the last one stops a decoding that is not whole."""
        with self._lock:
            self._n_users[decoding] -= 1
            if self._n_users[decoding]:
                return
            del self._n_users[decoding]
            key = next((key for key, other in self._decodings.items() if other is decoding), None)
            surplus = [decoding]
            if key is not None and decoding.done.is_set() and decoding.error is None:
                self._decodings.move_to_end(key)
                idle = [key for key, other in self._decodings.items() if other not in self._n_users]
                surplus = [self._decodings.pop(key) for key in idle[: max(0, len(idle) - self.n_kept)]]
            elif key is not None:
                del self._decodings[key]
        for other in surplus:
            other.close()


def _key(path: str | os.PathLike[str], folder: str | os.PathLike[str] | None) -> _Key | None:
    """Return what tells a file and its content from others; None for one that cannot be read."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return os.path.realpath(path), found.st_size, found.st_mtime_ns, None if folder is None else os.fspath(folder)


SHELF = Shelf()
"""That of this process."""
