"""Finding inference jobs and files, and holding them while they change.

Whoever changes a file holds its job first: who comes second sees what the first has done.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.context import Caller
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow, ModelRow
from relaylib.server.errors import NotFoundError

__all__ = ["file_of", "job_of", "model_of"]


async def job_of(session: AsyncSession, caller: Caller, job_id: UUID, *, lock: bool = False) -> InferenceJobRow:
    """Return a job of the caller's tenant, with `lock` kept from others until the transaction ends.

    Raises
    ------
    NotFoundError
    """
    query = select(InferenceJobRow).where(InferenceJobRow.id == job_id, InferenceJobRow.tenant_id == caller.tenant_id)
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFoundError("Inference job")
    return row


async def file_of(session: AsyncSession, job: InferenceJobRow, file_id: UUID) -> InferenceFileRow:
    """Return a file of a job.

    Raises
    ------
    NotFoundError
    """
    row = await session.scalar(
        select(InferenceFileRow).where(
            InferenceFileRow.id == file_id,
            InferenceFileRow.inference_job_id == job.id,
            InferenceFileRow.tenant_id == job.tenant_id,
        )
    )
    if row is None:
        raise NotFoundError("Inference file")
    return row


async def model_of(session: AsyncSession, tenant_id: UUID, model_id: UUID, *, lock: bool = False) -> ModelRow | None:
    """Return a model; with `lock` it cannot be deleted before the transaction ends."""
    query = select(ModelRow).where(ModelRow.id == model_id, ModelRow.tenant_id == tenant_id)
    return await session.scalar(query.with_for_update(read=True) if lock else query)
