"""Calls from other threads, made where they may touch widgets; in a script nobody looks at these, and none are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["aside", "on_loop"]


def on_loop(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that has `call` made by the event loop that runs now, from whatever thread it is called."""
    loop = _running()
    if loop is None:
        return _unheard

    def later(*arguments: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call, *arguments)

    return later


def aside(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that has `call` made in a thread beside, one call after the other, and does not wait for it.

    A cell that keeps the event loop busy does not hold it up. It must be safe beside other calls, see
    :func:`relaylib.widgets.locking.locked`.
    """
    if _running() is None:
        return _unheard
    thread = ThreadPoolExecutor(1, "aside")

    def later(*arguments: object) -> None:
        thread.submit(call, *arguments).add_done_callback(Future.result)  # which has an error logged

    return later


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _unheard(*_: object) -> None:
    pass
