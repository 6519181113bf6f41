"""Where heavy work is done: one interface, so that a cluster can take the place of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from relaylib.errors import RelayError
from relaylib.server.jobs.tasks import Progress, Result, Task

__all__ = ["Executor", "StorageAwayError", "TaskFailedError", "WorkerDiedError"]


class TaskFailedError(RelayError):
    """The work itself failed, for a reason that its owner should read; trying again would not help."""


class WorkerDiedError(RelayError):
    """The worker went away while it worked (killed, out of memory); another may manage."""


class StorageAwayError(RelayError):
    """The storage could not be used, through no fault of task or worker; the task may be done once it is back."""


class Executor(Protocol):
    """Runs tasks, as many side by side as it has `slots`."""

    @property
    def slots(self) -> int:
        """How many tasks may run at once."""
        ...

    async def start(self) -> None:
        """Make ready; idle workers may be started ahead of the first task."""
        ...

    async def run(self, task: Task, on_progress: Callable[[Progress], None]) -> Result:
        """Do `task` and return its result; `on_progress` is called in the event loop.

        Cancelling the call stops the work for good: its processor is free when the cancellation is through.

        Raises
        ------
        TaskFailedError, WorkerDiedError, StorageAwayError
        """
        ...

    async def close(self) -> None:
        """Stop every worker, at work or not."""
        ...
