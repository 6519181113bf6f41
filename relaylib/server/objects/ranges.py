"""Which bytes of a file a player asks for; pure."""

from __future__ import annotations

import re

__all__ = ["ByteRange", "UnsatisfiableRangeError", "requested_range"]

ByteRange = tuple[int, int]
"""The first byte and the one after the last."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class UnsatisfiableRangeError(ValueError):
    """The range begins after the end."""


def requested_range(header: str, size: int) -> ByteRange | None:
    """Return what a ``Range`` header asks of `size` bytes, None if everything.

    More than one range, and what isn't understood, count as everything, which the standard permits.

    Raises
    ------
    UnsatisfiableRangeError

    Examples
    --------
    >>> requested_range("bytes=2-5", size=10)
    (2, 6)
    >>> requested_range("bytes=-3", size=10)
    (7, 10)
    >>> requested_range("bytes=4-", size=10)
    (4, 10)
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise UnsatisfiableRangeError(header)
    return start, stop
