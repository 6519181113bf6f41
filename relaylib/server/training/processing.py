"""Training as work: what a worker is asked, and how a job and its model come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import TrainingConfig
from relaylib.server.database.tables import AnnotationRow, AudioFileRow, ModelRow, TrainingJobRow
from relaylib.server.jobs.tasks import LabelledAudio, Progress, Result, Span, Task, Trained, TrainModel
from relaylib.server.models.metrics import complete_metrics
from relaylib.server.objects.keys import object_key

__all__ = ["TrainingWork"]

_MOST_PERCENT = 99.0  # 100 is for completed jobs


class TrainingWork:
    """How training jobs go through the work; see :class:`relaylib.server.jobs.kind.JobKind`."""

    name = "train_model"
    is_long = True

    async def waiting(self, session: AsyncSession, subject_id: UUID) -> None:
        """Show that it waits for compute."""
        row = await _unfinished(session, subject_id)
        if row is not None and row.status == "pending":
            row.status = "queued"

    async def task(self, session: AsyncSession, subject_id: UUID) -> Task | None:
        """Gather the dataset's audio, clean recordings too, with the annotations of the set; start the history anew."""
        row = await _unfinished(session, subject_id)
        if row is None:
            return None
        row.status, row.history = "training", []
        row.started_at = row.started_at or datetime.now(timezone.utc)
        return TrainModel(
            audio=await _labelled_audio(session, row),
            config=msgspec.convert(row.config, TrainingConfig),
            model_key=object_key("models", row.tenant_id, f"{uuid4()}.safetensors"),
        )

    async def progressed(self, session: AsyncSession, subject_id: UUID, progress: list[Progress]) -> None:
        """Raise the percentage, which never goes back, and add the epochs to the history."""
        row = await _unfinished(session, subject_id)
        if row is None:
            return
        percents = [min(_MOST_PERCENT, round(100 * step.fraction, 1)) for step in progress]
        row.progress_percent = max([row.progress_percent, *percents])
        epochs = [msgspec.to_builtins(step.epoch) for step in progress if step.epoch is not None]
        if epochs:
            row.history = [*row.history, *epochs]

    async def finished(self, session: AsyncSession, subject_id: UUID, task: Task, result: Result) -> None:
        """Complete the job and make its model."""
        assert isinstance(task, TrainModel)
        assert isinstance(result, Trained)
        row = await _unfinished(session, subject_id)
        if row is None:
            return
        metrics = complete_metrics(result.metrics, result.artifact_types)
        model = ModelRow(
            tenant_id=row.tenant_id,
            training_job_id=row.id,
            artifact_types=result.artifact_types,
            eval_metrics=metrics,
            object_key=task.model_key,
        )
        session.add(model)
        await session.flush()
        row.status, row.progress_percent, row.metrics, row.model_id = "completed", 100.0, metrics, model.id
        row.completed_at = datetime.now(timezone.utc)

    async def failed(self, session: AsyncSession, subject_id: UUID, reason: str) -> None:
        """Say why there is no model."""
        row = await _unfinished(session, subject_id)
        if row is not None:
            row.status, row.error_message, row.completed_at = "failed", reason, datetime.now(timezone.utc)


async def _unfinished(session: AsyncSession, job_id: UUID) -> TrainingJobRow | None:
    """Return a job, locked against others that would change it; None if it is over or gone."""
    query = select(TrainingJobRow).where(
        TrainingJobRow.id == job_id, TrainingJobRow.status.in_(("pending", "queued", "training"))
    )
    return await session.scalar(query.with_for_update())


async def _labelled_audio(session: AsyncSession, job: TrainingJobRow) -> list[LabelledAudio]:
    """Return the audio that was there when the job was made.

    It comes by name: however uploads overtook each other, the same files make the same model.
    """
    spans: dict[UUID, list[Span]] = defaultdict(list)
    annotations = await session.scalars(
        select(AnnotationRow)
        .where(AnnotationRow.annotation_set_id == job.annotation_set_id, AnnotationRow.tenant_id == job.tenant_id)
        .order_by(AnnotationRow.start_ms, AnnotationRow.end_ms, AnnotationRow.artifact_type, AnnotationRow.id)
    )
    for row in annotations:
        spans[row.audio_file_id].append(Span(row.artifact_type, row.start_ms, row.end_ms, row.confidence))
    files = await session.scalars(
        select(AudioFileRow)
        .where(
            AudioFileRow.dataset_id == job.dataset_id,
            AudioFileRow.tenant_id == job.tenant_id,
            AudioFileRow.processing_status == "ready",
            AudioFileRow.created_at <= job.created_at,
        )
        .order_by(AudioFileRow.original_filename, AudioFileRow.created_at, AudioFileRow.id)
    )
    return [
        LabelledAudio(file.object_key, file.original_filename, duration_ms, _within(spans[file.id], duration_ms))
        for file in files
        if (duration_ms := file.duration_ms or 0)
    ]


def _within(spans: Sequence[Span], duration_ms: int) -> list[Span]:
    """Return the spans cut to the recording: some may have been drawn before its length was known."""
    return [
        msgspec.structs.replace(span, end_ms=min(span.end_ms, duration_ms))
        for span in spans
        if span.start_ms < duration_ms
    ]
