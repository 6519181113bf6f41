"""Heavy work in processes on this machine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from relaylib.server.cores import usable_cores
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.process import WorkerProcess
from relaylib.server.jobs.tasks import Progress, Result, Task
from relaylib.server.settings import Settings

__all__ = ["LocalExecutor"]


class LocalExecutor:
    """Keeps warm worker processes, as many as are used at once, and gives each one task at a time.

    A worker loads its libraries and the encoder once. One that has had nothing to do for `idle_s` is stopped, so that
    its memory is free; cancelling a task kills its worker, and the next task starts another.

    Parameters
    ----------
    settings : Settings
        `workers` is the number of processes at most.
    idle_s : float > 0
    start_s : float > 0
        How long a worker may take to load; weights may have to be fetched.
    """

    def __init__(self, settings: Settings, *, idle_s: float = 600.0, start_s: float = 600.0) -> None:
        self.slots = settings.workers
        self._command = _command(settings)
        self._idle_s = idle_s
        self._start_s = start_s
        self._free = asyncio.Semaphore(settings.workers)
        self._workers: set[WorkerProcess] = set()
        self._idle: dict[WorkerProcess, asyncio.Task[None]] = {}
        self._closed = asyncio.Event()

    async def start(self) -> None:
        """Start a worker ahead of the first task, without waiting until it is ready."""
        if self.slots:
            self._keep(await self._spawn())

    async def run(self, task: Task, on_progress: Callable[[Progress], None]) -> Result:
        """Do `task` in a worker, as soon as one is free; see :class:`relaylib.server.jobs.executor.Executor`."""
        async with self._free:
            worker = await self._ready_worker()
            try:
                result = await worker.run(task, on_progress)
            except (TaskFailedError, StorageAwayError):
                self._keep(worker)
                raise
            except BaseException:
                await self._drop(worker)
                raise
            self._keep(worker)
            return result

    async def close(self) -> None:
        """Stop every worker; tasks at work end with `WorkerDiedError`, unless they are cancelled before."""
        self._closed.set()
        await asyncio.gather(*(self._drop(worker) for worker in list(self._workers)))

    async def _ready_worker(self) -> WorkerProcess:
        worker = await self._idle_worker() or await self._spawn()
        try:
            await worker.ready()
        except asyncio.CancelledError:  # it is still of use
            self._keep(worker)
            raise
        except BaseException:
            await self._drop(worker)
            raise
        return worker

    async def _idle_worker(self) -> WorkerProcess | None:
        """Return the worker that was used last, of those that have nothing to do."""
        while self._idle:
            worker, retirement = self._idle.popitem()
            retirement.cancel()
            if worker.alive:
                return worker
            await self._drop(worker)
        return None

    async def _spawn(self) -> WorkerProcess:
        if self._closed.is_set():
            raise WorkerDiedError("the server is stopping")
        worker = await WorkerProcess.spawn(self._command, start_s=self._start_s)
        self._workers.add(worker)
        if self._closed.is_set():
            await self._drop(worker)
            raise WorkerDiedError("the server is stopping")
        return worker

    def _keep(self, worker: WorkerProcess) -> None:
        if not self._closed.is_set():
            self._idle[worker] = asyncio.create_task(self._retire(worker))

    async def _retire(self, worker: WorkerProcess) -> None:
        await asyncio.sleep(self._idle_s)
        del self._idle[worker]
        await self._drop(worker)

    async def _drop(self, worker: WorkerProcess) -> None:
        retirement = self._idle.pop(worker, None)
        if retirement is not None:
            retirement.cancel()
        await worker.kill()
        self._workers.discard(worker)


def _command(settings: Settings) -> list[str]:
    n_threads = max(1, usable_cores() // max(1, settings.workers))
    storage = [] if settings.storage_url is None else ["--storage-url", settings.storage_url]
    return [
        *(sys.executable, "-m", "relaylib.server.jobs.worker"),
        *storage,
        *("--data-dir", str(settings.data_dir)),
        *("--encoder", settings.encoder),
        *("--threads", str(n_threads)),
    ]
