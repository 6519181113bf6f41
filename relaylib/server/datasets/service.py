"""What can be done with datasets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import ArtifactTypeBody, CreateDataset, Dataset, DatasetSummary, Page, Problem, UpdateDataset
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow, AudioFileRow, DatasetRow
from relaylib.server.datasets.access import check_no_training, own_dataset
from relaylib.server.errors import InvalidError, RefusedError
from relaylib.server.jobs import queue
from relaylib.server.paging import PageQuery, fetch_page
from relaylib.server.uploads import delete_objects

__all__ = ["Datasets"]


class Datasets:
    """The datasets of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._tenant_id = caller.tenant_id

    async def create(self, body: CreateDataset) -> Dataset:
        """Make a dataset without audio."""
        _check_names(body.artifact_types)
        now = datetime.now(timezone.utc)
        row = DatasetRow(
            id=uuid4(),
            tenant_id=self._tenant_id,
            name=body.name,
            description=body.description,
            artifact_types=msgspec.to_builtins(body.artifact_types),
            created_at=now,
            updated_at=now,
        )
        async with self._context.db.write() as session:
            session.add(row)
        return Dataset(**_fields(row))

    async def list(self, page: PageQuery) -> Page[DatasetSummary]:
        """Return a page of datasets with what they hold, newest first."""
        mine = select(DatasetRow).where(DatasetRow.tenant_id == self._tenant_id)
        async with self._context.db.read() as session:
            rows, total = await fetch_page(session, mine, DatasetRow, page)
            ids = [row.id for row in rows]
            n_audio = await self._counts(session, AudioFileRow, ids)
            n_sets = await self._counts(session, AnnotationSetRow, ids)
        items = [
            DatasetSummary(
                **_fields(row), audio_count=n_audio.get(row.id, 0), annotation_set_count=n_sets.get(row.id, 0)
            )
            for row in rows
        ]
        return Page(items=items, total=total, page=page.page, page_size=page.page_size)

    async def get(self, dataset_id: UUID) -> Dataset:
        """Return one dataset."""
        async with self._context.db.read() as session:
            return Dataset(**_fields(await own_dataset(session, self._tenant_id, dataset_id)))

    async def update(self, dataset_id: UUID, body: UpdateDataset) -> Dataset:
        """Change what `body` names; types that annotations use have to stay."""
        async with self._context.db.write() as session:
            row = await own_dataset(session, self._tenant_id, dataset_id, lock="alone")
            if body.name is not UNSET:
                row.name = body.name
            if body.description is not UNSET:
                row.description = body.description
            if body.artifact_types is not UNSET:
                _check_names(body.artifact_types)
                await self._check_unused(session, row, kept={given.name for given in body.artifact_types})
                row.artifact_types = msgspec.to_builtins(body.artifact_types)
            row.updated_at = datetime.now(timezone.utc)
        return Dataset(**_fields(row))

    async def delete(self, dataset_id: UUID) -> None:
        """Remove a dataset with all that is in it; models that were trained on it stay."""
        async with self._context.db.write() as session:
            await own_dataset(session, self._tenant_id, dataset_id, lock="alone")
            await check_no_training(session, self._tenant_id, dataset_id)
            audio = await session.execute(
                select(AudioFileRow.id, AudioFileRow.object_key).where(
                    AudioFileRow.tenant_id == self._tenant_id, AudioFileRow.dataset_id == dataset_id
                )
            )
            key_of: dict[UUID, str] = dict(audio.all())
            await session.execute(
                delete(DatasetRow).where(DatasetRow.tenant_id == self._tenant_id, DatasetRow.id == dataset_id)
            )
            await queue.forget(session, kind="prepare_audio", subject_ids=list(key_of))
        self._context.wake()
        await delete_objects(self._context, list(key_of.values()))

    async def _counts(
        self, session: AsyncSession, table: type[AudioFileRow | AnnotationSetRow], ids: Sequence[UUID]
    ) -> dict[UUID, int]:
        """Return how many rows of `table` each dataset has; those that have none are left out."""
        found = await session.execute(
            select(table.dataset_id, func.count())
            .where(table.tenant_id == self._tenant_id, table.dataset_id.in_(ids))
            .group_by(table.dataset_id)
        )
        return dict(found.all())

    async def _check_unused(self, session: AsyncSession, row: DatasetRow, *, kept: set[str]) -> None:
        dropped = {given["name"] for given in row.artifact_types} - kept
        if not dropped:
            return
        used = await session.scalars(
            select(AnnotationRow.artifact_type)
            .join(AnnotationSetRow, AnnotationSetRow.id == AnnotationRow.annotation_set_id)
            .where(
                AnnotationRow.tenant_id == self._tenant_id,
                AnnotationSetRow.dataset_id == row.id,
                AnnotationRow.artifact_type.in_(dropped),
            )
            .distinct()
        )
        names = ", ".join(sorted(used))
        if names:
            raise RefusedError(f"Annotations use these artifact types, so they cannot be removed: {names}")


def _check_names(given: Sequence[ArtifactTypeBody]) -> None:
    """Raise `InvalidError` at every name that stands before it in the list too."""
    seen: set[str] = set()
    problems: list[Problem] = []
    for index, artifact_type in enumerate(given):
        if artifact_type.name in seen:
            loc: list[str | int] = ["body", "artifact_types", index, "name"]
            problems.append(Problem(loc, f"names another artifact type too: {artifact_type.name!r}", "value_error"))
        seen.add(artifact_type.name)
    if problems:
        raise InvalidError(problems)


def _fields(row: DatasetRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "artifact_types": msgspec.convert(row.artifact_types, list[ArtifactTypeBody]),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "tenant_id": row.tenant_id,
    }
