"""Who works on a job, and until when: taken, renewed, given back, and proven before anything is kept.

Each time a job is taken it gets a new token. Whoever holds another one has lost the job and writes nothing, so it
does not matter how long a server that was thought dead goes on. Leases go by the clock of the database, so neither does
it matter whose own clock is right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, cast
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, CursorResult, DateTime, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.errors import RelayError
from relaylib.server.database.tables import JobRow

__all__ = [
    "JobCancelledError",
    "Lease",
    "LeaseLostError",
    "check",
    "claim",
    "expired",
    "finish",
    "held",
    "is_due",
    "note_progress",
    "release",
    "renew",
    "requeue",
]


class LeaseLostError(RelayError):
    """The job is another's by now, or over, or gone; nothing may be kept of what was done for it."""


class JobCancelledError(RelayError):
    """The job is held, but has been called off."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A job in the hands of `owner`; `attempts` and `progress` are those of the time when it was taken.

    `asked_at` is when the job was asked for.
    """

    job_id: UUID
    kind: str
    subject_id: UUID
    owner: str
    token: UUID
    attempts: int
    progress: float
    asked_at: datetime


def is_due(session: AsyncSession) -> ColumnElement[bool]:
    """Return the condition that a queued job may be taken now; until then it pauses, see :func:`requeue`."""
    return or_(JobRow.lease_expires_at.is_(None), JobRow.lease_expires_at <= _in(session, 0.0))


async def claim(
    session: AsyncSession, *, owner: str, lease_s: float, limits: Collection[tuple[Collection[str], int]]
) -> list[Lease]:
    """Take jobs in the order of their priority and age.

    Parameters
    ----------
    limits : collection of (kinds, n_places)
        Each group of kinds, with the place from which on its jobs are left: ``n_places`` 2 means that one is
        taken as the first or second of all, not as the third.
    """
    rows: list[tuple[JobRow, int]] = []
    for kinds, n_places in limits:
        if kinds and n_places > 0:
            query = select(JobRow).where(JobRow.state == "queued", JobRow.kind.in_(kinds), is_due(session))
            query = query.order_by(JobRow.priority, JobRow.created_at, JobRow.id).limit(n_places)
            rows += [(row, n_places) for row in await session.scalars(query.with_for_update(skip_locked=True))]
    rows.sort(key=lambda pair: (pair[0].priority, pair[0].created_at, pair[0].id))
    taken: list[Lease] = []
    for row, n_places in rows:
        if len(taken) < n_places:
            row.state, row.lease_owner, row.lease_token = "running", owner, uuid4()
            row.lease_expires_at = _in(session, lease_s)
            taken.append(_lease(row))
    return taken


async def held(session: AsyncSession, leases: Collection[Lease]) -> dict[UUID, bool]:
    """Return the tokens of those that still hold, each with whether the job has been called off."""
    query = select(JobRow.lease_token, JobRow.cancel_requested)
    rows = await session.execute(query.where(JobRow.lease_token.in_([lease.token for lease in leases])))
    return {token: cancelled for token, cancelled in rows if token is not None}


async def renew(session: AsyncSession, leases: Collection[Lease], *, lease_s: float) -> set[UUID]:
    """Make them last for another `lease_s`; return the tokens of those that still hold."""
    tokens = [lease.token for lease in leases]
    query = select(JobRow.lease_token).where(JobRow.lease_token.in_(tokens)).order_by(JobRow.subject_id)
    still = {token for token in await session.scalars(query.with_for_update()) if token is not None}
    await session.execute(_update(JobRow.lease_token.in_(still)).values(lease_expires_at=_in(session, lease_s)))
    return still


async def expired(session: AsyncSession, kinds: Collection[str]) -> list[Lease]:
    """Return the leases that were not renewed in time: their holders are dead, or cut off."""
    is_late = JobRow.lease_expires_at < _in(session, 0.0)
    query = select(JobRow).where(JobRow.state == "running", JobRow.kind.in_(kinds), is_late)
    return [_lease(row) for row in await session.scalars(query)]


async def release(session: AsyncSession, owner: str) -> int:
    """Put back whatever `owner` holds, as if it had never been taken; return how many jobs that were."""
    state = case((JobRow.cancel_requested, "cancelled"), else_="queued")
    result = await session.execute(
        _update(JobRow.state == "running", JobRow.lease_owner == owner).values(state=state, **_FREE)
    )
    return cast("CursorResult[Any]", result).rowcount


async def check(session: AsyncSession, lease: Lease) -> None:
    """Make sure that the lease holds, without locking the job.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    cancelled = (await held(session, [lease])).get(lease.token)
    if cancelled is None:
        raise LeaseLostError
    if cancelled:
        raise JobCancelledError


async def note_progress(session: AsyncSession, lease: Lease, fraction: float) -> None:
    """Note how far the job is; like all that follow, it locks the job, so it comes last in its transaction.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    await _keep(session, lease, progress=fraction)


async def finish(
    session: AsyncSession, lease: Lease, state: str, *, attempts: int | None = None, error: str | None = None
) -> None:
    """End the job as ``done``, ``failed`` or ``cancelled``; only the last is possible once it was called off.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    values = {"progress": 1.0} if state == "done" else {}
    attempts = lease.attempts if attempts is None else attempts
    await _keep(session, lease, state=state, attempts=attempts, error=error, **values, **_FREE)


async def requeue(session: AsyncSession, lease: Lease, *, attempts: int, pause_s: float = 0.0) -> None:
    """Put the job back into its place in the queue, to be taken in `pause_s` at the earliest.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    not_before = _in(session, pause_s) if pause_s else None
    await _keep(session, lease, state="queued", attempts=attempts, **{**_FREE, "lease_expires_at": not_before})


_FREE = {"lease_owner": None, "lease_token": None, "lease_expires_at": None}


async def _keep(session: AsyncSession, lease: Lease, **values: Any) -> None:
    """Change the job if the lease holds; after an error the caller's transaction must not be committed."""
    await session.flush()
    holds = [JobRow.id == lease.job_id, JobRow.lease_token == lease.token, JobRow.state == "running"]
    if values.get("state") != "cancelled":
        holds.append(JobRow.cancel_requested.is_(False))
    result = cast("CursorResult[Any]", await session.execute(_update(*holds).values(**values)))
    if result.rowcount == 0:
        await check(session, lease)
        raise LeaseLostError


def _update(*conditions: ColumnElement[bool]) -> Any:
    return update(JobRow).where(*conditions).execution_options(synchronize_session=False)


def _lease(row: JobRow) -> Lease:
    assert row.lease_owner is not None
    assert row.lease_token is not None
    return Lease(
        job_id=row.id,
        kind=row.kind,
        subject_id=row.subject_id,
        owner=row.lease_owner,
        token=row.lease_token,
        attempts=row.attempts,
        progress=row.progress,
        asked_at=row.created_at,
    )


def _in(session: AsyncSession, seconds: float) -> Any:
    """Return the time in so many seconds, by a clock that all who share the database have in common."""
    if session.get_bind().dialect.name == "postgresql":
        return func.clock_timestamp(type_=DateTime(timezone=True)) + timedelta(seconds=seconds)
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)
