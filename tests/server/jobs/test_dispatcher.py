"""Jobs are done once each, in order, and end as their work does."""

import asyncio
import time
from datetime import datetime, timedelta, timezone

import pytest
from dispatching import Coroutines, Trainings, at_once, finish_all, forever, until
from sqlalchemy import update

from relaylib.server.database.tables import JobRow
from relaylib.server.jobs import queue
from relaylib.server.jobs import run as running
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.tasks import Prepared, Progress

pytestmark = pytest.mark.alone


def test_two_dispatchers_do_each_of_two_hundred_jobs_once(run):
    async def scenario(table):
        await table.fill(200)
        executors = [Coroutines(at_once, slots=4) for _ in range(2)]
        dispatchers = [table.dispatcher(e, owner=name) for e, name in zip(executors, "ab", strict=True)]
        for dispatcher in dispatchers:
            await dispatcher.start()
        for dispatcher in dispatchers:
            await finish_all(dispatcher, 60)
        await until(lambda: sum(len(e.ended) for e in executors) == 200)
        for dispatcher in dispatchers:
            await dispatcher.close()
        return executors, await table.states(), await table.n_models()

    executors, states, n_models = run(scenario)
    started = [key for executor in executors for key in executor.started]
    assert (len(started), len(set(started)), states, n_models) == (200, 200, {"done": 200}, 200)
    assert all(executor.started and executor.most_running <= 4 for executor in executors)


def test_jobs_are_taken_by_priority_and_then_by_age(run):
    async def scenario(table):
        old, new, urgent = [(await table.fill(1))[0] for _ in range(3)]
        async with table.db.write() as session:
            await session.execute(update(JobRow).where(JobRow.subject_id != urgent).values(priority=2))
        executor = Coroutines(at_once, slots=1)
        dispatcher = table.dispatcher(executor)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        return executor.started, [str(subject) for subject in (urgent, old, new)]

    started, expected = run(scenario)
    assert started == expected


def test_a_job_that_is_added_is_begun_at_once_when_the_dispatcher_is_woken(run):
    async def scenario(table):
        executor = Coroutines(at_once)
        dispatcher = table.dispatcher(executor, poll_s=60)
        await dispatcher.start()
        await dispatcher.idle.wait()
        await table.fill(1)
        began = time.monotonic()
        await finish_all(dispatcher)
        await dispatcher.close()
        return time.monotonic() - began, await table.states()

    took_s, states = run(scenario)
    assert states == {"done": 1}
    assert took_s < 2


def test_long_work_leaves_the_last_slot_free(run):
    async def scenario(table):
        executor = Coroutines(forever, slots=3)
        dispatcher = table.dispatcher(executor, Trainings("long", is_long=True), Trainings())
        await table.fill(5, kind="long")
        await dispatcher.start()
        await until(lambda: executor.n_running == 2)
        await asyncio.sleep(0.3)
        n_long = executor.n_running
        (short,) = await table.fill(1)
        dispatcher.wake()
        await until(lambda: str(short) in executor.started)
        await dispatcher.close()
        return n_long, executor.n_running, await table.states()

    assert run(scenario) == (2, 0, {"queued": 6})


def test_long_work_takes_the_only_slot(run):
    async def scenario(table):
        executor = Coroutines(at_once, slots=1)
        dispatcher = table.dispatcher(executor, Trainings("long", is_long=True))
        await table.fill(2, kind="long")
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        return await table.states()

    assert run(scenario) == {"done": 2}


def test_a_job_that_finds_no_slot_is_told_to_wait_once(run):
    async def scenario(table):
        kind, executor = Trainings(), Coroutines(forever, slots=1)
        dispatcher = table.dispatcher(executor, kind)
        subjects = await table.fill(251)
        await dispatcher.start()
        await until(lambda: kind.n_waiting == 250)
        (late,) = await table.fill(1)
        await until(lambda: kind.n_waiting == 251)
        await asyncio.sleep(0.3)
        statuses = [(await table.training(subject)).status for subject in (*subjects, late)]
        await dispatcher.close()
        return kind.n_waiting, statuses.count("queued"), statuses.count("training")

    assert run(scenario) == (251, 251, 1)


