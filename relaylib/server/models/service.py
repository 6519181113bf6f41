"""Models in the database."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import Model, Page, UpdateModel
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import InferenceJobRow, ModelRow
from relaylib.server.errors import NotFoundError, RefusedError
from relaylib.server.paging import PageQuery, fetch_page
from relaylib.server.uploads import delete_objects

__all__ = ["Models"]


class Models:
    """The models of the caller's tenant."""

    def __init__(self, context: Context, caller: Caller) -> None:
        self._context = context
        self._caller = caller

    async def get(self, model_id: UUID) -> Model:
        """Return a model."""
        async with self._context.db.read() as session:
            return _body(await self._row(session, model_id))

    async def list_page(self, page: PageQuery, *, is_active: bool | None, training_job_id: UUID | None) -> Page[Model]:
        """Return a page of the models, of those in use or not and of one training if wanted."""
        query = select(ModelRow).where(ModelRow.tenant_id == self._caller.tenant_id)
        if is_active is not None:
            query = query.where(ModelRow.is_active.is_(is_active))
        if training_job_id is not None:
            query = query.where(ModelRow.training_job_id == training_job_id)
        async with self._context.db.read() as session:
            rows, total = await fetch_page(session, query, ModelRow, page)
        return Page([_body(row) for row in rows], total, page.page, page.page_size)

    async def update(self, model_id: UUID, body: UpdateModel) -> Model:
        """Change what a model is called, or whether new inference jobs may use it."""
        async with self._context.db.write() as session:
            row = await self._row(session, model_id, lock=True)
            if body.name is not UNSET:
                row.name = body.name
            if body.description is not UNSET:
                row.description = body.description
            if body.is_active is not UNSET:
                row.is_active = body.is_active
            return _body(row)

    async def delete(self, model_id: UUID) -> None:
        """Remove a model; its training job and the results of its inference jobs stay.

        Raises
        ------
        NotFoundError
        RefusedError
            If an inference job is at work with it.
        """
        async with self._context.db.write() as session:
            row = await self._row(session, model_id, lock=True)
            at_work = select(func.count()).where(
                InferenceJobRow.model_id == row.id, InferenceJobRow.status == "processing"
            )
            n_jobs = await session.scalar(at_work)
            if n_jobs:
                raise RefusedError(f"The model is in use by {n_jobs} inference jobs; wait for them or cancel them")
            await session.delete(row)
        await delete_objects(self._context, [row.object_key])

    async def _row(self, session: AsyncSession, model_id: UUID, *, lock: bool = False) -> ModelRow:
        query = select(ModelRow).where(ModelRow.id == model_id, ModelRow.tenant_id == self._caller.tenant_id)
        row = await session.scalar(query.with_for_update() if lock else query)
        if row is None:
            raise NotFoundError("Model")
        return row


def _body(row: ModelRow) -> Model:
    return Model(
        id=row.id,
        name=row.name,
        description=row.description,
        artifact_types=row.artifact_types,
        training_job_id=row.training_job_id,
        eval_metrics=row.eval_metrics,
        is_active=row.is_active,
        created_at=row.created_at,
        tenant_id=row.tenant_id,
    )
