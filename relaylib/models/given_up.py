"""Work that nobody waits for any more, and where it ends.

Without torch, as all that the cache of embeddings needs: the server's own process keeps it, and computes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["GivenUp", "ending_if", "stop_if_given_up"]


class GivenUp(BaseException):
    """Ends a call whose result nobody waits for any more."""


class _Own(threading.local):
    """What says whether the work of a thread is given up."""

    asked: Callable[[], bool] | None = None


_own = _Own()


@contextmanager
def ending_if(given_up: Callable[[], bool]) -> Iterator[None]:
    """Have what this thread does meanwhile end where it looks, once `given_up` says so."""
    outer = _own.asked
    _own.asked = given_up
    try:
        yield
    finally:
        _own.asked = outer


def stop_if_given_up() -> None:
    """End what is done here by :class:`GivenUp`, if nobody waits for it any more."""
    if _own.asked is not None and _own.asked():
        raise GivenUp
