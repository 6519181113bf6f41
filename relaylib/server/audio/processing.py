"""Preparing audio for training, as the dispatcher sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import AudioFileRow
from relaylib.server.jobs.tasks import PrepareAudio, Prepared, Progress, Result, Task

__all__ = ["AudioPreparation"]

_AT_WORK = ("normalizing", "embedding")


class AudioPreparation:
    """A confirmed file goes from ``normalizing`` by ``embedding`` to ``ready``, or fails; it never goes back.

    Annotations that were drawn before the duration was known, and reach beyond it, are left as they are.
    """

    name = "prepare_audio"
    is_long = False

    async def waiting(self, session: AsyncSession, subject_id: UUID) -> None:
        """Leave the row alone: it has been ``normalizing`` since the upload was confirmed."""

    async def task(self, session: AsyncSession, subject_id: UUID) -> Task | None:
        """Return what a worker needs, None if the file is gone or done."""
        row = await session.scalar(
            select(AudioFileRow).where(AudioFileRow.id == subject_id, AudioFileRow.processing_status.in_(_AT_WORK))
        )
        return None if row is None else PrepareAudio(key=row.object_key, filename=row.original_filename)

    async def progressed(self, session: AsyncSession, subject_id: UUID, progress: list[Progress]) -> None:
        """Show that embeddings are being computed."""
        if any(step.stage == "embedding" for step in progress):
            await _change(session, subject_id, ("normalizing",), processing_status="embedding")

    async def finished(self, session: AsyncSession, subject_id: UUID, task: Task, result: Result) -> None:
        """Make the file usable; its duration is known now."""
        assert isinstance(result, Prepared)
        await _change(session, subject_id, _AT_WORK, processing_status="ready", duration_ms=result.duration_ms)

    async def failed(self, session: AsyncSession, subject_id: UUID, reason: str) -> None:
        """Say why the file cannot be used."""
        await _change(session, subject_id, _AT_WORK, processing_status="failed", processing_error=reason)


async def _change(session: AsyncSession, subject_id: UUID, present: Sequence[str], **values: Any) -> None:
    """Change a file that is in one of the states `present`."""
    await session.execute(
        update(AudioFileRow)
        .where(AudioFileRow.id == subject_id, AudioFileRow.processing_status.in_(present))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
