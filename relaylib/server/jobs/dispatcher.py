"""The dispatcher: takes jobs from the table, has them done, and sees to those of servers that died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select

from relaylib.server.database import Database
from relaylib.server.database.tables import JobRow
from relaylib.server.jobs import leases
from relaylib.server.jobs.executor import Executor
from relaylib.server.jobs.kind import JobKind
from relaylib.server.jobs.leases import JobCancelledError, Lease, LeaseLostError
from relaylib.server.jobs.patience import HICCUPS, pauses, yielding
from relaylib.server.jobs.run import Run, Stop, retry_or_fail
from relaylib.server.jobs.waiting import WaitingRoom

__all__ = ["Dispatcher"]

_log = logging.getLogger(__name__)

_LAST_ROUND_S = 10.0


class Dispatcher:
    """Keeps the slots of an executor busy with the jobs of one table; other servers may do so on the same table.

    The executor is started and closed by who made it; close it after the dispatcher.

    Parameters
    ----------
    db : Database
    executor : Executor
    kinds : iterable of JobKind
        Jobs of other kinds are left alone.
    owner : str
        A name of at most 64 characters that stays the same from start to start, and that no other server has which
        runs at the same time: what it holds at the start was left by a server that was killed.
    lease_s : float > 0
        After how long without a sign of life a server counts as dead.
    poll_s : float > 0
        How often to look for work, and for work that has been called off, if nothing calls :meth:`wake`.

    Attributes
    ----------
    idle : asyncio.Event
        Set while there is nothing to do.
    """

    def __init__(
        self,
        db: Database,
        executor: Executor,
        kinds: Iterable[JobKind],
        *,
        owner: str,
        lease_s: float = 30.0,
        poll_s: float = 1.0,
    ) -> None:
        self.idle = asyncio.Event()
        self._db, self._executor = db, executor
        self._kinds = {kind.name: kind for kind in kinds}
        self._short = [name for name, kind in self._kinds.items() if not kind.is_long]
        self._long = [name for name, kind in self._kinds.items() if kind.is_long]
        self._owner, self._lease_s, self._poll_s = owner, lease_s, poll_s
        self._waiting = WaitingRoom(db, self._kinds)
        self._runs: dict[UUID, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken, self._closing = asyncio.Event(), asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Take back what this owner's last server held, and begin."""
        n_left = await self._release()
        if n_left:
            _log.info("%d jobs that the last server left are resumed", n_left)
        self._loops = [asyncio.create_task(self._serve()), asyncio.create_task(self._renew())]

    def wake(self) -> None:
        """Look for jobs added or called off now, not at the next turn; for the event loop's thread."""
        self.idle.clear()
        self._woken.set()

    async def close(self) -> None:
        """Take no more jobs, stop those that run, and put them back to be resumed; returns when all is still."""
        self._closing.set()
        self._woken.set()
        if self._loops:
            await asyncio.wait(self._loops[:1], timeout=_LAST_ROUND_S)
        for run in self._runs.values():
            run.stop(Stop.CLOSING)
        await asyncio.gather(*self._tasks)
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        try:
            await self._release()
        except HICCUPS as exc:
            _log.warning("jobs are put back at the next start, since the database does not answer: %s", exc)

    async def _release(self) -> int:
        async with self._db.write() as session:
            return await leases.release(session, self._owner)

    async def _serve(self) -> None:
        """Take turns until the end, whatever happens in one of them."""
        trouble = pauses()
        while not self._closing.is_set():
            self._woken.clear()
            try:
                await self._turn()
            except HICCUPS as exc:
                pause_s = next(trouble)
                _log.warning("the database is tried again in %g s: %s", pause_s, exc)
                await _until(self._closing, pause_s)
            except Exception:
                pause_s = next(trouble)
                _log.exception("a mistake of the server's own; jobs are looked for again in %g s", pause_s)
                await _until(self._closing, pause_s)
            else:
                trouble = pauses()
                await _until(self._woken, self._poll_s)

    async def _turn(self) -> None:
        """Look once at what was called off, what is to be done, what died elsewhere and what has to wait."""
        runs = list(self._runs.values())
        async with self._db.read() as session:
            held = await leases.held(session, [run.lease for run in runs])
            expired = await leases.expired(session, self._kinds)
            queued = select(JobRow.id).where(JobRow.state == "queued", JobRow.kind.in_(self._kinds))
            some_wait = await session.scalar(select(queued.exists()))
            some_may_start = await session.scalar(select(queued.where(leases.is_due(session)).exists()))
        for run in runs:
            if held.get(run.lease.token, True):
                run.stop(Stop.CANCELLED if run.lease.token in held else Stop.LOST)
        if some_may_start:
            await self._claim()
        for lease in expired:
            if lease.token not in self._runs:
                await self._recover(lease)
        if some_wait and await self._waiting.tell():
            self._woken.set()
        if not (some_wait or expired or self._runs or self._woken.is_set()):
            self.idle.set()

    async def _claim(self) -> None:
        """Take as many jobs as there are free slots; the last one is never for long work, unless it is the only one."""
        n_slots = self._executor.slots
        n_free = n_slots - len(self._runs)
        limits = [(self._short, n_free), (self._long, n_free - (n_slots > 1))]
        until = asyncio.get_running_loop().time() + self._lease_s
        async with yielding(self._db) as session:
            taken = await leases.claim(session, owner=self._owner, lease_s=self._lease_s, limits=limits)
        for lease in taken:
            self.idle.clear()
            run = Run(self._db, self._executor, self._kinds[lease.kind], lease, lease_s=self._lease_s)
            run.renewed(until)
            self._runs[lease.token] = run
            task = asyncio.create_task(self._go(run))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _go(self, run: Run) -> None:
        try:
            await run.go()
        finally:
            del self._runs[run.lease.token]
            self.wake()

    async def _recover(self, lease: Lease) -> None:
        """See to a job whose holder gave no sign of life: it counts as a try, unless it was this server's own."""
        _log.warning("%s %s: its lease of %s has expired", lease.kind, lease.subject_id, lease.owner)
        try:
            async with yielding(self._db) as session:
                if lease.owner == self._owner:
                    await leases.requeue(session, lease, attempts=lease.attempts)
                else:
                    await retry_or_fail(
                        session, self._kinds[lease.kind], lease, "the server that worked on it went away"
                    )
        except JobCancelledError:
            async with yielding(self._db) as session:
                await leases.finish(session, lease, "cancelled")
        except LeaseLostError:
            _log.info("%s %s was seen to by another server", lease.kind, lease.subject_id)
        except HICCUPS:
            raise
        except Exception:
            _log.exception("%s %s: a mistake of the server's own", lease.kind, lease.subject_id)
            async with yielding(self._db) as session:
                await leases.finish(session, lease, "failed", error="internal error")
        self._woken.set()

    async def _renew(self) -> None:
        """Give a sign of life three times in a lease, more often while the database is away."""
        loop = asyncio.get_running_loop()
        pause_s = self._lease_s / 3
        while True:
            await asyncio.sleep(pause_s)
            pause_s = self._lease_s / 15
            runs, until = list(self._runs.values()), loop.time() + self._lease_s
            try:
                if runs:
                    async with yielding(self._db) as session:
                        still = await leases.renew(session, [run.lease for run in runs], lease_s=self._lease_s)
                    for run in runs:
                        if run.lease.token in still and run.lease.token in self._runs:
                            run.renewed(until)
                pause_s = self._lease_s / 3
            except HICCUPS as exc:
                _log.warning("leases could not be renewed: %s", exc)
            except Exception:
                _log.exception("leases could not be renewed by a mistake of the server's own")


async def _until(event: asyncio.Event, timeout_s: float) -> None:
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), timeout_s)
