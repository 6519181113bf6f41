"""Calls from other threads, made in the thread where widgets live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

__all__ = ["on_loop"]


def on_loop(call: Callable[..., None]) -> Callable[..., None]:
    """Return a function that has `call` made by the event loop that runs now, from whatever thread it is called.

    Without a running loop, as in a script, nobody looks at widgets and nothing is called.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda *_: None

    def later(*arguments: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call, *arguments)

    return later