def test_without_slots_jobs_are_left_to_other_servers(run):
    async def scenario(table):
        dispatcher = table.dispatcher(Coroutines(at_once, slots=0))
        await table.fill(1)
        await dispatcher.start()
        await asyncio.sleep(0.3)
        await dispatcher.close()
        return await table.states()

    assert run(scenario) == {"queued": 1}


def test_a_row_that_is_gone_cancels_its_job_quietly(run, caplog):
    async def scenario(table):
        executor = Coroutines(at_once)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        await table.remove(subject)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        return executor.started, await table.states()

    assert run(scenario) == ([], {"cancelled": 1})
    assert not caplog.records


def test_work_that_fails_is_not_tried_again(run):
    async def refuse(key, on_progress):
        raise TaskFailedError("it is not audio")

    async def scenario(table):
        executor = Coroutines(refuse)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job, training = await table.job(subject), await table.training(subject)
        return len(executor.started), job.state, job.error, job.attempts, training.status, training.error_message

    assert run(scenario) == (1, "failed", "it is not audio", 0, "failed", "it is not audio")


def test_a_worker_that_dies_three_times_fails_the_job_with_how_it_died(run):
    async def die(key, on_progress):
        raise WorkerDiedError("the worker was killed by signal 9")

    async def scenario(table):
        executor = Coroutines(die)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        began = time.monotonic()
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job, training = await table.job(subject), await table.training(subject)
        return time.monotonic() - began, len(executor.started), job.attempts, job.state, training.error_message

    took_s, *rest = run(scenario)
    reason = "given up after it was tried three times; the last time the worker was killed by signal 9"
    assert rest == [3, 3, "failed", reason]
    assert took_s >= 2.5  # pauses of 0.5 and 2 s


@pytest.mark.parametrize(
    ("age", "n_tries", "ending"),
    [(timedelta(), 8, ("done", 0, "completed")), (timedelta(hours=9), 3, ("failed", 3, "failed"))],
)
def test_a_storage_that_is_away_is_waited_for_not_for_ever(run, monkeypatch, age, n_tries, ending):
    """The tries are none of the job's while the outage may be short; of an old job each counts."""
    monkeypatch.setattr(running, "_OUTAGE_PAUSES_S", (0.05, 0.05))

    async def scenario(table):
        async def reach(key, on_progress):
            if len(executor.started) < 8:
                raise StorageAwayError("no bucket")
            return Prepared(1)

        executor = Coroutines(reach)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        await table.change_jobs(created_at=datetime.now(timezone.utc) - age)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job, training = await table.job(subject), await table.training(subject)
        return len(executor.started), (job.state, job.attempts, training.status)

    assert run(scenario) == (n_tries, ending)


def test_a_worker_that_dies_once_costs_nothing_but_time(run):
    async def scenario(table):
        async def die_first(key, on_progress):
            on_progress(Progress(0.6, "later"))
            await asyncio.sleep(0.5)
            if len(executor.started) == 1:
                raise WorkerDiedError("the worker was killed")
            on_progress(Progress(0.2, "anew"))
            await asyncio.sleep(0.5)

        executor = Coroutines(die_first)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        job, training = await table.job(subject), await table.training(subject)
        return job.state, job.attempts, await table.n_models(), [note["fraction"] for note in training.history]

    state, attempts, n_models, fractions = run(scenario)
    assert (state, attempts, n_models) == ("done", 1, 1)
    assert fractions == [0.6] * len(fractions)


def test_progress_is_written_a_few_times_a_second_and_never_goes_back(run):
    async def scenario(table):
        async def chatter(key, on_progress):
            for i in range(200):
                on_progress(Progress((i * 7 % 100) / 100, "even" if i % 20 < 10 else "odd"))
                await asyncio.sleep(0.01)
            on_progress(Progress(float("nan"), "nonsense"))
            on_progress(Progress(7.0, "last"))

        kind = Trainings()
        dispatcher = table.dispatcher(Coroutines(chatter), kind)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        seen = []
        while not dispatcher.idle.is_set():
            seen.append((await table.job(subject)).progress)
            await asyncio.sleep(0.05)
        await dispatcher.close()
        return kind.n_writes, seen, (await table.training(subject)).history

    n_writes, seen, history = run(scenario)
    fractions = [note["fraction"] for note in history]
    assert 3 <= n_writes <= 9
    assert seen == sorted(seen)
    assert fractions == sorted(fractions)
    assert history[-1] == {"fraction": 1.0, "stage": "last"}


