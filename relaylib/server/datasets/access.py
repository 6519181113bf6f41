"""Finding a tenant's dataset, and holding it while something in it changes."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import DatasetRow
from relaylib.server.errors import NotFoundError

__all__ = ["Lock", "own_dataset"]

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
