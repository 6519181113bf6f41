"""Worker processes: kept warm, stopped for good, and gone with their server."""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import labelled_tasks
import msgspec
import psutil
import pytest

from relaylib.api import InferenceConfig
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.local import LocalExecutor
from relaylib.server.jobs.tasks import DetectArtifacts, PrepareAudio
from relaylib.server.objects import open_store
from relaylib.server.settings import Settings

pytestmark = pytest.mark.workers


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data", workers=1)


@pytest.fixture
def store(settings):
    return open_store(settings.storage_url, data_dir=settings.data_dir)


@pytest.fixture
def prepare(store):
    """Give tasks that take a moment, each on its own recording."""
    found = labelled_tasks.items(3)
    return [PrepareAudio(key, "a.flac") for key in labelled_tasks.put(store, found)]


@pytest.fixture
def long_task(store):
    """Give a training that takes minutes."""
    return labelled_tasks.training(store, 20, epochs=100, learning_rate=0.0001, chunk_size_ms=100, stride_ms=20)


@contextlib.asynccontextmanager
async def running(settings, **options):
    executor = LocalExecutor(settings, **options)
    await executor.start()
    try:
        yield executor
    finally:
        await executor.close()


def ignore(_):
    pass


def workers():
    """Return the worker processes of this process."""
    found = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "relaylib.server.jobs.worker" in child.cmdline():
                found.append(child)
    return found


