"""What can be done with annotation sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, update

from relaylib.api import AnnotationBody, AnnotationSet, AnnotationSetDetail, SetList
from relaylib.server.annotations.access import draft_to_close, own_set
from relaylib.server.annotations.statistics import SetStatistics, count_sets
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow, DatasetRow
from relaylib.server.datasets.access import own_dataset
from relaylib.server.errors import RefusedError
from relaylib.server.paging import PageQuery

__all__ = ["AnnotationSets"]

_BODY_COLUMNS = [getattr(AnnotationRow, name) for name in AnnotationBody.__struct_fields__]


class AnnotationSets:
    """The annotation sets of the datasets of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._db = context.db
        self._tenant_id = caller.tenant_id

    async def create(self, dataset_id: UUID) -> AnnotationSet:
        """Make an empty draft with the next version number, which no other set of the dataset ever had."""
        async with self._db.write() as session:
            dataset = await own_dataset(session, self._tenant_id, dataset_id, lock="alone")
            version = dataset.n_versions + 1
            await session.execute(
                update(DatasetRow)
                .where(DatasetRow.tenant_id == self._tenant_id, DatasetRow.id == dataset_id)
                .values(n_versions=version, updated_at=DatasetRow.updated_at)
                .execution_options(synchronize_session=False)
            )
            row = AnnotationSetRow(tenant_id=self._tenant_id, dataset_id=dataset_id, version=version, status="draft")
            session.add(row)
        return AnnotationSet(**_fields(row, SetStatistics()))

    async def list(self, dataset_id: UUID, page: PageQuery | None) -> SetList:
        """Return the sets of a dataset, the newest first: one page of them, or all."""
        where = (AnnotationSetRow.tenant_id == self._tenant_id, AnnotationSetRow.dataset_id == dataset_id)
        query = select(AnnotationSetRow).where(*where).order_by(AnnotationSetRow.version.desc())
        if page is not None:
            query = query.limit(page.page_size).offset((page.page - 1) * page.page_size)
        async with self._db.read() as session:
            await own_dataset(session, self._tenant_id, dataset_id)
            rows = (await session.scalars(query)).all()
            total = await session.scalar(select(func.count()).select_from(AnnotationSetRow).where(*where))
            statistics = await count_sets(session, self._tenant_id, [row.id for row in rows])
        return SetList(items=[AnnotationSet(**_fields(row, statistics[row.id])) for row in rows], total=total or 0)

    async def get(self, dataset_id: UUID, set_id: UUID) -> AnnotationSetDetail:
        """Return a set with all its annotations, those of a file together, each file's in the order of time."""
        query = (
            select(*_BODY_COLUMNS)
            .where(AnnotationRow.tenant_id == self._tenant_id, AnnotationRow.annotation_set_id == set_id)
            .order_by(AnnotationRow.audio_file_id, AnnotationRow.start_ms, AnnotationRow.end_ms, AnnotationRow.id)
        )
        async with self._db.read() as session:
            row = await own_set(session, self._tenant_id, dataset_id, set_id)
            found = await session.execute(query)
            annotations = [AnnotationBody(*columns) for columns in found]
        return AnnotationSetDetail(**_fields(row, _count(annotations)), annotations=annotations)

    async def publish(self, dataset_id: UUID, set_id: UUID) -> AnnotationSet:
        """Make a draft that has annotations final."""
        async with self._db.write() as session:
            row = await draft_to_close(session, self._tenant_id, dataset_id, set_id)
            statistics = (await count_sets(session, self._tenant_id, [set_id]))[set_id]
            if not statistics.total_annotations:
                raise RefusedError(f"Annotation set v{row.version} has no annotations, so it cannot be published")
            row.status = "published"
            row.published_at = datetime.now(timezone.utc)
        return AnnotationSet(**_fields(row, statistics))

    async def delete(self, dataset_id: UUID, set_id: UUID) -> None:
        """Remove a draft with its annotations."""
        async with self._db.write() as session:
            await draft_to_close(session, self._tenant_id, dataset_id, set_id)
            await session.execute(
                delete(AnnotationSetRow).where(
                    AnnotationSetRow.tenant_id == self._tenant_id, AnnotationSetRow.id == set_id
                )
            )


def _count(annotations: Sequence[AnnotationBody]) -> SetStatistics:
    by_type: dict[str, int] = {}
    for annotation in annotations:
        by_type[annotation.artifact_type] = by_type.get(annotation.artifact_type, 0) + 1
    return SetStatistics(
        total_annotations=len(annotations),
        total_positive_duration_ms=sum(annotation.end_ms - annotation.start_ms for annotation in annotations),
        annotations_by_type=dict(sorted(by_type.items())),
    )


def _fields(row: AnnotationSetRow, statistics: SetStatistics) -> dict[str, Any]:
    return {
        "id": row.id,
        "dataset_id": row.dataset_id,
        "version": row.version,
        "status": row.status,
        "created_at": row.created_at,
        "published_at": row.published_at,
        **msgspec.structs.asdict(statistics),
    }
