"""A kind of heavy work, seen from the database: what is to be done on which row, and what becomes of the row."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.jobs.tasks import Progress, Result, Task

__all__ = ["JobKind"]


class JobKind(Protocol):
    """How the rows of one area go through the work; each area that has work implements it once.

    Every method runs inside a transaction of the dispatcher, which is kept only if the job is still held, and not
    called off, when it ends. A row that is gone, or cancelled meanwhile, is left alone. Locks are taken in one order
    everywhere: the row that the job is about first, the job itself last, by the dispatcher.

    A transaction that failed halfway may be tried again, and work that was interrupted begins anew; so a method may
    be called with what it was told before.
    """

    name: str
    """As it stands in the table of jobs."""

    is_long: bool
    """Whether it takes minutes: such work never takes the last free slot where there is more than one."""

    async def waiting(self, session: AsyncSession, subject_id: UUID) -> None:
        """No slot is free for it yet."""
        ...

    async def task(self, session: AsyncSession, subject_id: UUID) -> Task | None:
        """Mark the row as being worked on and return what a worker needs; None if there is nothing to do any more."""
        ...

    async def progressed(self, session: AsyncSession, subject_id: UUID, progress: list[Progress]) -> None:
        """Note how far it is; several at once, in order, since they are written a few times a second at most."""
        ...

    async def finished(self, session: AsyncSession, subject_id: UUID, task: Task, result: Result) -> None:
        """Make the result visible."""
        ...

    async def failed(self, session: AsyncSession, subject_id: UUID, reason: str) -> None:
        """Make the failure visible."""
        ...