@pytest.mark.parametrize("broken", ["task", "progressed", "finished", "failed"])
def test_a_mistake_of_a_kind_fails_its_job_and_no_other(run, caplog, broken):
    """The traceback is in the log; where even the failure cannot be told, the job at least is over."""

    class Broken(Trainings):
        async def broken(self, *_):
            raise ZeroDivisionError

    setattr(Broken, broken, Broken.broken)

    async def work(key, on_progress):
        on_progress(Progress(0.5, "half"))
        await asyncio.sleep(0.2)
        if broken == "failed":
            raise TaskFailedError("no")

    async def scenario(table):
        executor = Coroutines(work)
        dispatcher = table.dispatcher(executor, Broken(), Trainings("sound"))
        (subject,) = await table.fill(1)
        (other,) = await table.fill(1, kind="sound")
        await dispatcher.start()
        await finish_all(dispatcher)
        await dispatcher.close()
        training = await table.training(subject)
        return await table.job(subject), training, await table.job(other)

    job, training, other = run(scenario)
    assert (job.state, job.error) == ("failed", "internal error")
    assert other.state == ("failed" if broken == "failed" else "done")
    if broken != "failed":
        assert (training.status, training.error_message) == ("failed", "internal error")
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_cancelling_stops_running_work_within_two_seconds_and_frees_its_slot(run):
    async def scenario(table):
        executor = Coroutines(forever, slots=1)
        dispatcher = table.dispatcher(executor, poll_s=1.0)
        first, second = await table.fill(2)
        await dispatcher.start()
        await until(lambda: executor.n_running == 1)
        running, waiting = (first, second) if executor.started == [str(first)] else (second, first)
        began = time.monotonic()
        assert await table.cancel(running)  # without a wake: another server may have taken the request
        await until(lambda: str(waiting) in executor.started)
        took_s = time.monotonic() - began
        await dispatcher.close()
        return took_s, executor.ended[0] == str(running), (await table.job(running)).state

    took_s, *rest = run(scenario)
    assert rest == [True, "cancelled"]
    assert took_s < 2


def test_deleting_the_row_and_its_job_stops_the_work(run, caplog):
    async def scenario(table):
        executor = Coroutines(forever)
        dispatcher = table.dispatcher(executor)
        (subject,) = await table.fill(1)
        await dispatcher.start()
        await until(lambda: executor.n_running == 1)
        await table.remove(subject)
        async with table.db.write() as session:
            await queue.forget(session, kind="train", subject_ids=[subject])
        await finish_all(dispatcher, 2)
        await dispatcher.close()
        return executor.n_running, await table.states()

    assert run(scenario) == (0, {})
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_of_cancelling_and_finishing_exactly_one_wins(run):
    """Whoever is told that the training was cancelled never sees a model of it, in forty races."""

    async def scenario(table):
        executor = Coroutines(lambda key, _: asyncio.sleep(0.01), slots=4)
        dispatcher = table.dispatcher(executor)
        await dispatcher.start()
        outcomes = []
        for i in range(40):
            (subject,) = await table.fill(1)
            dispatcher.wake()
            await until(lambda subject=subject: str(subject) in executor.started)
            await asyncio.sleep(0.0015 * (i % 20))
            was_cancelled = await table.cancel(subject)
            await finish_all(dispatcher)
            job, training = await table.job(subject), await table.training(subject)
            outcomes.append((was_cancelled, job.state, training.status, await table.n_models(subject)))
        await dispatcher.close()
        return outcomes

    outcomes = set(run(scenario))
    assert outcomes == {(True, "cancelled", "cancelled", 0), (False, "done", "completed", 1)}
