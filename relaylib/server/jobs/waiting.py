"""Telling the kinds which of their jobs have to wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from uuid import UUID

from sqlalchemy import select

from relaylib.server.database import Database
from relaylib.server.database.tables import JobRow
from relaylib.server.jobs.kind import JobKind
from relaylib.server.jobs.patience import HICCUPS, yielding

__all__ = ["WaitingRoom"]

_log = logging.getLogger(__name__)

_AT_ONCE = 100
_OVERLAP = timedelta(seconds=60)  # a transaction may take that long to become visible after it dated its jobs


class WaitingRoom:
    """Knows which jobs have been told already; after a start each one that waits is told anew."""

    def __init__(self, db: Database, kinds: Mapping[str, JobKind]) -> None:
        self._db, self._kinds = db, kinds
        self._seen_until: datetime | None = None
        self._told: dict[tuple[UUID, datetime], None] = {}

    async def tell(self) -> bool:
        """Call `waiting` for jobs that are queued and have not been told yet; return whether there are more."""
        now = datetime.now(timezone.utc)
        query = select(JobRow.id, JobRow.created_at).where(JobRow.state == "queued", JobRow.kind.in_(self._kinds))
        if self._seen_until is not None:
            query = query.where(JobRow.created_at >= self._seen_until - _OVERLAP)
        async with self._db.read() as session:
            found = [(job_id, created_at) for job_id, created_at in await session.execute(query)]
        new = [key for key in found if key not in self._told]
        if new:
            await self._tell([job_id for job_id, _ in new[:_AT_ONCE]])
            self._told.update(dict.fromkeys(new[:_AT_ONCE]))
        if len(new) > _AT_ONCE:
            return True
        self._seen_until = now
        self._told = {key: None for key in self._told if key[1] >= now - _OVERLAP}
        return False

    async def _tell(self, job_ids: list[UUID]) -> None:
        try:
            async with yielding(self._db) as session:
                query = select(JobRow).where(JobRow.id.in_(job_ids), JobRow.state == "queued")
                for row in await session.scalars(query.with_for_update(skip_locked=True)):
                    await self._kinds[row.kind].waiting(session, row.subject_id)
        except HICCUPS:
            raise
        except Exception:
            _log.exception("jobs that wait could not be marked so")
