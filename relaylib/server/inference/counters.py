"""The counts of inference jobs: taken from their files whenever they are asked for, so they cannot be wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import InferenceFileRow

__all__ = ["Counts", "count_files"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many files a job has in each state; files whose upload is not confirmed are not counted."""

    n_queued: int = 0
    n_processing: int = 0
    n_completed: int = 0
    n_failed: int = 0
    n_detections: int = 0

    @classmethod
    def of(cls, files: Sequence[InferenceFileRow]) -> Counts:
        """Return the counts of a job of which all files are at hand."""
        states = Counter(file.status for file in files)
        return cls(
            n_queued=states["queued"],
            n_processing=states["processing"],
            n_completed=states["completed"],
            n_failed=states["failed"],
            n_detections=sum(file.detection_count for file in files),
        )

    @property
    def n_files(self) -> int:
        """How many files were confirmed."""
        return self.n_unfinished + self.n_completed + self.n_failed

    @property
    def n_unfinished(self) -> int:
        """How many confirmed files wait or are being worked on."""
        return self.n_queued + self.n_processing


async def count_files(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, Counts]:
    """Return the counts of every job named, by one query."""
    query = (
        select(
            InferenceFileRow.inference_job_id,
            InferenceFileRow.status,
            func.count(),
            func.sum(InferenceFileRow.detection_count),
        )
        .where(InferenceFileRow.inference_job_id.in_(job_ids), InferenceFileRow.status != "pending")
        .group_by(InferenceFileRow.inference_job_id, InferenceFileRow.status)
    )
    found: dict[UUID, dict[str, int]] = {job_id: defaultdict(int) for job_id in job_ids}
    for job_id, status, n_files, n_detections in await session.execute(query):
        found[job_id][f"n_{status}"] = n_files
        found[job_id]["n_detections"] += int(n_detections)
    return {job_id: Counts(**counts) for job_id, counts in found.items()}
