"""Routes of training jobs, rows T1 to T4 of the contract."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from relaylib.api import CreateTrainingJob, Page, TrainingJob, TrainingStatus
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service
from relaylib.server.training.service import Trainings

__all__ = ["TrainingController"]

_SERVICES = {"trainings": service(Trainings)}


class TrainingController(Controller):
    """Trainings of the caller's tenant."""

    path = "/training-jobs"
    tags = ("Training jobs",)
    dependencies = _SERVICES

    @post(operation_id="create_training_job", summary="Train a model")
    async def create(self, data: JSONBody[CreateTrainingJob], trainings: NamedDependency[Trainings]) -> TrainingJob:
        """Queue a training on a published annotation set; a model comes of it."""
        return await trainings.create(data)

    @get(operation_id="list_training_jobs", summary="List training jobs")
    async def list_jobs(
        self,
        trainings: NamedDependency[Trainings],
        page: NamedDependency[PageQuery],
        status: FromQuery[TrainingStatus | None] = None,
        dataset_id: FromQuery[UUID | None] = None,
    ) -> Page[TrainingJob]:
        """Give a page of the training jobs, newest first."""
        return await trainings.list_page(page, status=status, dataset_id=dataset_id)

    @get("/{job_id:str}", operation_id="get_training_job", summary="Get a training job")
    async def get_job(self, job_id: PathId, trainings: NamedDependency[Trainings]) -> TrainingJob:
        """Give a training job: where it stands, and what came of it."""
        return await trainings.get(job_id)

    @post("/{job_id:str}/cancel", status_code=200, operation_id="cancel_training_job", summary="Cancel a training job")
    async def cancel(self, job_id: PathId, trainings: NamedDependency[Trainings]) -> TrainingJob:
        """Stop a training that is not over."""
        return await trainings.cancel(job_id)
