"""Calls from other threads that nobody has to wait for; in a script nobody looks at widgets, and none are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["aside"]


def aside(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that has `call` made in a thread beside, one call after the other, and does not wait for it.

    A cell that keeps the event loop busy does not hold it up. It must be safe beside other calls, see
    :func:`relaylib.widgets.locking.locked`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _unheard
    thread = ThreadPoolExecutor(1, "aside")

    def later(*arguments: object) -> None:
        thread.submit(call, *arguments).add_done_callback(Future.result)  # which has an error logged

    return later


def _unheard(*_: object) -> None:
    pass
