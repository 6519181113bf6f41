"""A task in, its result out."""

from __future__ import annotations

import errno
from collections.abc import Callable

from relaylib.errors import RelayError
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError, WorkerDiedError
from relaylib.server.jobs.tasks import DetectArtifacts, PrepareAudio, Progress, Result, Task
from relaylib.server.jobs.work.context import WorkContext
from relaylib.server.jobs.work.detecting import detect_artifacts
from relaylib.server.jobs.work.preparing import prepare_audio
from relaylib.server.jobs.work.training import train_model
from relaylib.server.objects import StorageError

__all__ = ["run_task"]


def run_task(task: Task, context: WorkContext, progress: Callable[[Progress], None]) -> Result:
    """Do `task`; an exception that `progress` raises ends it.

    Raises
    ------
    TaskFailedError
        If the library refuses: audio that cannot be decoded, too little to train on. Its message names no folder.
    WorkerDiedError
        If memory or the cache's folder fail, which is nobody's fault who asked; another attempt may manage.
    StorageAwayError
        If the store cannot be used, or a disk is full.
    """
    try:
        if isinstance(task, PrepareAudio):
            return prepare_audio(task, context, progress)
        if isinstance(task, DetectArtifacts):
            return detect_artifacts(task, context, progress)
        return train_model(task, context, progress)
    except (TaskFailedError, WorkerDiedError):
        raise
    except RelayError as exc:
        raise _verdict(exc)(context.public(str(exc))) from exc
    except OSError as exc:
        if not _is_full(exc):
            raise
        raise StorageAwayError(context.public(str(exc))) from exc
    except (MemoryError, RuntimeError) as exc:
        if not _out_of_memory(exc):
            raise
        raise WorkerDiedError("the worker ran out of memory; the recordings may be too long for it") from exc


def _verdict(exc: RelayError) -> type[RelayError]:
    """Return what an error of the library's means for the task."""
    if isinstance(exc, StorageError) or _is_full(exc.__cause__):
        return StorageAwayError
    return WorkerDiedError if type(exc) is RelayError else TaskFailedError


def _is_full(exc: BaseException | None) -> bool:
    """Whether there was no room on a disk, which passes; `tempfile` says so by words of its own."""
    if not isinstance(exc, OSError):
        return False
    return exc.errno in (errno.ENOSPC, errno.EDQUOT) or "No usable temporary directory" in str(exc)


def _out_of_memory(exc: Exception) -> bool:
    """Whether memory is what was missing; torch says so by a `RuntimeError`."""
    text = str(exc).lower()
    return isinstance(exc, MemoryError) or "can't allocate memory" in text or "out of memory" in text
