"""A worker process as the server sees it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.tasks import Progress, Result, Task
from relaylib.server.jobs.wire import Away, Crashed, Failed, Ready, pack, read_message

__all__ = ["WorkerProcess"]

_log = logging.getLogger(__name__)

_LEVELS = {"WARNING": logging.WARNING, "ERROR": logging.ERROR, "CRITICAL": logging.CRITICAL}
_LINE_BYTES = 1 << 16
_LAST_WORDS_S = 1.0


class WorkerProcess:
    """One process, one task at a time; made by :meth:`spawn`."""

    def __init__(self, process: asyncio.subprocess.Process, start_s: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.pid = process.pid
        self._process = process
        self._tasks, self._messages, self._stderr = process.stdin, process.stdout, process.stderr
        self._last_line = ""
        self._stopped = False
        self._log_pump = asyncio.create_task(self._pump_log())
        self._ready = asyncio.create_task(self._await_ready(start_s))
        self._ready.add_done_callback(self._log_failed_start)

    @classmethod
    async def spawn(cls, command: Sequence[str], *, start_s: float) -> WorkerProcess:
        """Start a process, which has `start_s` seconds to become ready."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, limit=_LINE_BYTES
        )
        return cls(process, start_s)

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as is known."""
        return self._process.returncode is None

    async def ready(self) -> None:
        """Wait until it takes tasks.

        Raises
        ------
        TaskFailedError
            If it cannot do any: an unknown encoder, a package that is missing.
        WorkerDiedError
            If it was killed meanwhile, or takes too long.
        """
        await asyncio.shield(self._ready)

    async def run(self, task: Task, on_progress: Callable[[Progress], None]) -> Result:
        """Do a task; after a `WorkerDiedError`, or when it is cancelled, the process has to be killed.

        Raises
        ------
        TaskFailedError, StorageAwayError, WorkerDiedError
        """
        try:
            self._tasks.write(pack(task))
            await self._tasks.drain()
            while True:
                message = await read_message(self._messages)
                if isinstance(message, Progress):
                    on_progress(message)
                elif isinstance(message, Failed):
                    raise TaskFailedError(message.reason)
                elif isinstance(message, Away):
                    raise StorageAwayError(message.reason)
                elif isinstance(message, Crashed):
                    raise WorkerDiedError(message.reason)
                elif not isinstance(message, Ready):
                    return message
        except (EOFError, ConnectionError) as exc:
            raise WorkerDiedError(f"the worker {await self._end()} while it worked") from exc

    async def kill(self) -> None:
        """Stop the process, whatever it does, with all that it started; return when it is gone."""
        self._stopped = True
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                if sys.platform == "win32":
                    self._process.kill()
                else:
                    os.killpg(self.pid, signal.SIGKILL)
        self._tasks.close()
        await self._process.wait()
        await asyncio.wait([self._ready, self._log_pump], timeout=_LAST_WORDS_S)
        self._log_pump.cancel()

    async def _await_ready(self, start_s: float) -> None:
        try:
            message = await asyncio.wait_for(read_message(self._messages), start_s)
        except asyncio.TimeoutError as exc:
            raise WorkerDiedError(f"the worker was not ready after {start_s:g} s; see the server's log") from exc
        except EOFError as exc:
            end = await self._end()
            if self._stopped or (self._process.returncode or 0) < 0:
                raise WorkerDiedError(f"the worker {end} while it started") from exc
            raise TaskFailedError(f"the worker {end} while it started, with the words: {self._last_line}") from exc
        if isinstance(message, Failed):
            raise TaskFailedError(f"the worker cannot start: {message.reason}")
        if isinstance(message, Crashed):
            raise WorkerDiedError(message.reason)

    async def _end(self) -> str:
        """Wait for the process to end and say how it did, when its messages have."""
        code = await self._process.wait()
        with contextlib.suppress(asyncio.TimeoutError):  # a process that it started may hold the pipe
            await asyncio.wait_for(asyncio.shield(self._log_pump), _LAST_WORDS_S)
        if self._stopped:
            return "was stopped"
        if code >= 0:
            return f"ended with exit status {code}"
        hint = ", perhaps because memory ran out," if -code == signal.SIGKILL else ""
        return f"was killed by signal {-code}{hint}"

    async def _pump_log(self) -> None:
        """Copy what the worker writes to the log, a line at a time; a line without end comes in pieces."""
        rest = b""
        while chunk := await self._stderr.read(_LINE_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) >= _LINE_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._note(line)
        self._note(rest)

    def _note(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            self._last_line = text
            _log.log(_LEVELS.get(text.split(" ", 1)[0], logging.INFO), "worker %d: %s", self.pid, text)

    def _log_failed_start(self, ready: asyncio.Task[None]) -> None:
        if not ready.cancelled() and (exc := ready.exception()) is not None and not self._stopped:
            _log.error("%s", exc)
