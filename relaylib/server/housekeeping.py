"""What is done now and then: abandoned uploads, orphaned objects and old embeddings go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta, timezone

from sqlalchemy import select, union_all

from relaylib.models import EmbeddingCache
from relaylib.server.audio.abandoned import discard_abandoned as discard_audio
from relaylib.server.context import Context
from relaylib.server.database.tables import AudioFileRow, InferenceFileRow, ModelRow, TenantRow
from relaylib.server.inference.abandoned import discard_abandoned as discard_files
from relaylib.server.objects.keys import tenant_prefixes
from relaylib.server.objects.sweep import sweep_orphans
from relaylib.server.uploads import delete_objects

__all__ = ["Housekeeping"]

_log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(days=1)
"""Objects that no row knows are left alone for this long: a row may be on its way."""


class Housekeeping:
    """Looks after the database, the store and the cache while the server runs.

    Parameters
    ----------
    context : Context
    every_s : float
        Time between two rounds.
    """

    def __init__(self, context: Context, *, every_s: float = 600.0) -> None:
        self._context = context
        self._every_s = every_s

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            await self.once(datetime.now(timezone.utc))
            await asyncio.sleep(self._every_s)

    async def once(self, now: datetime) -> None:
        """Remove uploads that were never confirmed, objects that nothing refers to, and embeddings beyond the limit.

        What fails is logged and tried again in the next round; it keeps nothing else from being done.
        """
        tasks: dict[str, Callable[[datetime], Awaitable[int]]] = {
            "abandoned uploads": self._discard_abandoned,
            "orphans": self._sweep_orphans,
            "embeddings": self._prune_embeddings,
        }
        for what, remove in tasks.items():
            try:
                n_removed = await remove(now)
            except Exception:
                _log.exception("%s could not be removed; the next try is in %g s", what, self._every_s)
                continue
            if n_removed:
                _log.info("removed %d %s", n_removed, what)

    async def _discard_abandoned(self, now: datetime) -> int:
        async with self._context.db.write() as session:
            keys = [*await discard_audio(session, now), *await discard_files(session, now)]
        await delete_objects(self._context, keys)
        return len(keys)

    async def _sweep_orphans(self, now: datetime) -> int:
        mine = await self._prefixes()
        return len(await sweep_orphans(self._context.store, mine, self._known, older_than=ORPHAN_AGE, now=now))

    async def _prune_embeddings(self, _: datetime) -> int:
        settings = self._context.settings
        cache = EmbeddingCache(settings.embeddings_dir)
        return await asyncio.to_thread(cache.prune, max_bytes=settings.cache_bytes)

    async def _prefixes(self) -> list[str]:
        """Return how the keys of this database's objects begin: others may keep theirs in the same store."""
        async with self._context.db.read() as session:
            tenant_ids = (await session.scalars(select(TenantRow.id))).all()
        return [prefix for tenant_id in tenant_ids for prefix in tenant_prefixes(tenant_id)]

    async def _known(self, keys: Sequence[str]) -> set[str]:
        columns = (AudioFileRow.object_key, InferenceFileRow.object_key, ModelRow.object_key)
        query = union_all(*(select(column).where(column.in_(keys)) for column in columns))
        async with self._context.db.read() as session:
            return set(await session.scalars(query))
