"""Waiting for no longer than is bearable, even for what cannot be stopped at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["within"]

T = TypeVar("T")


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; when its time is over it is called off, and how it ends is not waited for.

    A connection to a database that has stopped answering takes longer to call off than anybody waits.

    Raises
    ------
    asyncio.TimeoutError
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_forget)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise asyncio.TimeoutError(f"no answer within {seconds:g} s")
        return task.result()
    finally:
        task.cancel()


def _forget(task: asyncio.Task[Any]) -> None:
    """Take note of an error, or asyncio complains that nobody has."""
    if not task.cancelled():
        task.exception()
