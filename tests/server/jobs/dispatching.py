"""What the dispatcher's tests share: a kind of job on a real table, an executor of coroutines, and a server to kill.

Run as a program with a database's URL and an owner, this is a server whose work never ends.
"""

import asyncio
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, func, select, update

from relaylib.server.database import Database, database_url
from relaylib.server.database.tables import JobRow, ModelRow, TenantRow, TrainingJobRow
from relaylib.server.jobs import queue
from relaylib.server.jobs.dispatcher import Dispatcher
from relaylib.server.jobs.tasks import PrepareAudio, Prepared


class Trainings:
    """Jobs on rows of trainings; each finished one makes a model, and a second one would show."""

    def __init__(self, name="train", is_long=False):
        self.name, self.is_long = name, is_long
        self.n_waiting = 0
        self.n_writes = 0

    async def waiting(self, session, subject_id):
        self.n_waiting += 1
        await session.execute(update(TrainingJobRow).where(TrainingJobRow.id == subject_id).values(status="queued"))

    async def task(self, session, subject_id):
        row = await session.get(TrainingJobRow, subject_id, with_for_update=True)
        if row is None or row.status == "cancelled":
            return None
        row.status = "training"
        return PrepareAudio(key=str(subject_id))

    async def progressed(self, session, subject_id, progress):
        self.n_writes += 1
        row = await session.get(TrainingJobRow, subject_id, with_for_update=True)
        row.history = [*row.history, *({"fraction": note.fraction, "stage": note.stage} for note in progress)]
        row.progress_percent = 100 * progress[-1].fraction

    async def finished(self, session, subject_id, task, result):
        row = await session.get(TrainingJobRow, subject_id, with_for_update=True)
        if row.status == "cancelled":
            return
        row.status = "completed"
        model = ModelRow(
            tenant_id=row.tenant_id,
            training_job_id=subject_id,
            artifact_types=[],
            eval_metrics={},
            object_key=f"{subject_id}/{result.duration_ms}",
        )
        session.add(model)

    async def failed(self, session, subject_id, reason):
        row = await session.get(TrainingJobRow, subject_id, with_for_update=True)
        row.status, row.error_message = "failed", reason


class Coroutines:
    """An executor whose work is a coroutine function of the task's key and a listener."""

    def __init__(self, work, slots=2):
        self.slots = slots
        self.started, self.ended = [], []
        self.n_running = self.most_running = 0
        self._work = work

    async def start(self):
        pass

    async def run(self, task, on_progress):
        self.started.append(task.key)
        self.n_running += 1
        self.most_running = max(self.most_running, self.n_running)
        try:
            return Prepared(await self._work(task.key, on_progress) or 0)
        finally:
            self.n_running -= 1
            self.ended.append(task.key)

    async def close(self):
        pass


class Table:
    """The database of a scenario, with a tenant."""

    def __init__(self, url):
        self.db = Database(url)
        self.tenant_id = None

    async def fill(self, n_jobs, kind="train"):
        """Add trainings and their jobs; return their ids."""
        async with self.db.write() as session:
            if self.tenant_id is None:
                tenant = TenantRow(name="one")
                session.add(tenant)
                await session.flush()
                self.tenant_id = tenant.id
            rows = [
                TrainingJobRow(
                    tenant_id=self.tenant_id, dataset_id=UUID(int=1), annotation_set_id=UUID(int=2), config={}
                )
                for _ in range(n_jobs)
            ]
            session.add_all(rows)
            await session.flush()
            for row in rows:
                await queue.add(session, kind=kind, subject_id=row.id, tenant_id=self.tenant_id)
        return [row.id for row in rows]

    async def cancel(self, subject_id, kind="train"):
        """Cancel as a service does; return whether the training was still to be cancelled."""
        async with self.db.write() as session:
            row = await session.get(TrainingJobRow, subject_id, with_for_update=True)
            if row.status in {"completed", "failed", "cancelled"}:
                return False
            row.status = "cancelled"
            await queue.cancel(session, kind=kind, subject_ids=[subject_id])
            return True

    async def remove(self, subject_id):
        async with self.db.write() as session:
            await session.execute(delete(TrainingJobRow).where(TrainingJobRow.id == subject_id))

    async def job(self, subject_id):
        async with self.db.read() as session:
            return (await session.scalars(select(JobRow).where(JobRow.subject_id == subject_id))).one()

    async def training(self, subject_id):
        async with self.db.read() as session:
            return await session.get(TrainingJobRow, subject_id)

    async def states(self):
        """Return how many jobs are in each state."""
        async with self.db.read() as session:
            rows = await session.execute(select(JobRow.state, func.count()).group_by(JobRow.state))
            return {state: count for state, count in rows}  # noqa: C416 - rows are no pairs for dict()

    async def n_models(self, subject_id=None):
        query = select(func.count()).select_from(ModelRow)
        if subject_id is not None:
            query = query.where(ModelRow.training_job_id == subject_id)
        async with self.db.read() as session:
            return await session.scalar(query)

    async def change_jobs(self, **values):
        async with self.db.write() as session:
            await session.execute(update(JobRow).values(**values))

    async def expire(self, subject_id):
        """Let a lease expire, if there is one."""
        long_ago = datetime.now(timezone.utc) - timedelta(hours=1)
        async with self.db.write() as session:
            held = (JobRow.subject_id == subject_id, JobRow.lease_token.is_not(None))
            await session.execute(update(JobRow).where(*held).values(lease_expires_at=long_ago))

    def dispatcher(self, executor, *kinds, owner="a", lease_s=30.0, poll_s=0.05):
        return Dispatcher(self.db, executor, kinds or [Trainings()], owner=owner, lease_s=lease_s, poll_s=poll_s)


async def until(condition, timeout_s=15.0):
    """Wait until a condition, which may be a coroutine function, holds."""
    deadline = time.monotonic() + timeout_s
    while True:
        held = condition()
        if await held if asyncio.iscoroutine(held) else held:
            return
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def finish_all(dispatcher, timeout_s=20.0):
    dispatcher.wake()
    await asyncio.wait_for(dispatcher.idle.wait(), timeout_s)


async def at_once(key, _):
    await asyncio.sleep(0)


async def forever(key, _):
    await asyncio.Event().wait()


async def serve(url, owner, lease_s):
    """Work until killed; say so when work has begun."""

    async def work(key, _):
        print(key, flush=True)  # noqa: T201 - the parent waits for it
        await forever(key, _)

    table = Table(database_url(url, data_dir=Path()))
    await table.dispatcher(Coroutines(work), owner=owner, lease_s=lease_s).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))
