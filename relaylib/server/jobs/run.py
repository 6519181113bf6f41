"""One job on its way: from its lease to what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from enum import Enum
from functools import partial
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database import Database
from relaylib.server.jobs import leases
from relaylib.server.jobs.executor import Executor, StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.kind import JobKind
from relaylib.server.jobs.leases import JobCancelledError, Lease, LeaseLostError
from relaylib.server.jobs.notes import Notes
from relaylib.server.jobs.patience import HICCUPS, pauses, yielding
from relaylib.server.jobs.tasks import Result, Task

__all__ = ["Run", "Stop", "put_off", "retry_or_fail"]

_log = logging.getLogger(__name__)

_PAUSES_S = (0.5, 2.0)  # before the second and the third try
_OUTAGE_S = 8 * 3600.0
_OUTAGE_PAUSES_S = (2.0, 300.0)  # at least, at most
_NOTES_EVERY_S = 0.35
_CLOSING_S = 5.0

T = TypeVar("T")
Step = Callable[[], Awaitable[None]]


class Stop(Enum):
    """Why work is stopped before it is over."""

    CANCELLED = "called off"
    LOST = "taken by another"
    LATE = "the lease could not be renewed"
    CLOSING = "the server is stopping"
    BROKEN = "its progress could not be noted"


async def retry_or_fail(session: AsyncSession, kind: JobKind, lease: Lease, how: str) -> None:
    """Count a worker that died of the job: twice it goes back to the queue, the third time it has failed.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    await leases.check(session, lease)
    attempts = lease.attempts + 1
    if attempts <= len(_PAUSES_S):
        await leases.requeue(session, lease, attempts=attempts, pause_s=_PAUSES_S[attempts - 1])
        return
    reason = f"given up after it was tried three times; the last time {how}"
    await kind.failed(session, lease.subject_id, reason)
    await leases.finish(session, lease, "failed", attempts=attempts, error=reason)


async def put_off(session: AsyncSession, kind: JobKind, lease: Lease, how: str) -> None:
    """Put back a job that needs a storage which is away, and let it pause longer and longer.

    For eight hours after it was asked for that counts as no try.

    Raises
    ------
    LeaseLostError, JobCancelledError
    """
    age_s = (datetime.now(timezone.utc) - lease.asked_at).total_seconds()
    if age_s > _OUTAGE_S:
        await retry_or_fail(session, kind, lease, how)
        return
    least_s, most_s = _OUTAGE_PAUSES_S
    await leases.requeue(session, lease, attempts=lease.attempts, pause_s=min(max(least_s, age_s / 4), most_s))


