"""Routes of models, rows M1 to M4 of the contract."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, delete, get, patch
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from relaylib.api import Model, Page, UpdateModel
from relaylib.server.models.service import Models
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["ModelController"]

_SERVICES = {"models": service(Models)}


class ModelController(Controller):
    """Models of the caller's tenant."""

    path = "/models"
    tags = ("Models",)
    dependencies = _SERVICES

    @get(operation_id="list_models", summary="List models")
    async def list_models(
        self,
        models: NamedDependency[Models],
        page: NamedDependency[PageQuery],
        is_active: FromQuery[bool | None] = None,
        training_job_id: FromQuery[UUID | None] = None,
    ) -> Page[Model]:
        """Give a page of the models, newest first."""
        return await models.list_page(page, is_active=is_active, training_job_id=training_job_id)

    @get("/{model_id:str}", operation_id="get_model", summary="Get a model")
    async def get_model(self, model_id: PathId, models: NamedDependency[Models]) -> Model:
        """Give a model with its figures."""
        return await models.get(model_id)

    @patch("/{model_id:str}", operation_id="update_model", summary="Change a model")
    async def update(self, model_id: PathId, data: JSONBody[UpdateModel], models: NamedDependency[Models]) -> Model:
        """Name or describe a model, or say whether new inference jobs may use it."""
        return await models.update(model_id, data)

    @delete("/{model_id:str}", operation_id="delete_model", summary="Delete a model")
    async def remove(self, model_id: PathId, models: NamedDependency[Models]) -> None:
        """Remove a model that no inference job is at work with."""
        await models.delete(model_id)