async def at_work(executor, task):
    """Start a task; return it when it computes."""
    computing = asyncio.Event()

    def listen(progress):
        if progress.stage == "training":
            computing.set()

    run = asyncio.create_task(executor.run(task, listen))
    waiting = asyncio.create_task(computing.wait())
    await asyncio.wait([run, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert computing.is_set(), run.result()
    return run


def test_a_worker_does_a_whole_workflow_and_stays_the_same_process(settings, store):
    """Prepare, train, detect; the results come back as values, the progress as it happens."""
    training = labelled_tasks.training(store)

    async def workflow():
        async with running(settings) as executor:
            pids = {child.pid for child in workers()}
            for audio in training.audio:
                assert (await executor.run(PrepareAudio(audio.key), ignore)).duration_ms == audio.duration_ms
            told = []
            trained = await executor.run(training, told.append)
            detect = DetectArtifacts(training.audio[0].key, training.model_key, InferenceConfig())
            detected = await executor.run(detect, ignore)
            return pids, {child.pid for child in workers()}, trained, told, detected

    before, after, trained, told, detected = asyncio.run(workflow())
    assert before == after
    assert len(before) == 1
    assert trained.metrics["f1_score"] >= 0
    assert sum(progress.epoch is not None for progress in told) == 4
    assert detected.duration_ms == training.audio[0].duration_ms
    assert not workers()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such files")
def test_a_worker_gives_way_to_its_server(settings, prepare):
    async def look():
        async with running(settings) as executor:
            await executor.run(prepare[0], ignore)
            (worker,) = workers()
            niceness = {psutil.Process(thread.id).nice() for thread in worker.threads()}
            return niceness, int(Path(f"/proc/{worker.pid}/oom_score_adj").read_text())

    assert asyncio.run(look()) == ({10}, 500)


def test_a_worker_is_started_ahead_without_waiting_for_it(settings):
    async def start():
        started = time.monotonic()
        async with running(settings):
            elapsed = time.monotonic() - started
            while not workers() and time.monotonic() - started < 20:  # a process is known by its name a little later
                await asyncio.sleep(0.01)
            return elapsed, len(workers())

    elapsed, n_workers = asyncio.run(start())
    assert elapsed < 1.0
    assert n_workers == 1


def test_a_task_may_be_larger_than_any_pipe(settings, store):
    """A day of speech may have a hundred thousand annotations."""
    training = labelled_tasks.training(store, 4, epochs=1)
    first = training.audio[0]
    spans = [msgspec.structs.replace(first.spans[0], start_ms=k % 2000, end_ms=k % 2000 + 10) for k in range(100_000)]
    unread = msgspec.structs.replace(first, key="audio/none", filename="none.flac", spans=spans)

    async def run():
        async with running(settings) as executor:
            with pytest.raises(TaskFailedError, match=r"none\.flac: is no longer stored"):
                await executor.run(msgspec.structs.replace(training, audio=[*training.audio, unread]), ignore)

    asyncio.run(run())


def test_tasks_run_side_by_side_up_to_the_number_of_workers(settings, prepare):
    async def three_at_once():
        most = 0
        async with running(replace(settings, workers=2)) as executor:
            runs = [asyncio.create_task(executor.run(task, ignore)) for task in prepare]
            while not all(run.done() for run in runs):
                most = max(most, len(workers()))
                await asyncio.sleep(0.05)
            return most, [run.result() for run in runs]

    most, results = asyncio.run(three_at_once())
    assert most == 2
    assert all(result.duration_ms > 0 for result in results)


def test_cancelling_frees_the_processor_within_two_seconds(settings, prepare, long_task):
    async def cancel():
        async with running(settings) as executor:
            run = await at_work(executor, long_task)
            (worker,) = workers()
            began = time.monotonic()
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
            elapsed = time.monotonic() - began
            assert not worker.is_running()
            assert not workers()
            await executor.run(prepare[0], ignore)
            return elapsed

    assert asyncio.run(cancel()) < 2.0


def test_a_killed_worker_is_reported_and_the_next_task_gets_another(settings, prepare, long_task):
    async def kill():
        async with running(settings) as executor:
            run = await at_work(executor, long_task)
            workers()[0].kill()
            with pytest.raises(WorkerDiedError, match="killed by signal 9, perhaps because memory ran out"):
                await run
            return await executor.run(prepare[0], ignore)

    assert asyncio.run(kill()).duration_ms > 0


def test_a_worker_killed_while_idle_costs_no_attempt(settings, prepare):
    async def kill():
        async with running(settings) as executor:
            await executor.run(prepare[0], ignore)
            workers()[0].kill()
            await asyncio.sleep(0.2)
            return await executor.run(prepare[1], ignore)

    assert asyncio.run(kill()).duration_ms > 0


def test_a_refused_file_fails_without_a_path_and_keeps_the_worker(settings, store, prepare, tmp_path):
    (tmp_path / "letter").write_text("this is no recording. " * 9)
    store.put_file("audio/letter", tmp_path / "letter")

    async def refuse():
        async with running(settings) as executor:
            await executor.run(prepare[0], ignore)  # a process that only just started has no command line to know it by
            pids = [child.pid for child in workers()]
            with pytest.raises(TaskFailedError, match=r"letter\.wav: not audio.*text") as failure:
                await executor.run(PrepareAudio("audio/letter", "letter.wav"), ignore)
            await executor.run(prepare[1], ignore)
            return str(failure.value), pids, [child.pid for child in workers()]

    reason, before, after = asyncio.run(refuse())
    assert str(tmp_path) not in reason
    assert len(before) == 1
    assert after == before


def test_an_exception_in_the_listener_stops_the_work(settings, prepare):
    def fail(_):
        raise KeyError("the job is gone")

    async def listen():
        async with running(settings) as executor:
            with pytest.raises(KeyError):
                await executor.run(prepare[0], fail)
            return workers()

    assert not asyncio.run(listen())


def test_an_unknown_encoder_is_said_to_be_the_reason(settings, prepare, caplog):
    async def run():
        async with running(replace(settings, encoder="spectrall")) as executor:
            with pytest.raises(TaskFailedError, match="cannot start: encoder 'spectrall' is unknown; known are"):
                await executor.run(prepare[0], ignore)

    asyncio.run(run())
    assert "spectrall" in caplog.text


def test_a_worker_that_cannot_be_imported_ends_with_its_last_words(settings, prepare, startup):
    startup("import sys; sys.modules['msgspec'] = None")

    async def run():
        async with running(settings) as executor:
            with pytest.raises(TaskFailedError, match=r"exit status 1 while it started.*msgspec"):
                await executor.run(prepare[0], ignore)

    asyncio.run(run())


def test_a_worker_that_hangs_while_it_starts_is_given_up(settings, prepare):
    async def run():
        async with running(settings, start_s=5.0) as executor:
            (worker,) = workers()
            worker.suspend()
            with pytest.raises(WorkerDiedError, match="not ready after 5 s"):
                await executor.run(prepare[0], ignore)
            return workers()

    assert not asyncio.run(run())


def test_what_a_library_prints_goes_to_the_log(settings, prepare, startup, caplog):
    """More than a pipe holds, on standard output: by Python, and by the file descriptor as C does."""
    startup("""
        import os, sys, threading, time

        def babble():
            while "torch" not in sys.modules:
                time.sleep(0.01)
            print("garbage by Python", flush=True)
            for _ in range(20_000):
                os.write(1, b'{"type": "Ready"} garbage by C\\n')

        threading.Thread(target=babble, daemon=True).start()
    """)

    async def run():
        async with running(settings) as executor:
            return [await executor.run(task, ignore) for task in prepare]

    with caplog.at_level(logging.INFO):
        results = asyncio.run(run())
    assert all(result.duration_ms > 0 for result in results)
    assert "garbage by Python" in caplog.text
    assert caplog.text.count("garbage by C") > 1000


def test_a_worker_without_its_folder_ends_and_the_next_task_gets_another(settings, prepare):
    cache = settings.data_dir / "embeddings"

    async def run():
        async with running(settings) as executor:
            (worker,) = workers()
            cache.write_text("a file where a folder should be")
            with pytest.raises(WorkerDiedError, match="cache in the data folder"):
                await executor.run(prepare[0], ignore)
            assert not worker.is_running()
            cache.unlink()
            return await executor.run(prepare[0], ignore)

    assert asyncio.run(run()).duration_ms > 0


def test_a_worker_whose_storage_is_away_goes_on_when_it_is_back(settings, prepare):
    objects, away = settings.data_dir / "objects", settings.data_dir / "away"

    async def run():
        async with running(settings) as executor:
            before = workers()
            objects.rename(away)
            with pytest.raises(StorageAwayError, match="is not there"):
                await executor.run(prepare[0], ignore)
            away.rename(objects)
            result = await executor.run(prepare[0], ignore)
            return result, before, workers()

    result, before, after = asyncio.run(run())
    assert result.duration_ms > 0
    assert before == after


def test_an_idle_worker_is_stopped_after_a_while(settings, prepare):
    async def idle():
        async with running(settings, idle_s=0.3) as executor:
            await executor.run(prepare[0], ignore)
            await asyncio.sleep(1.0)
            n_idle = len(workers())
            await executor.run(prepare[1], ignore)
            return n_idle

    assert asyncio.run(idle()) == 0


def test_closing_stops_work_within_two_seconds(settings, long_task):
    async def close():
        executor = LocalExecutor(settings)
        run = await at_work(executor, long_task)
        began = time.monotonic()
        await executor.close()
        elapsed = time.monotonic() - began
        with pytest.raises(WorkerDiedError, match="was stopped"):
            await run
        with pytest.raises(WorkerDiedError, match="stopping"):
            await executor.run(long_task, ignore)
        return elapsed

    assert asyncio.run(close()) < 2.0
    assert not workers()


def test_closing_while_a_worker_starts_ends_the_task(settings, prepare):
    async def close():
        executor = LocalExecutor(settings)
        run = asyncio.create_task(executor.run(prepare[0], ignore))
        await asyncio.sleep(0.2)
        await executor.close()
        with pytest.raises(WorkerDiedError):
            await run

    asyncio.run(close())
    assert not workers()


def test_cancelling_while_a_worker_starts_keeps_it_for_the_next_task(settings, prepare):
    async def cancel():
        async with running(settings) as executor:
            (worker,) = workers()
            run = asyncio.create_task(executor.run(prepare[0], ignore))
            await asyncio.sleep(0.1)
            run.cancel()
            await asyncio.wait([run])
            await executor.run(prepare[1], ignore)
            return worker.pid, [child.pid for child in workers()]

    pid, pids = asyncio.run(cancel())
    assert pids == [pid]


@pytest.mark.parametrize("orphaned_by", ["the system", "its standard input"])
def test_a_worker_ends_within_two_seconds_of_its_server(settings, long_task, tmp_path, orphaned_by, startup):
    """Killed without a chance to stop anything; on systems that do not tell, the closed pipe does."""
    if orphaned_by == "its standard input":
        startup("""
            import ctypes

            class Libraries(ctypes.CDLL):
                def __init__(self, name, *args, **options):
                    if name is None:
                        raise OSError("this system has no prctl")
                    super().__init__(name, *args, **options)

            ctypes.CDLL = Libraries
        """)
    script = tmp_path / "server.py"
    script.write_text(
        textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        import msgspec
        from relaylib.server.jobs.local import LocalExecutor
        from relaylib.server.jobs.tasks import Task
        from relaylib.server.settings import Settings

        async def main():
            task = msgspec.json.decode(Path({str(tmp_path / "task.json")!r}).read_bytes(), type=Task)
            executor = LocalExecutor(Settings(data_dir=Path({str(settings.data_dir)!r}), workers=1))
            await executor.run(task, lambda progress: print(progress.stage, flush=True))

        asyncio.run(main())
        """)
    )
    (tmp_path / "task.json").write_bytes(msgspec.json.encode(long_task))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as server:
        for line in server.stdout:
            if line.strip() == "training":
                break
        (worker,) = psutil.Process(server.pid).children()
        server.send_signal(signal.SIGKILL)
        server.wait()
        began = time.monotonic()
        while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE and time.monotonic() - began < 10:
            time.sleep(0.02)
        assert time.monotonic() - began < 2.0


@pytest.fixture
def startup(tmp_path, monkeypatch):
    """Give a function that makes worker processes run a piece of code before anything else."""

    def install(code):
        folder = tmp_path / "startup"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(textwrap.dedent(code))
        there = [str(folder), str(Path(labelled_tasks.__file__).parents[3]), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, there)))

    return install
