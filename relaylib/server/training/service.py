"""Training jobs in the database."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import CreateTrainingJob, Page, TrainingJob, TrainingStatus
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AnnotationSetRow, AudioFileRow, TrainingJobRow
from relaylib.server.datasets.access import own_dataset
from relaylib.server.errors import NotFoundError, RefusedError
from relaylib.server.jobs import queue
from relaylib.server.paging import PageQuery, fetch_page
from relaylib.server.training.body import training_job
from relaylib.server.training.prerequisites import check_config, check_prerequisites
from relaylib.server.training.processing import TrainingWork

__all__ = ["Trainings"]

_PRIORITY = 2
_UNFINISHED = ("pending", "queued", "training")


class Trainings:
    """The training jobs of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    async def create(self, body: CreateTrainingJob) -> TrainingJob:
        """Queue a training.

        Raises
        ------
        NotFoundError
            If the dataset or the annotation set is unknown.
        InvalidError
            If the configuration does not fit the dataset.
        RefusedError
            If a prerequisite is not met.
        """
        async with self._context.db.write() as session:
            dataset = await own_dataset(session, self._caller.tenant_id, body.dataset_id, lock="unchanged")
            annotation_set = await self._annotation_set(session, body)
            check_config(body.config, dataset)
            now = datetime.now(timezone.utc)
            await check_prerequisites(session, annotation_set, body.config.artifact_types, now)
            newest = await session.scalar(
                select(func.max(AudioFileRow.created_at)).where(AudioFileRow.dataset_id == dataset.id)
            )
            row = TrainingJobRow(
                created_at=max(now, newest or now),  # not before its audio, which another clock may have dated
                tenant_id=self._caller.tenant_id,
                dataset_id=dataset.id,
                annotation_set_id=annotation_set.id,
                config=msgspec.to_builtins(body.config),
            )
            session.add(row)
            await session.flush()
            await queue.add(
                session, kind=TrainingWork.name, subject_id=row.id, tenant_id=row.tenant_id, priority=_PRIORITY
            )
            created = training_job(row)
        self._context.wake()
        return created

    async def get(self, job_id: UUID) -> TrainingJob:
        """Return a training job."""
        async with self._context.db.read() as session:
            return training_job(await self._row(session, job_id))

    async def list_page(
        self, page: PageQuery, *, status: TrainingStatus | None, dataset_id: UUID | None
    ) -> Page[TrainingJob]:
        """Return a page of the training jobs, of one status and of one dataset if wanted."""
        query = select(TrainingJobRow).where(TrainingJobRow.tenant_id == self._caller.tenant_id)
        if status is not None:
            query = query.where(TrainingJobRow.status == status)
        if dataset_id is not None:
            query = query.where(TrainingJobRow.dataset_id == dataset_id)
        async with self._context.db.read() as session:
            rows, total = await fetch_page(session, query, TrainingJobRow, page)
        return Page([training_job(row) for row in rows], total, page.page, page.page_size)

    async def cancel(self, job_id: UUID) -> TrainingJob:
        """Cancel a training that is not over.

        Raises
        ------
        NotFoundError
        RefusedError
            If it is over.
        """
        async with self._context.db.write() as session:
            row = await self._row(session, job_id, lock=True)
            if row.status not in _UNFINISHED:
                raise RefusedError(f"The training job is {row.status} already; it cannot be cancelled")
            row.status, row.completed_at = "cancelled", datetime.now(timezone.utc)
            await queue.cancel(session, kind=TrainingWork.name, subject_ids=[row.id])
            cancelled = training_job(row)
        self._context.wake()
        return cancelled

    async def _annotation_set(self, session: AsyncSession, body: CreateTrainingJob) -> AnnotationSetRow:
        row = await session.scalar(
            select(AnnotationSetRow).where(
                AnnotationSetRow.id == body.annotation_set_id,
                AnnotationSetRow.dataset_id == body.dataset_id,
                AnnotationSetRow.tenant_id == self._caller.tenant_id,
            )
        )
        if row is None:
            raise NotFoundError("Annotation set")
        return row

    async def _row(self, session: AsyncSession, job_id: UUID, *, lock: bool = False) -> TrainingJobRow:
        query = select(TrainingJobRow).where(
            TrainingJobRow.id == job_id, TrainingJobRow.tenant_id == self._caller.tenant_id
        )
        row = await session.scalar(query.with_for_update() if lock else query)
        if row is None:
            raise NotFoundError("Training job")
        return row
