"""Uploads to inference jobs that were never confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import InferenceFileRow

__all__ = ["GRACE", "discard_abandoned"]

GRACE = timedelta(hours=1)
"""How long a file that arrived in time may still be confirmed after its upload URL has expired."""


async def discard_abandoned(session: AsyncSession, now: datetime) -> list[str]:
    """Remove the records of files that were not confirmed in time; return the keys of their objects."""
    query = delete(InferenceFileRow).where(
        InferenceFileRow.status == "pending", InferenceFileRow.upload_expires_at < now - GRACE
    )
    return list(
        await session.scalars(query.returning(InferenceFileRow.object_key).execution_options(synchronize_session=False))
    )
