"""Inference jobs in the database."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID

import msgspec
from sqlalchemy import select

from relaylib.api import CreateInferenceJob, InferenceConfig, InferenceJob, InferenceJobDetail, InferenceStatus, Page
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow
from relaylib.server.errors import NotFoundError, RefusedError
from relaylib.server.inference.access import job_of, model_of
from relaylib.server.inference.body import inference_job, inference_job_detail
from relaylib.server.inference.counters import Counts, count_files
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.jobs import queue
from relaylib.server.paging import PageQuery, fetch_page

__all__ = ["InferenceJobs"]

_UNFINISHED_JOB = ("pending", "processing")
_UNFINISHED_FILE = ("queued", "processing")


class InferenceJobs:
    """The inference jobs of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    async def create(self, body: CreateInferenceJob) -> InferenceJob:
        """Make a job without files.

        Raises
        ------
        NotFoundError
            If the model is unknown.
        RefusedError
            If it is not active.
        """
        async with self._context.db.write() as session:
            model = await model_of(session, self._caller.tenant_id, body.model_id, lock=True)
            if model is None:
                raise NotFoundError("Model")
            if not model.is_active:
                raise RefusedError("The model is not active; activate it, or name another")
            row = InferenceJobRow(
                tenant_id=self._caller.tenant_id,
                model_id=model.id,
                config=msgspec.to_builtins(body.config or InferenceConfig()),
            )
            session.add(row)
            await session.flush()
            return inference_job(row, Counts())

    async def get(self, job_id: UUID) -> InferenceJobDetail:
        """Return a job with its files in the order in which they came; those not confirmed are among them."""
        async with self._context.db.read() as session:
            row = await job_of(session, self._caller, job_id)
            mine = select(InferenceFileRow).where(InferenceFileRow.inference_job_id == row.id)
            files = await session.scalars(mine.order_by(InferenceFileRow.created_at, InferenceFileRow.id))
            return inference_job_detail(row, list(files))

    async def list_page(self, page: PageQuery, *, status: InferenceStatus | None) -> Page[InferenceJob]:
        """Return a page of the jobs, of one status if wanted."""
        query = select(InferenceJobRow).where(InferenceJobRow.tenant_id == self._caller.tenant_id)
        if status is not None:
            query = query.where(InferenceJobRow.status == status)
        async with self._context.db.read() as session:
            rows, total = await fetch_page(session, query, InferenceJobRow, page)
            counts = await count_files(session, [row.id for row in rows])
        return Page([inference_job(row, counts[row.id]) for row in rows], total, page.page, page.page_size)

    async def cancel(self, job_id: UUID) -> InferenceJob:
        """Cancel a job that is not over: confirmed files without a result fail, the others keep theirs.

        Raises
        ------
        NotFoundError
        RefusedError
            If it is over.
        """
        async with self._context.db.write() as session:
            row = await job_of(session, self._caller, job_id, lock=True)
            if row.status not in _UNFINISHED_JOB:
                raise RefusedError(f"The inference job is {row.status} already; it cannot be cancelled")
            unfinished = select(InferenceFileRow).where(
                InferenceFileRow.inference_job_id == row.id, InferenceFileRow.status.in_(_UNFINISHED_FILE)
            )
            files, now = list(await session.scalars(unfinished)), datetime.now(timezone.utc)
            for file in files:
                file.status, file.error_message, file.processed_at = "failed", "cancelled", now
            row.status, row.completed_at = "cancelled", now
            await queue.cancel(session, kind=DetectionWork.name, subject_ids=[file.id for file in files])
            counts = await count_files(session, [row.id])
            cancelled = inference_job(row, counts[row.id])
        self._context.wake()
        return cancelled
