"""The files of inference jobs in the database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import ConfirmFile, CreateFileUpload, DownloadUrl, InferenceFile, Page, UploadTarget
from relaylib.server import uploads
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow
from relaylib.server.errors import RefusedError
from relaylib.server.inference.access import file_of, job_of, model_of
from relaylib.server.inference.body import inference_file
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.jobs import queue
from relaylib.server.objects.keys import object_key
from relaylib.server.paging import PageQuery, fetch_page

__all__ = ["InferenceFiles"]

_PRIORITY = 0


class InferenceFiles:
    """The files of the inference jobs of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    async def create_upload(self, job_id: UUID, body: CreateFileUpload) -> UploadTarget:
        """Add a file that is yet to be uploaded, and say where to.

        Raises
        ------
        NotFoundError
        InvalidError
            If the file is declared in a way that is not taken.
        RefusedError
            If the job is cancelled, or its model is gone.
        """
        lifetime = timedelta(seconds=self._context.settings.upload_lifetime_s)
        async with self._context.db.write() as session:
            job = await self._open_job(session, job_id)
            declared = uploads.declared_file(body, max_bytes=self._context.settings.max_upload_bytes)
            file_id = uuid4()
            row = InferenceFileRow(
                id=file_id,
                tenant_id=job.tenant_id,
                inference_job_id=job.id,
                original_filename=declared.filename,
                content_type=declared.content_type,
                file_size_bytes=declared.size_bytes,
                object_key=object_key("inference", job.tenant_id, f"{file_id}{uploads.extension(declared.filename)}"),
                upload_expires_at=datetime.now(timezone.utc) + lifetime,
            )
            session.add(row)
        return uploads.upload_target(self._context, self._caller, row.object_key, row.id)

    async def confirm(self, job_id: UUID, body: ConfirmFile) -> InferenceFile:
        """Queue a file that has been uploaded; nothing happens to one that was confirmed before.

        Raises
        ------
        NotFoundError
        InvalidError
            If no file is named, or two are.
        RefusedError
            If the file is not there, the job is cancelled, or its model is gone.
        """
        file_id = uploads.confirmed_id(body)
        async with self._context.db.read() as session:
            job = await job_of(session, self._caller, job_id)
            row = await file_of(session, job, file_id)
            _refuse_cancelled(job)
        if row.status != "pending":
            return inference_file(row)
        info = await uploads.uploaded(self._context, row.object_key)
        async with self._context.db.write() as session:
            job = await self._open_job(session, job_id)
            row = await file_of(session, job, file_id)
            if row.status == "pending":
                row.status, row.file_size_bytes = "queued", info.size_bytes
                job.status, job.completed_at, job.error_message = "processing", None, None
                job.started_at = job.started_at or datetime.now(timezone.utc)
                await session.flush()
                await queue.add(
                    session, kind=DetectionWork.name, subject_id=row.id, tenant_id=row.tenant_id, priority=_PRIORITY
                )
            confirmed = inference_file(row)
        self._context.wake()
        return confirmed

    async def get(self, job_id: UUID, file_id: UUID) -> InferenceFile:
        """Return a file."""
        async with self._context.db.read() as session:
            job = await job_of(session, self._caller, job_id)
            return inference_file(await file_of(session, job, file_id))

    async def list_page(self, job_id: UUID, page: PageQuery) -> Page[InferenceFile]:
        """Return a page of the files of a job."""
        async with self._context.db.read() as session:
            job = await job_of(session, self._caller, job_id)
            query = select(InferenceFileRow).where(InferenceFileRow.inference_job_id == job.id)
            rows, total = await fetch_page(session, query, InferenceFileRow, page)
        return Page([inference_file(row) for row in rows], total, page.page, page.page_size)

    async def download_url(self, job_id: UUID, file_id: UUID) -> DownloadUrl:
        """Say where the original audio can be fetched.

        Raises
        ------
        NotFoundError
        RefusedError
            If it has not been uploaded, or the store has lost it.
        """
        async with self._context.db.read() as session:
            job = await job_of(session, self._caller, job_id)
            row = await file_of(session, job, file_id)
        return await uploads.download_url(self._context, self._caller, row, is_confirmed=row.status != "pending")

    async def _open_job(self, session: AsyncSession, job_id: UUID) -> InferenceJobRow:
        """Return a job that may still take files, held until the transaction ends, and its model with it."""
        job = await job_of(session, self._caller, job_id, lock=True)
        _refuse_cancelled(job)
        if await model_of(session, job.tenant_id, job.model_id, lock=True) is None:
            raise RefusedError("The model of the inference job has been deleted; create a job with another")
        return job


def _refuse_cancelled(job: InferenceJobRow) -> None:
    if job.status == "cancelled":
        raise RefusedError("The inference job is cancelled and takes no more files; create another")
