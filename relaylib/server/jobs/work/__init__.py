"""How heavy work is done: the library's own path, from stored objects to results; imported by workers only."""

from relaylib.server.jobs.work.context import WorkContext, open_context
from relaylib.server.jobs.work.running import run_task

__all__ = ["WorkContext", "open_context", "run_task"]
