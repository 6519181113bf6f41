"""Inference as work: what a worker is asked, and what becomes of a file and of its job."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import InferenceConfig
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow
from relaylib.server.inference.access import model_of
from relaylib.server.inference.counters import count_files
from relaylib.server.jobs.tasks import DetectArtifacts, Detected, Progress, Result, Task

__all__ = ["DetectionWork"]


class DetectionWork:
    """How the files of inference jobs go through the work; see :class:`relaylib.server.jobs.kind.JobKind`."""

    name = "detect_artifacts"
    is_long = False

    async def waiting(self, session: AsyncSession, subject_id: UUID) -> None:
        """Nothing changes: a confirmed file is queued from the beginning."""

    async def task(self, session: AsyncSession, subject_id: UUID) -> Task | None:
        """Show the file as being worked on; it fails here if its model has gone."""
        held = await _unfinished(session, subject_id)
        if held is None:
            return None
        job, file = held
        model = await model_of(session, job.tenant_id, job.model_id)
        if model is None:
            await self.failed(session, subject_id, "The model has been deleted")
            return None
        file.status = "processing"
        return DetectArtifacts(
            key=file.object_key,
            model_key=model.object_key,
            config=msgspec.convert(job.config, InferenceConfig),
            filename=file.original_filename,
        )

    async def progressed(self, session: AsyncSession, subject_id: UUID, progress: list[Progress]) -> None:
        """Nothing is shown of the progress within a file."""

    async def finished(self, session: AsyncSession, subject_id: UUID, task: Task, result: Result) -> None:
        """Give the file its detections; the last of a job's files completes the job."""
        assert isinstance(result, Detected)
        held = await _unfinished(session, subject_id)
        if held is None:
            return
        job, file = held
        file.status, file.duration_ms = "completed", result.duration_ms
        file.detections, file.detection_count = msgspec.to_builtins(result.detections), len(result.detections)
        await _ended(session, job, file)

    async def failed(self, session: AsyncSession, subject_id: UUID, reason: str) -> None:
        """Say why the file has no detections; a job of which no file has a result fails with its last."""
        held = await _unfinished(session, subject_id)
        if held is None:
            return
        job, file = held
        file.status, file.error_message = "failed", reason
        await _ended(session, job, file)


async def _unfinished(session: AsyncSession, file_id: UUID) -> tuple[InferenceJobRow, InferenceFileRow] | None:
    """Return a confirmed file without a result and its job, both held; None if it has one, was cancelled or is gone."""
    job_id = select(InferenceFileRow.inference_job_id).where(InferenceFileRow.id == file_id).scalar_subquery()
    job = await session.scalar(select(InferenceJobRow).where(InferenceJobRow.id == job_id).with_for_update())
    query = select(InferenceFileRow).where(
        InferenceFileRow.id == file_id, InferenceFileRow.status.in_(("queued", "processing"))
    )
    file = await session.scalar(query.execution_options(populate_existing=True))
    return None if job is None or file is None else (job, file)


async def _ended(session: AsyncSession, job: InferenceJobRow, file: InferenceFileRow) -> None:
    """Date the end of a file, and decide whether its job, which is held, has ended with it."""
    file.processed_at = datetime.now(timezone.utc)
    await session.flush()
    counts = (await count_files(session, [job.id]))[job.id]
    if counts.n_unfinished:
        return
    job.completed_at = file.processed_at
    if counts.n_completed:
        job.status = "completed"
        return
    job.status, job.error_message = "failed", file.error_message
    if counts.n_failed > 1:
        job.error_message = f"All {counts.n_failed} files failed; the last of them: {file.error_message}"
