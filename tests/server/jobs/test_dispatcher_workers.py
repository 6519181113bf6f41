"""The dispatcher with real worker processes."""

import contextlib
import os
import signal
import time

import labelled_tasks
import psutil
import pytest
from dispatching import Trainings, finish_all, until

from relaylib.server.jobs.local import LocalExecutor
from relaylib.server.jobs.tasks import PrepareAudio
from relaylib.server.objects import open_store
from relaylib.server.settings import Settings

pytestmark = pytest.mark.workers


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data", workers=2)


@pytest.fixture
def store(settings):
    return open_store(settings.storage_url, data_dir=settings.data_dir)


class Given(Trainings):
    """Trainings whose tasks are given, in any order."""

    def __init__(self, tasks):
        super().__init__()
        self.tasks = dict(enumerate(tasks))
        self.of_subject = {}

    async def task(self, session, subject_id):
        if await super().task(session, subject_id) is None:
            return None
        if subject_id not in self.of_subject:
            self.of_subject[subject_id] = self.tasks[len(self.of_subject)]
        return self.of_subject[subject_id]

    async def finished(self, session, subject_id, task, result):
        assert result.duration_ms > 0
        await super().finished(session, subject_id, task, result)


def workers():
    """Return the worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "relaylib.server.jobs.worker" in child.cmdline():
                found.append(child)
    return found


@contextlib.asynccontextmanager
async def dispatching(table, settings, kind):
    executor = LocalExecutor(settings)
    dispatcher = table.dispatcher(executor, kind)
    await dispatcher.start()
    try:
        yield dispatcher
    finally:
        await dispatcher.close()
        await executor.close()


def test_files_are_prepared_by_processes(run, store, settings):
    tasks = [PrepareAudio(key) for key in labelled_tasks.put(store, labelled_tasks.items(5))]

    async def scenario(table):
        await table.fill(5)
        async with dispatching(table, settings, Given(tasks)) as dispatcher:
            await finish_all(dispatcher, 120)
        return await table.states(), await table.n_models(), workers()

    assert run(scenario) == ({"done": 5}, 5, [])


def test_a_worker_killed_at_work_is_replaced_and_its_job_done_again(run, store, settings, caplog):
    (key,) = labelled_tasks.put(store, labelled_tasks.items(1))
    long_task = labelled_tasks.training(store, 20, epochs=100, learning_rate=0.0001, chunk_size_ms=100, stride_ms=20)

    async def scenario(table):
        kind = Given([long_task])
        (subject,) = await table.fill(1)
        async with dispatching(table, settings, kind) as dispatcher:
            await until(lambda: kind.n_writes, 120)
            kind.of_subject[subject] = PrepareAudio(key)  # what the second try does
            for worker in workers():
                os.kill(worker.pid, signal.SIGKILL)
            await finish_all(dispatcher, 120)
        job = await table.job(subject)
        return job.state, job.attempts, await table.n_models()

    assert run(scenario) == ("done", 1, 1)
    assert "was killed by signal 9" in caplog.text


def test_cancelling_a_training_kills_its_worker_within_two_seconds(run, store, settings):
    long_task = labelled_tasks.training(store, 20, epochs=100, learning_rate=0.0001, chunk_size_ms=100, stride_ms=20)

    async def scenario(table):
        kind = Given([long_task])
        (subject,) = await table.fill(1)
        async with dispatching(table, settings, kind) as dispatcher:
            await until(lambda: kind.n_writes, 120)
            pids = {worker.pid for worker in workers()}
            began = time.monotonic()
            assert await table.cancel(subject)
            dispatcher.wake()
            await until(lambda: not pids & {worker.pid for worker in workers()})
            took_s = time.monotonic() - began
            await finish_all(dispatcher)
        return took_s, (await table.job(subject)).state, await table.n_models()

    took_s, *rest = run(scenario)
    assert rest == ["cancelled", 0]
    assert took_s < 2
