"""Servers that are killed, cut off or stopped: their jobs go on elsewhere, and nothing is done twice."""

import asyncio
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import dispatching
import psycopg
import pytest
from dispatching import Coroutines, Trainings, at_once, finish_all, forever, until
from sqlalchemy import text

from relaylib.server.jobs import leases
from relaylib.server.jobs.executor import TaskFailedError
from relaylib.server.jobs.tasks import Progress

pytestmark = pytest.mark.alone


def long_ago():
    return datetime.now(timezone.utc) - timedelta(hours=1)


def killed_server(url, owner, lease_s):
    """Start a server of its own process, wait until it works, and kill it."""
    command = [sys.executable, dispatching.__file__, url.render_as_string(hide_password=False), owner, str(lease_s)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        key = process.stdout.readline().strip()
        process.kill()
    return key


def test_a_killed_server_resumes_at_once_and_counts_no_attempt(run):
    async def scenario(table):
        (subject,) = await table.fill(1)
        key = await asyncio.to_thread(killed_server, table.db.url, "a", 3600)
        left = (await table.job(subject)).state
        dispatcher = table.dispatcher(Coroutines(at_once))
        began = time.monotonic()
        await dispatcher.start()
        await finish_all(dispatcher)
        took_s = time.monotonic() - began
        await dispatcher.close()
        job = await table.job(subject)
        return took_s, key == str(subject), left, job.state, job.attempts, await table.n_models()

    took_s, *rest = run(scenario)
    assert rest == [True, "running", "done", 0, 1]
    assert took_s < 2


def test_another_server_takes_over_when_the_lease_of_a_killed_one_expires(run):
    async def scenario(table):
        (subject,) = await table.fill(1)
        await asyncio.to_thread(killed_server, table.db.url, "a", 2)
        killed_at = time.monotonic()
        dispatcher = table.dispatcher(Coroutines(at_once), owner="b")
        await dispatcher.start()
        await until(lambda: table.n_models())
        took_s = time.monotonic() - killed_at
        await finish_all(dispatcher)
        await dispatcher.close()
        job = await table.job(subject)
        return took_s, job.state, job.attempts

    took_s, state, attempts = run(scenario)
    assert (state, attempts) == ("done", 1)
    assert took_s < 6


def test_a_job_that_outlives_three_servers_fails(run):
    async def scenario(table):
        (subject,) = await table.fill(1)
        values = {"state": "running", "lease_owner": "a", "lease_token": subject, "lease_expires_at": long_ago()}
        await table.change_jobs(attempts=2, **values)
        dispatcher = table.dispatcher(Coroutines(at_once), owner="b")
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job, training = await table.job(subject), await table.training(subject)
        return job.state, job.attempts, training.status, training.error_message

    reason = "given up after it was tried three times; the last time the server that worked on it went away"
    assert run(scenario) == ("failed", 3, "failed", reason)


def test_a_job_called_off_while_its_server_was_dead_is_cancelled(run):
    async def scenario(table):
        states = []
        for owner in "ab":
            (subject,) = await table.fill(1)
            values = {"state": "running", "lease_owner": "a", "lease_token": subject, "lease_expires_at": long_ago()}
            await table.change_jobs(**values)
            await table.cancel(subject)
            dispatcher = table.dispatcher(Coroutines(at_once), owner=owner)
            await dispatcher.start()
            await finish_all(dispatcher)
            await dispatcher.close()
            states.append((await table.job(subject)).state)
            await table.change_jobs(lease_token=None)
        return states

    assert run(scenario) == ["cancelled", "cancelled"]


@pytest.mark.parametrize("ending", ["result", "failure", "mistake", "progress"])
def test_a_server_that_lost_the_lease_writes_nothing(run, ending):
    """It was only asleep: another has done the job meanwhile, and what comes late is not seen."""

    async def scenario(table):
        goes_on, slept = asyncio.Event(), asyncio.Event()

        async def sleep_and_end(key, on_progress):
            await goes_on.wait()
            on_progress(Progress(0.9, "late"))
            if ending == "failure":
                raise TaskFailedError("late")
            if ending == "mistake":
                raise ZeroDivisionError
            if ending == "progress":
                slept.set()
                await forever(key, on_progress)
            return 666

        kind = Trainings()
        zombie = table.dispatcher(Coroutines(sleep_and_end), kind, owner="zombie", lease_s=3600, poll_s=3600)
        (subject,) = await table.fill(1)
        await zombie.start()
        await until(lambda: zombie._executor.n_running)
        await table.change_jobs(lease_expires_at=long_ago())
        heir = table.dispatcher(Coroutines(at_once), owner="heir")
        await heir.start()
        await until(lambda: table.n_models())
        await finish_all(heir)
        before = await table.training(subject)
        goes_on.set()
        await until(lambda: not zombie._runs)
        await zombie.close()
        await heir.close()
        after, job = await table.training(subject), await table.job(subject)
        return before, after, job, await table.n_models()

    before, after, job, n_models = run(scenario)
    assert (job.state, job.attempts, job.error, n_models) == ("done", 1, None, 1)
    assert (after.status, after.history, after.updated_at) == ("completed", [], before.updated_at)


def test_a_server_that_lost_the_lease_stops_its_work_soon(run):
    async def scenario(table):
        executor = Coroutines(forever)
        zombie = table.dispatcher(executor, poll_s=1.0)
        (subject,) = await table.fill(1)
        await zombie.start()
        await until(lambda: executor.n_running)
        await table.change_jobs(lease_owner="heir", lease_token=subject)
        await until(lambda: not executor.n_running, 2.0)
        await zombie.close()
        job = await table.job(subject)
        return job.state, job.lease_owner

    assert run(scenario) == ("running", "heir")


def test_leases_are_renewed_while_work_goes_on(run):
    """Another server that looks all the time finds nothing to take over."""

    async def scenario(table):
        first = table.dispatcher(Coroutines(lambda key, _: asyncio.sleep(2.5)), lease_s=0.9)
        (subject,) = await table.fill(1)
        await first.start()
        await until(lambda: first._executor.n_running)
        second = table.dispatcher(Coroutines(at_once), owner="b", lease_s=0.9)
        await second.start()
        await finish_all(first)
        await first.close()
        await second.close()
        return second._executor.started, (await table.job(subject)).attempts, await table.states()

    assert run(scenario) == ([], 0, {"done": 1})


def test_closing_puts_running_jobs_back_without_counting_an_attempt(run):
    async def scenario(table):
        executor = Coroutines(forever, slots=2)
        dispatcher = table.dispatcher(executor)
        subjects = await table.fill(3)
        await dispatcher.start()
        await until(lambda: executor.n_running == 2)
        began = time.monotonic()
        await dispatcher.close()
        took_s = time.monotonic() - began
        jobs = [await table.job(subject) for subject in subjects]
        heir = table.dispatcher(Coroutines(at_once), owner="b")
        await heir.start()
        await finish_all(heir)
        await heir.close()
        return took_s, executor.n_running, {(j.state, j.attempts, j.lease_token) for j in jobs}, await table.states()

    took_s, *rest = run(scenario)
    assert rest == [0, {("queued", 0, None)}, {"done": 3}]
    assert took_s < 2


def test_a_result_that_comes_while_closing_is_kept(run):
    async def scenario(table):
        async def finish_when_stopped(key, on_progress):
            try:
                await forever(key, on_progress)
            except asyncio.CancelledError:
                return 1

        dispatcher = table.dispatcher(Coroutines(finish_when_stopped))
        await table.fill(1)
        await dispatcher.start()
        await until(lambda: dispatcher._executor.n_running)
        await dispatcher.close()
        return await table.states(), await table.n_models()

    assert run(scenario) == ({"done": 1}, 1)


def cut_connections(url, *, allow):
    """Let PostgreSQL forget all connections of a database, and refuse new ones unless `allow`."""
    address = {"host": url.host, "port": url.port, "user": url.username, "dbname": "postgres"}
    with psycopg.connect(**address, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS {allow}")
        if not allow:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
            )


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_database_that_is_away_for_a_while_loses_no_work(run, caplog):
    """The work goes on, its result waits until the database is back."""

    async def scenario(table):
        executor = Coroutines(lambda key, _: asyncio.sleep(0.5))
        dispatcher = table.dispatcher(executor)
        await table.fill(2)
        await dispatcher.start()
        await until(lambda: executor.n_running == 2)
        await asyncio.sleep(0.2)
        cut_connections(table.db.url, allow=False)
        await until(lambda: executor.n_running == 0)
        await asyncio.sleep(1.0)
        cut_connections(table.db.url, allow=True)
        await finish_all(dispatcher)
        await dispatcher.close()
        return len(executor.started), await table.states()

    assert run(scenario) == (2, {"done": 2})
    messages = [record.getMessage() for record in caplog.records]
    assert any("is tried again" in message for message in messages)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_work_stops_before_a_lease_expires_that_cannot_be_renewed(run):
    async def scenario(table):
        stopped_at = []

        async def work(key, on_progress):
            try:
                await asyncio.sleep(5.0 if not stopped_at else 0)
            finally:
                stopped_at.append(time.monotonic())

        executor = Coroutines(work)
        dispatcher = table.dispatcher(executor, lease_s=1.5)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        await until(lambda: executor.n_running)
        expires_at = (await table.job(subject)).lease_expires_at
        cut_connections(table.db.url, allow=False)
        await until(lambda: stopped_at)
        was_early = datetime.now(timezone.utc) < expires_at + timedelta(seconds=0.6)  # renewed once perhaps
        cut_connections(table.db.url, allow=True)
        await finish_all(dispatcher)
        await dispatcher.close()
        job = await table.job(subject)
        return was_early, len(executor.started), job.state, job.attempts

    assert run(scenario) == (True, 2, "done", 0)


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_request_that_locks_in_the_wrong_order_is_not_the_one_to_fail(run):
    """The job is locked first, then the row, while the dispatcher has the row and wants the job."""

    async def scenario(table):
        executor = Coroutines(lambda key, _: asyncio.sleep(0.2))
        kind = Trainings()
        finished = kind.finished

        async def finish_slowly(session, *args):
            await finished(session, *args)
            await session.flush()
            has_row.set()
            await asyncio.sleep(0.2)

        has_row = asyncio.Event()
        kind.finished = finish_slowly
        dispatcher = table.dispatcher(executor, kind)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        async with table.db.write() as session:
            await until(lambda: executor.n_running)
            await session.execute(text("SELECT id FROM jobs FOR UPDATE"))
            await has_row.wait()
            await session.execute(text("SELECT id FROM training_jobs FOR UPDATE"))
        await finish_all(dispatcher)
        await dispatcher.close()
        return (await table.job(subject)).state, await table.n_models()

    assert run(scenario) == ("done", 1)


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("fast_by", [timedelta(hours=-1), timedelta(hours=1)])
def test_a_clock_that_is_wrong_takes_no_job_from_anybody(run, monkeypatch, fast_by):
    """Of the servers that share the database, one has another time."""

    class Wrong(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + fast_by

    async def scenario(table):
        await table.fill(1)
        async with table.db.write() as session:
            (lease,) = await leases.claim(session, owner="right", lease_s=30, limits=[(["train"], 1)])
        monkeypatch.setattr(leases, "datetime", Wrong)
        async with table.db.write() as session:
            taken = [await leases.expired(session, ["train"])]
            await leases.requeue(session, lease, attempts=0, pause_s=30)
        async with table.db.write() as session:
            taken.append(await leases.claim(session, owner="wrong", lease_s=30, limits=[(["train"], 1)]))
            await session.execute(text("UPDATE jobs SET lease_expires_at = NULL"))
        async with table.db.write() as session:
            (lease,) = await leases.claim(session, owner="wrong", lease_s=30, limits=[(["train"], 1)])
            await leases.renew(session, [lease], lease_s=30)
        monkeypatch.undo()
        async with table.db.write() as session:
            taken.append(await leases.expired(session, ["train"]))
        return taken

    assert run(scenario) == [[], [], []]


def test_jobs_taken_by_many_at_once_are_each_taken_once(run):
    """Twenty claims side by side, of a table with fewer jobs than they want."""

    async def scenario(table):
        await table.fill(50)

        async def claim(owner):
            async with table.db.write() as session:
                return await leases.claim(session, owner=owner, lease_s=60, limits=[(["train"], 5)])

        taken = await asyncio.gather(*(claim(f"owner {i}") for i in range(20)))
        return [lease.job_id for one in taken for lease in one]

    taken = run(scenario)
    assert len(taken) == len(set(taken)) == 50


@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_a_lease_lost_in_the_middle_of_the_last_transaction_undoes_it(run):
    async def scenario(table):
        kind = Trainings()
        finished = kind.finished

        async def lose_and_finish(session, *args):
            await finished(session, *args)
            await session.flush()
            await table.change_jobs(lease_owner="heir", lease_token=subject)

        kind.finished = lose_and_finish
        dispatcher = table.dispatcher(Coroutines(at_once), kind)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job = await table.job(subject)
        return job.state, job.lease_owner, (await table.training(subject)).status, await table.n_models()

    assert run(scenario) == ("running", "heir", "training", 0)
