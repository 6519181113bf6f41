"""What can be done with annotations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import AnnotationBody, CreateAnnotation, CreatedAnnotations, Page, UpdateAnnotation
from relaylib.server.annotations.access import draft_to_change, own_set
from relaylib.server.annotations.rules import Location, find_problems, known_durations
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AnnotationRow
from relaylib.server.errors import InvalidError, NotFoundError
from relaylib.server.paging import PageQuery, fetch_page

__all__ = ["Annotations", "annotation_body"]

_Bodies = list[AnnotationBody]


class Annotations:
    """The annotations in the annotation sets of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._db = context.db
        self._tenant_id = caller.tenant_id

    async def create(self, dataset_id: UUID, set_id: UUID, body: CreateAnnotation) -> AnnotationBody:
        """Add one annotation to a draft."""
        return (await self._add(dataset_id, set_id, [(("body",), body)]))[0]

    async def create_many(
        self, dataset_id: UUID, set_id: UUID, bodies: Sequence[CreateAnnotation]
    ) -> CreatedAnnotations:
        """Add many annotations to a draft, all or none; they are returned in the same order."""
        given = [(("body", "annotations", index), body) for index, body in enumerate(bodies)]
        made = await self._add(dataset_id, set_id, given)
        return CreatedAnnotations(created=len(made), annotations=made)

    async def list(
        self,
        dataset_id: UUID,
        set_id: UUID,
        page: PageQuery,
        *,
        audio_file_id: UUID | None = None,
        artifact_type: str | None = None,
    ) -> Page[AnnotationBody]:
        """Return a page of a set's annotations, newest first; of one file or one type, if these are given."""
        query = select(AnnotationRow).where(
            AnnotationRow.tenant_id == self._tenant_id, AnnotationRow.annotation_set_id == set_id
        )
        if audio_file_id is not None:
            query = query.where(AnnotationRow.audio_file_id == audio_file_id)
        if artifact_type is not None:
            query = query.where(AnnotationRow.artifact_type == artifact_type)
        async with self._db.read() as session:
            await own_set(session, self._tenant_id, dataset_id, set_id)
            rows, total = await fetch_page(session, query, AnnotationRow, page)
        items = [annotation_body(row) for row in rows]
        return Page(items=items, total=total, page=page.page, page_size=page.page_size)

    async def update(
        self, dataset_id: UUID, set_id: UUID, annotation_id: UUID, body: UpdateAnnotation
    ) -> AnnotationBody:
        """Change what `body` names in an annotation of a draft; the result as a whole obeys the rules again."""
        async with self._db.write() as session:
            dataset = await draft_to_change(session, self._tenant_id, dataset_id, set_id, alone=True)
            row = await self._find(session, set_id, annotation_id)
            durations_ms = await known_durations(session, dataset, {row.audio_file_id})
            for name, value in msgspec.structs.asdict(body).items():
                if value is not UNSET:
                    setattr(row, name, value)
            problems = find_problems([(("body",), row)], dataset, durations_ms)
            if problems:
                raise InvalidError(problems)
        return annotation_body(row)

    async def delete(self, dataset_id: UUID, set_id: UUID, annotation_id: UUID) -> None:
        """Remove an annotation from a draft."""
        async with self._db.write() as session:
            await draft_to_change(session, self._tenant_id, dataset_id, set_id, alone=True)
            await self._find(session, set_id, annotation_id)
            await session.execute(
                delete(AnnotationRow).where(
                    AnnotationRow.tenant_id == self._tenant_id, AnnotationRow.id == annotation_id
                )
            )

    async def _add(self, dataset_id: UUID, set_id: UUID, given: Sequence[tuple[Location, CreateAnnotation]]) -> _Bodies:
        now = datetime.now(timezone.utc)
        made = [
            AnnotationBody(id=uuid4(), annotation_set_id=set_id, created_at=now, **msgspec.structs.asdict(body))
            for _, body in given
        ]
        async with self._db.write() as session:
            dataset = await draft_to_change(session, self._tenant_id, dataset_id, set_id)
            durations_ms = await known_durations(session, dataset, {body.audio_file_id for _, body in given})
            problems = find_problems(given, dataset, durations_ms)
            if problems:
                raise InvalidError(problems)
            rows: list[dict[str, Any]] = [
                {**msgspec.structs.asdict(body), "tenant_id": self._tenant_id, "updated_at": now} for body in made
            ]
            await session.execute(insert(AnnotationRow), rows)
        return made

    async def _find(self, session: AsyncSession, set_id: UUID, annotation_id: UUID) -> AnnotationRow:
        row = await session.scalar(
            select(AnnotationRow).where(
                AnnotationRow.tenant_id == self._tenant_id,
                AnnotationRow.annotation_set_id == set_id,
                AnnotationRow.id == annotation_id,
            )
        )
        if row is None:
            raise NotFoundError("Annotation")
        return row


def annotation_body(row: AnnotationRow) -> AnnotationBody:
    """Return an annotation as the API gives it."""
    return AnnotationBody(
        id=row.id,
        annotation_set_id=row.annotation_set_id,
        audio_file_id=row.audio_file_id,
        artifact_type=row.artifact_type,
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        confidence=row.confidence,
        extra_data=row.extra_data,
        created_at=row.created_at,
    )
