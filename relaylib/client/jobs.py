"""What training and inference jobs have in common: they end, well or not."""

from __future__ import annotations

from typing import TypeVar

from relaylib.api import InferenceJob, TrainingJob
from relaylib.client.errors import JobFailedError

__all__ = ["completed", "has_ended"]

Job = TypeVar("Job", bound=TrainingJob | InferenceJob)

_ENDED = ("completed", "failed", "cancelled", "canceled")


def has_ended(job: TrainingJob | InferenceJob) -> bool:
    """Return whether nothing more will happen to a job."""
    return job.status in _ENDED


def completed(job: Job, what: str) -> Job:
    """Return a job that has ended.

    Raises
    ------
    JobFailedError
        If it failed or was cancelled.
    """
    if job.status == "completed":
        return job
    reason = f": {job.error_message}" if job.error_message else ""
    raise JobFailedError(f"{what} {job.id} {'failed' if job.status == 'failed' else 'was cancelled'}{reason}", job)
