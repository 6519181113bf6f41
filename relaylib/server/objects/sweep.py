"""Removing what nothing refers to any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta

from relaylib.server.objects.store import ObjectStore

__all__ = ["sweep_orphans"]

_BATCH = 500


async def sweep_orphans(
    store: ObjectStore,
    prefixes: Iterable[str],
    known: Callable[[Sequence[str]], Awaitable[set[str]]],
    *,
    older_than: timedelta,
    now: datetime,
) -> list[str]:
    """Delete the objects that are older than an age and not known; return their keys.

    Parameters
    ----------
    store : ObjectStore
    prefixes : iterable of str
        How the keys begin that are looked at; whatever else the store holds may be another's.
    known : coroutine function
        Gets some keys and returns those that are still referred to.
    older_than : timedelta
        Longer than an upload form lives, or an upload that nobody has confirmed yet would go.
    now : datetime with a time zone
    """
    removed: list[str] = []
    batch: list[str] = []

    async def finish_batch() -> None:
        kept = await known(batch)
        for key in batch:
            if key not in kept:
                await store.delete(key)
                removed.append(key)
        batch.clear()

    for prefix in prefixes:
        async for info in store.list(prefix):
            if now - info.modified_at > older_than:
                batch.append(info.key)
            if len(batch) >= _BATCH:
                await finish_batch()
    if batch:
        await finish_batch()
    return removed
