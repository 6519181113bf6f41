"""The queue as the areas use it: jobs are added and cancelled in the transaction that changes what they are about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timezone
from uuid import UUID

from sqlalchemy import case, delete, null, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import JobRow

__all__ = ["add", "cancel", "forget"]

_CHUNK = 500  # ids in one statement

# Locks are taken in one order everywhere, first the rows that a job is about, then the job: hence the flushes here.


async def add(session: AsyncSession, *, kind: str, subject_id: UUID, tenant_id: UUID, priority: int = 0) -> None:
    """Ask for work; nothing happens if it is waiting or running already.

    A job that is over is done again, and so is one that is about to be cancelled. Wake the dispatcher after the
    commit.
    """
    await session.flush()
    now = datetime.now(timezone.utc)
    asked = {
        "state": "queued",
        "priority": priority,
        "attempts": 0,
        "progress": 0.0,
        "cancel_requested": False,
        "lease_owner": None,
        "lease_token": None,
        "lease_expires_at": None,
        "error": None,
        "created_at": now,
        "updated_at": now,
    }
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = (sqlite.insert if is_sqlite else postgresql.insert)(JobRow)
    await session.execute(
        insert.values(kind=kind, subject_id=subject_id, tenant_id=tenant_id, **asked).on_conflict_do_update(
            index_elements=[JobRow.kind, JobRow.subject_id],
            set_=asked,
            where=or_(JobRow.state.not_in(["queued", "running"]), JobRow.cancel_requested),
        )
    )


async def cancel(session: AsyncSession, *, kind: str, subject_ids: Sequence[UUID]) -> None:
    """Call work off: what waits is cancelled, what runs is stopped soon and its result thrown away.

    Change the rows that the jobs are about before this call, not after it. Wake the dispatcher after the commit.
    """
    async for chunk in _locked(session, kind, subject_ids):
        await session.execute(
            update(JobRow)
            .where(JobRow.id.in_(chunk), JobRow.state.in_(["queued", "running"]))
            .values(
                state=case((JobRow.state == "queued", "cancelled"), else_=JobRow.state),
                lease_expires_at=case((JobRow.state == "queued", null()), else_=JobRow.lease_expires_at),
                cancel_requested=True,
            )
            .execution_options(synchronize_session=False)
        )


async def forget(session: AsyncSession, *, kind: str, subject_ids: Sequence[UUID]) -> None:
    """Remove the jobs of rows that are being deleted; work that runs is stopped as by :func:`cancel`."""
    async for chunk in _locked(session, kind, subject_ids):
        await session.execute(delete(JobRow).where(JobRow.id.in_(chunk)).execution_options(synchronize_session=False))


async def _locked(session: AsyncSession, kind: str, subject_ids: Sequence[UUID]) -> AsyncIterator[list[UUID]]:
    """Lock the jobs, always in the same order, and yield their ids a chunk at a time."""
    await session.flush()
    ordered = sorted(set(subject_ids))
    for start in range(0, len(ordered), _CHUNK):
        query = select(JobRow.id).where(JobRow.kind == kind, JobRow.subject_id.in_(ordered[start : start + _CHUNK]))
        yield list(await session.scalars(query.order_by(JobRow.subject_id).with_for_update()))
