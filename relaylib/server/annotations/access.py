"""Finding a tenant's annotation set, and holding it while its annotations change."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import AnnotationSetRow, DatasetRow
from relaylib.server.datasets.access import own_dataset
from relaylib.server.errors import NotFoundError, RefusedError

__all__ = ["draft_to_change", "draft_to_close", "own_set"]


async def own_set(session: AsyncSession, tenant_id: UUID, dataset_id: UUID, set_id: UUID) -> AnnotationSetRow:
    """Return an annotation set of a tenant's dataset.

    Raises
    ------
    NotFoundError
        If the dataset or the set is not there, or is another tenant's.
    """
    await own_dataset(session, tenant_id, dataset_id)
    return await _find(session, tenant_id, dataset_id, set_id)


async def draft_to_change(
    session: AsyncSession, tenant_id: UUID, dataset_id: UUID, set_id: UUID, *, alone: bool = False
) -> DatasetRow:
    """Return the dataset of a draft; until the transaction ends it stays one, and the dataset keeps its types.

    Parameters
    ----------
    alone : bool
        Whether others have to wait; those who only add annotations do not disturb each other.

    Raises
    ------
    NotFoundError
        As `own_set`.
    RefusedError
        If the set is published.
    """
    dataset = await own_dataset(session, tenant_id, dataset_id, lock="unchanged")
    await _find_draft(session, tenant_id, dataset_id, set_id, alone=alone)
    return dataset


async def draft_to_close(session: AsyncSession, tenant_id: UUID, dataset_id: UUID, set_id: UUID) -> AnnotationSetRow:
    """Return a draft that is to be published or removed: until the transaction ends nobody changes what is in it.

    Raises
    ------
    NotFoundError, RefusedError
        As `draft_to_change`.
    """
    await own_dataset(session, tenant_id, dataset_id, lock="unchanged")
    return await _find_draft(session, tenant_id, dataset_id, set_id, alone=True)


async def _find_draft(
    session: AsyncSession, tenant_id: UUID, dataset_id: UUID, set_id: UUID, *, alone: bool
) -> AnnotationSetRow:
    row = await _find(session, tenant_id, dataset_id, set_id, shared=not alone)
    if row.status != "draft":
        raise RefusedError(f"Annotation set v{row.version} is published, so nothing in it can change; make a new set")
    return row


async def _find(
    session: AsyncSession, tenant_id: UUID, dataset_id: UUID, set_id: UUID, *, shared: bool | None = None
) -> AnnotationSetRow:
    query = select(AnnotationSetRow).where(
        AnnotationSetRow.tenant_id == tenant_id,
        AnnotationSetRow.dataset_id == dataset_id,
        AnnotationSetRow.id == set_id,
    )
    row = await session.scalar(query if shared is None else query.with_for_update(read=shared))
    if row is None:
        raise NotFoundError("Annotation set")
    return row
