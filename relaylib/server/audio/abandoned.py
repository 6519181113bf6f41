"""Uploads that were announced and never confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.annotations.published import is_published
from relaylib.server.database.tables import AudioFileRow, DatasetRow

__all__ = ["GRACE", "discard_abandoned"]

GRACE = timedelta(hours=1)
"""How long after its upload URL has expired a file can still be confirmed."""

_DATASETS_AT_ONCE = 1000


async def discard_abandoned(session: AsyncSession, now: datetime) -> list[str]:
    """Remove the files of every tenant that can't be confirmed any more; return the keys of their objects.

    Their annotations in drafts go too: there will never be a recording for them. What a published set refers to stays,
    as does the set. Datasets that are being changed right now wait for the next call.
    """
    abandoned = (
        AudioFileRow.processing_status == "pending",
        AudioFileRow.upload_expires_at < now - GRACE,
        ~is_published(AudioFileRow.id),
    )
    datasets = await session.scalars(
        select(DatasetRow.id)
        .where(DatasetRow.id.in_(select(AudioFileRow.dataset_id).where(*abandoned)))
        .order_by(DatasetRow.id)
        .limit(_DATASETS_AT_ONCE)
        .with_for_update(skip_locked=True)  # what somebody is at work in can wait
    )
    gone = await session.scalars(
        delete(AudioFileRow)
        .where(AudioFileRow.dataset_id.in_(datasets.all()), *abandoned)
        .returning(AudioFileRow.object_key)
        .execution_options(synchronize_session=False)
    )
    return list(gone)
