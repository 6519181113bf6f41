"""What can be done with the audio files of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import cast
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import (
    AudioFile,
    AudioStatus,
    ConfirmAudio,
    ConfirmedAudio,
    CreateAudioUpload,
    DownloadUrl,
    Page,
    UploadTarget,
)
from relaylib.server.annotations.published import published_versions
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AnnotationSetRow, AudioFileRow
from relaylib.server.datasets.access import check_no_training, own_dataset
from relaylib.server.errors import NotFoundError, RefusedError
from relaylib.server.jobs import queue
from relaylib.server.objects.keys import object_key
from relaylib.server.paging import PageQuery, fetch_page
from relaylib.server.uploads import (
    confirmed_id,
    declared_file,
    delete_objects,
    download_url,
    extension,
    upload_target,
    uploaded,
)

__all__ = ["AudioFiles"]

_MESSAGES = {
    "normalizing": "The upload is confirmed; the file is being converted to 16 kHz mono",
    "embedding": "The upload is confirmed; embeddings are being computed",
    "ready": "The file is ready for training",
    "failed": "Processing has failed; see processing_error",
}
_PRIORITY = 1


class AudioFiles:
    """The audio files of the datasets of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller
        self._tenant_id = caller.tenant_id

    async def create_upload(self, dataset_id: UUID, body: CreateAudioUpload) -> UploadTarget:
        """Make a record for a file that is to come, and say where to post it."""
        settings = self._context.settings
        audio_id = uuid4()
        async with self._context.db.write() as session:
            await own_dataset(session, self._tenant_id, dataset_id, lock="exists")
            declared = declared_file(body, max_bytes=settings.max_upload_bytes)
            key = object_key("audio", self._tenant_id, f"{audio_id}{extension(declared.filename)}")
            session.add(
                AudioFileRow(
                    id=audio_id,
                    tenant_id=self._tenant_id,
                    dataset_id=dataset_id,
                    original_filename=declared.filename,
                    content_type=declared.content_type,
                    file_size_bytes=declared.size_bytes,
                    object_key=key,
                    upload_expires_at=datetime.now(timezone.utc) + timedelta(seconds=settings.upload_lifetime_s),
                )
            )
        return upload_target(self._context, self._caller, key, audio_id)

    async def confirm(self, dataset_id: UUID, body: ConfirmAudio) -> ConfirmedAudio:
        """Start the processing of a file that has arrived; once it has started, only say how far it is."""
        async with self._context.db.read() as session:
            await own_dataset(session, self._tenant_id, dataset_id)
            row = await self._find(session, dataset_id, confirmed_id(body))
        if row.processing_status != "pending":
            return _confirmed(row)
        size_bytes = (await uploaded(self._context, row.object_key)).size_bytes
        async with self._context.db.write() as session:
            await own_dataset(session, self._tenant_id, dataset_id, lock="exists")
            row = await self._find(session, dataset_id, row.id, locked=True)
            if row.processing_status == "pending":
                row.processing_status = "normalizing"
                row.file_size_bytes = size_bytes
                await queue.add(
                    session, kind="prepare_audio", subject_id=row.id, tenant_id=self._tenant_id, priority=_PRIORITY
                )
        self._context.wake()
        return _confirmed(row)

    async def list(self, dataset_id: UUID, page: PageQuery, statuses: Sequence[AudioStatus]) -> Page[AudioFile]:
        """Return a page of a dataset's files that are in every one of `statuses`, newest first."""
        query = select(AudioFileRow).where(
            AudioFileRow.tenant_id == self._tenant_id,
            AudioFileRow.dataset_id == dataset_id,
            *(AudioFileRow.processing_status == status for status in statuses),
        )
        async with self._context.db.read() as session:
            await own_dataset(session, self._tenant_id, dataset_id)
            rows, total = await fetch_page(session, query, AudioFileRow, page)
        return Page(items=[_body(row) for row in rows], total=total, page=page.page, page_size=page.page_size)

    async def get(self, dataset_id: UUID, audio_id: UUID) -> AudioFile:
        """Return one file."""
        return _body(await self._read(dataset_id, audio_id))

    async def delete(self, dataset_id: UUID, audio_id: UUID) -> None:
        """Remove a file with its annotations in drafts, and stop its processing."""
        async with self._context.db.write() as session:
            await own_dataset(session, self._tenant_id, dataset_id, lock="alone")
            row = await self._find(session, dataset_id, audio_id)
            await self._check_not_published(session, audio_id)
            if row.processing_status == "ready":
                await check_no_training(session, self._tenant_id, dataset_id)
            await session.execute(
                delete(AudioFileRow).where(AudioFileRow.tenant_id == self._tenant_id, AudioFileRow.id == audio_id)
            )
            await queue.forget(session, kind="prepare_audio", subject_ids=[audio_id])
        self._context.wake()
        await delete_objects(self._context, [row.object_key])

    async def download(self, dataset_id: UUID, audio_id: UUID) -> DownloadUrl:
        """Return where the file as it was uploaded can be fetched."""
        row = await self._read(dataset_id, audio_id)
        return await download_url(self._context, self._caller, row, is_confirmed=row.processing_status != "pending")

    async def _read(self, dataset_id: UUID, audio_id: UUID) -> AudioFileRow:
        async with self._context.db.read() as session:
            await own_dataset(session, self._tenant_id, dataset_id)
            return await self._find(session, dataset_id, audio_id)

    async def _find(
        self, session: AsyncSession, dataset_id: UUID, audio_id: UUID, *, locked: bool = False
    ) -> AudioFileRow:
        query = select(AudioFileRow).where(
            AudioFileRow.tenant_id == self._tenant_id,
            AudioFileRow.dataset_id == dataset_id,
            AudioFileRow.id == audio_id,
        )
        row = await session.scalar(query.with_for_update() if locked else query)
        if row is None:
            raise NotFoundError("Audio file")
        return row

    async def _check_not_published(self, session: AsyncSession, audio_id: UUID) -> None:
        version = await session.scalar(
            published_versions(audio_id).where(AnnotationSetRow.tenant_id == self._tenant_id).limit(1)
        )
        if version is not None:
            raise RefusedError(f"The published annotation set v{version} refers to the audio file, so it has to stay")


def _body(row: AudioFileRow) -> AudioFile:
    return AudioFile(
        id=row.id,
        original_filename=row.original_filename,
        duration_ms=row.duration_ms,
        processing_status=cast(AudioStatus, row.processing_status),
        processing_error=row.processing_error,
        dataset_id=row.dataset_id,
        content_type=row.content_type,
        file_size_bytes=row.file_size_bytes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        tenant_id=row.tenant_id,
    )


def _confirmed(row: AudioFileRow) -> ConfirmedAudio:
    status = cast(AudioStatus, row.processing_status)
    return ConfirmedAudio(
        audio_id=row.id, status=status, message=_MESSAGES[status], processing_status=status, file_id=row.id
    )
