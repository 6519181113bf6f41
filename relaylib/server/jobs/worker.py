"""A process that does heavy work for the server that started it: ``python -m relaylib.server.jobs.worker``.

Tasks come through standard input, messages go through standard output (:mod:`relaylib.server.jobs.wire`), the log to
standard error. It ends with its server, however that ends.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from relaylib.errors import EncoderNotAvailableError, ParameterError, RelayError
from relaylib.server.jobs.executor import StorageAwayError, TaskFailedError
from relaylib.server.jobs.tasks import Progress, Task
from relaylib.server.jobs.wire import Away, Crashed, Failed, Message, Ready, pack, read_task

if TYPE_CHECKING:
    from relaylib.server.jobs.work import WorkContext

__all__ = ["main"]

_log = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 0.2
_PR_SET_PDEATHSIG = 1


def main(args: Sequence[str] | None = None) -> int:
    """Do tasks until the server goes away; return the exit status."""
    options = _options(args)
    tasks, out = _take_pipes()
    _end_with_parent()
    _give_way()
    _use_threads(options.threads)
    inbox: queue.SimpleQueue[Task] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, inbox), daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    send = _Sender(out)
    try:
        context = _loaded(options)
    except (EncoderNotAvailableError, ParameterError, ImportError) as exc:
        send(Failed(str(exc)))
        return 1
    except Exception as exc:
        return _crashed(exc, send)
    send(Ready())
    try:
        while True:
            send(_done(inbox.get(), context, send.progress))
    except Exception as exc:  # whatever it is, this process may be broken now: a fresh one takes the next task
        return _crashed(exc, send)


def _options(args: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m relaylib.server.jobs.worker", description=__doc__)
    parser.add_argument("--storage-url", help="where objects are; a folder in the data folder when left out")
    parser.add_argument("--data-dir", type=Path, required=True, help="folder for caches")
    parser.add_argument("--encoder", required=True, help="name of the encoder")
    parser.add_argument("--threads", type=int, default=1, help="threads to compute with")
    return parser.parse_args(args)


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes from and to the server; what a library reads is empty then, what it prints goes to the log."""
    tasks, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return tasks, out


def _end_with_parent() -> None:
    """Ask the system to kill this process when the one that started it ends, where it can (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _give_way() -> None:
    """Let the server's requests go first; leave Ctrl-C to the server, which stops its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.nice(10)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # as one that computes, it interrupts those that wait for requests less
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    with contextlib.suppress(OSError):  # sessions share the processor evenly, whatever their processes' niceness
        Path("/proc/self/autogroup").write_text("10")
    with contextlib.suppress(OSError):  # where memory runs out, this process is the one to go
        Path("/proc/self/oom_score_adj").write_text("500")


def _use_threads(n_threads: int) -> None:
    """Set how many threads the numeric libraries start, which read it when they are imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(n_threads)


def _listen(tasks: BinaryIO, inbox: queue.SimpleQueue[Task]) -> None:
    """Hand on tasks; when the server is gone end at once, whatever is being done."""
    try:
        while (task := read_task(tasks)) is not None:
            inbox.put(task)
    finally:
        os._exit(0)


def _loaded(options: argparse.Namespace) -> WorkContext:
    """Import the library's heavy parts and load the encoder."""
    from relaylib.server.jobs.work import open_context

    return open_context(storage_url=options.storage_url, data_dir=options.data_dir, encoder=options.encoder)


def _done(task: Task, context: WorkContext, progress: Callable[[Progress], None]) -> Message:
    from relaylib.server.jobs.work import run_task

    try:
        return run_task(task, context, progress)
    except TaskFailedError as exc:
        return Failed(str(exc))
    except StorageAwayError as exc:
        return Away(str(exc))


def _crashed(exc: Exception, send: _Sender) -> int:
    _log.error("this worker ends", exc_info=exc)
    if isinstance(exc, RelayError):
        send(Crashed(str(exc)))
    else:
        send(Crashed(f"the worker met an unexpected {type(exc).__name__}; the server's log has the details"))
    return 1


class _Sender:
    """Sends messages; of progress within a stage only some, and every epoch."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._stage = ""
        self._sent_at = 0.0

    def __call__(self, message: Message) -> None:
        self._out.write(pack(message))
        self._out.flush()

    def progress(self, progress: Progress) -> None:
        """Send `progress` unless it is soon after the last."""
        now = time.monotonic()
        if progress.epoch is None and progress.stage == self._stage and now - self._sent_at < _PROGRESS_EVERY_S:
            return
        self._stage, self._sent_at = progress.stage, now
        self(progress)


if __name__ == "__main__":
    sys.exit(main())
