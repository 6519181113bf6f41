"""Finding a tenant's dataset, and holding it while something in it changes."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import DatasetRow, TrainingJobRow
from relaylib.server.errors import NotFoundError, RefusedError

__all__ = ["Lock", "check_no_training", "own_dataset"]

_ENDED = ("completed", "failed", "cancelled")

Lock = Literal["exists", "unchanged", "alone"]


async def own_dataset(
    session: AsyncSession, tenant_id: UUID, dataset_id: UUID, *, lock: Lock | None = None
) -> DatasetRow:
    """Return a tenant's dataset.

    Parameters
    ----------
    lock : {"exists", "unchanged", "alone"}, optional
        What holds until the transaction ends: the dataset is not deleted; it is not changed either, and no set of it
        is published; nobody else has any of these locks. Take it before any row inside the dataset.

    Raises
    ------
    NotFoundError
        If there is none of that id, or it is another tenant's.
    """
    query = select(DatasetRow).where(DatasetRow.tenant_id == tenant_id, DatasetRow.id == dataset_id)
    if lock is not None:
        query = query.with_for_update(read=lock != "alone", key_share=lock == "exists")
    row = await session.scalar(query)
    if row is None:
        raise NotFoundError("Dataset")
    return row


async def check_no_training(session: AsyncSession, tenant_id: UUID, dataset_id: UUID) -> None:
    """Raise `RefusedError` if a training has yet to read from a dataset, which is held ``"alone"``."""
    running = await session.scalar(
        select(TrainingJobRow.id)
        .where(
            TrainingJobRow.tenant_id == tenant_id,
            TrainingJobRow.dataset_id == dataset_id,
            TrainingJobRow.status.not_in(_ENDED),
        )
        .limit(1)
    )
    if running is not None:
        raise RefusedError(f"Training job {running} uses the dataset; cancel it or wait until it has ended")
