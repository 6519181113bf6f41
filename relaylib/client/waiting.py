"""Asking again and again until something has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from relaylib.client.errors import WaitTimeoutError

__all__ = ["poll"]

T = TypeVar("T")

_FIRST_S = 0.2
_GROWTH = 1.5


def poll(
    fetch: Callable[[], T],
    *,
    ended: Callable[[T], bool],
    what: str,
    timeout: float | None,
    most_s: float,
    see: Callable[[T], None] | None = None,
) -> T:
    """Fetch until what comes has ended, at intervals that grow from 0.2 s to `most_s`.

    `see` gets everything that comes. Nothing has to be undone when the wait is interrupted.

    Raises
    ------
    WaitTimeoutError
        If it has not ended after `timeout` seconds; it was fetched once at least.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    interval = _FIRST_S
    while True:
        found = fetch()
        if see is not None:
            see(found)
        if ended(found):
            return found
        left = interval if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeoutError(f"{what} had not ended after {timeout:g} s; it goes on at the server.", found)
        time.sleep(min(interval, left))
        interval = min(interval * _GROWTH, most_s)
