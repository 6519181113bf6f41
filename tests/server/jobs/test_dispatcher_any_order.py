"""Whatever happens in whatever order, every job ends once, and its row agrees."""

import asyncio

from dispatching import Coroutines, Table, finish_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL

from relaylib.server.database import migrate
from relaylib.server.jobs.executor import TaskFailedError, WorkerDiedError

N_JOBS = 6

endings = st.lists(st.sampled_from(["result", "failure", "death"]), max_size=30)
events = st.lists(
    st.tuples(
        st.sampled_from(["cancel", "add", "expire", "restart", "pause"]),
        st.integers(0, N_JOBS - 1),
        st.sampled_from([0.0, 0.002, 0.02]),
    ),
    max_size=15,
)


async def finish_every(table, dispatchers):
    """Wait until every job has ended: what one gives back when it idles may come after the other was asked."""
    while not set(await table.states()) <= {"done", "failed", "cancelled"}:
        for dispatcher in dispatchers:
            await finish_all(dispatcher, 60)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(endings=endings, events=events)
def test_every_job_ends_once_and_its_row_agrees(tmp_path_factory, endings, events):
    url = URL.create("sqlite+aiosqlite", database=str(tmp_path_factory.mktemp("any") / "relay.sqlite3"))
    migrate(url)
    to_come = iter(endings)

    async def work(key, on_progress):
        await asyncio.sleep(0.01)
        ending = next(to_come, "result")
        if ending == "failure":
            raise TaskFailedError("no")
        if ending == "death":
            raise WorkerDiedError("the worker was killed")

    async def scenario():
        table, executor = Table(url), Coroutines(work)
        dispatchers = {owner: table.dispatcher(executor, owner=owner, poll_s=0.02) for owner in "ab"}
        subjects = await table.fill(N_JOBS // 2)
        for dispatcher in dispatchers.values():
            await dispatcher.start()
        called_off = set()
        for event, i, pause_s in events:
            subject = subjects[i % len(subjects)]
            if event == "cancel" and await table.cancel(subject):
                called_off.add(subject)
            elif event == "add" and len(subjects) < N_JOBS:
                subjects += await table.fill(1)
            elif event == "expire":
                await table.expire(subject)
            elif event == "restart":
                await dispatchers["a"].close()
                dispatchers["a"] = table.dispatcher(executor, owner="a", poll_s=0.02)
                await dispatchers["a"].start()
            await asyncio.sleep(pause_s)
        for dispatcher in dispatchers.values():
            await finish_all(dispatcher, 60)
        for dispatcher in dispatchers.values():
            await dispatcher.close()
        ended = [
            (
                subject in called_off,
                await table.job(subject),
                await table.training(subject),
                await table.n_models(subject),
            )
            for subject in subjects
        ]
        await table.db.close()
        return ended

    for was_called_off, job, training, n_models in asyncio.run(scenario()):
        assert (job.lease_token, job.lease_owner, job.lease_expires_at) == (None, None, None)
        assert (job.state, training.status, n_models) in {
            ("cancelled", "cancelled", 0),
            ("done", "completed", 1),
            ("failed", "failed", 0),
        }
        assert was_called_off == (job.state == "cancelled")
        assert job.attempts <= 3