class Run:
    """A job that has been taken; :meth:`go` brings it to an end, of whatever kind.

    What it writes is kept only if the lease holds when the transaction ends, see `leases`. While the database is
    away it tries again and again; the work goes on meanwhile, until the lease is about to expire.

    Parameters
    ----------
    lease_s : float > 0
        How long a lease lasts; the work is stopped when a sixth of that is left.
    """

    def __init__(self, db: Database, executor: Executor, kind: JobKind, lease: Lease, *, lease_s: float) -> None:
        self.lease = lease
        self._name = f"{lease.kind} {lease.subject_id}"
        self._db, self._executor, self._kind = db, executor, kind
        self._margin_s = lease_s / 6
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Future[Result] | None = None
        self._over = asyncio.Event()
        self._stop: Stop | None = None
        self._gives_up_at: float | None = None
        self._notes = Notes(lease.progress)

    def renewed(self, until: float) -> None:
        """Take note that the lease lasts until that time of the event loop."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(until - self._margin_s, self.stop, Stop.LATE)

    def stop(self, why: Stop) -> None:
        """Stop the work, for the first reason given; :meth:`go` then sees what becomes of the job."""
        if why is Stop.CLOSING:
            self._gives_up_at = asyncio.get_running_loop().time() + _CLOSING_S
        if self._stop is None:
            self._stop = why
            if self._work is not None and not self._work.done():
                _log.info("%s is stopped: %s", self._name, why.value)
                self._work.cancel()

    async def go(self) -> None:
        """Do the job and write down what came of it; errors go to the log."""
        step: Step | None = self._do
        try:
            while step is not None:
                step = await self._take(step)
        finally:
            if self._timer is not None:
                self._timer.cancel()

    async def _take(self, step: Step) -> Step | None:
        """Take a step; return the one that has to follow if it did not go as it should."""
        try:
            await step()
        except JobCancelledError:
            return self._call_off
        except LeaseLostError:
            _log.info("%s is not ours any more; nothing that was done for it is kept", self._name)
        except HICCUPS as exc:
            _log.warning("%s is left to the next start, since the database does not answer: %s", self._name, exc)
        except Exception:
            _log.exception("%s: a mistake of the server's own", self._name)
            following: dict[Step, Step] = {self._do: self._break_off, self._break_off: self._bury}
            return following.get(step)
        return None

    async def _do(self) -> None:
        task = await self._save(self._begin)
        if task is None:
            return
        noting = asyncio.create_task(self._write_notes())
        self._work = asyncio.ensure_future(self._executor.run(task, self._notes.add))
        if self._stop is not None:
            self._work.cancel()
        try:
            await asyncio.wait({self._work})
        finally:
            self._work.cancel()
            self._over.set()
        await noting
        await self._save(self._ending(task, self._work))

    async def _call_off(self) -> None:
        await self._save(partial(leases.finish, lease=self.lease, state="cancelled"))

    async def _break_off(self) -> None:
        self._notes.take()  # they may be the mistake
        await self._save(partial(self._failed, reason="internal error"))

    async def _bury(self) -> None:
        await self._save(partial(leases.finish, lease=self.lease, state="failed", error="internal error"))

    async def _save(self, change: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Make a change in a transaction of its own, again and again while the database is away."""
        for pause_s in pauses():
            try:
                async with yielding(self._db) as session:
                    return await change(session)
            except HICCUPS as exc:
                if self._gives_up_at is not None and asyncio.get_running_loop().time() > self._gives_up_at:
                    raise
                _log.warning("%s: the database is tried again in %g s: %s", self._name, pause_s, exc)
            await asyncio.sleep(pause_s)
        raise AssertionError("the pauses have no end")

    async def _begin(self, session: AsyncSession) -> Task | None:
        await leases.check(session, self.lease)
        task = await self._kind.task(session, self.lease.subject_id)
        if task is None:
            await leases.finish(session, self.lease, "cancelled")
        else:
            await leases.note_progress(session, self.lease, self._notes.fraction)
        return task

    def _ending(self, task: Task, work: asyncio.Future[Result]) -> Callable[[AsyncSession], Awaitable[None]]:
        """Return the change that fits how the work ended; whether it still may be made, the lease will tell."""
        retry = retry_or_fail
        try:
            return partial(self._finished, task=task, result=work.result())
        except TaskFailedError as exc:
            return partial(self._failed, reason=str(exc))
        except asyncio.CancelledError:
            how = "the work was interrupted"
        except WorkerDiedError as exc:
            how = str(exc)
        except StorageAwayError as exc:
            how, retry = str(exc), put_off
        except Exception as exc:
            if self._stop is None:
                raise
            how = repr(exc)
        if self._stop is None:
            _log.warning("%s: %s", self._name, how)
            return partial(retry, kind=self._kind, lease=self.lease, how=how)
        if self._stop is Stop.CANCELLED:
            raise JobCancelledError
        if self._stop is Stop.BROKEN:
            return partial(self._failed, reason="internal error")
        return partial(leases.requeue, lease=self.lease, attempts=self.lease.attempts)

    async def _finished(self, session: AsyncSession, task: Task, result: Result) -> None:
        await self._tell_rest(session)
        await self._kind.finished(session, self.lease.subject_id, task, result)
        await leases.finish(session, self.lease, "done")

    async def _failed(self, session: AsyncSession, reason: str) -> None:
        await self._tell_rest(session)
        await self._kind.failed(session, self.lease.subject_id, reason)
        await leases.finish(session, self.lease, "failed", error=reason)

    async def _tell_rest(self, session: AsyncSession) -> None:
        """Tell of the progress that was heard last, in the transaction of the ending."""
        await leases.check(session, self.lease)
        notes = self._notes.take()
        self._notes.put_back(notes)  # for another try, if this one comes to nothing
        if notes:
            await self._kind.progressed(session, self.lease.subject_id, notes)

    async def _write_notes(self) -> None:
        """Write progress while the work goes on."""
        while not self._over.is_set():
            notes, fraction = self._notes.take(), self._notes.fraction
            if notes:
                try:
                    async with yielding(self._db) as session:
                        await leases.check(session, self.lease)
                        await self._kind.progressed(session, self.lease.subject_id, notes)
                        await leases.note_progress(session, self.lease, fraction)
                except HICCUPS as exc:
                    _log.warning("%s: progress is noted later: %s", self._name, exc)
                    self._notes.put_back(notes)
                except LeaseLostError:
                    return self.stop(Stop.LOST)
                except JobCancelledError:
                    return self.stop(Stop.CANCELLED)
                except Exception:
                    _log.exception("%s: a mistake of the server's own while it noted progress", self._name)
                    return self.stop(Stop.BROKEN)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._over.wait(), _NOTES_EVERY_S)
        return None
