"""Routes of datasets, rows D1 to D5 of the contract."""

from __future__ import annotations

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from relaylib.api import CreateDataset, Dataset, DatasetSummary, Page, UpdateDataset
from relaylib.server.datasets.service import Datasets
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["DatasetController"]


_SERVICES = {"datasets": service(Datasets)}


class DatasetController(Controller):
    """The datasets of the caller's tenant."""

    path = "/datasets"
    tags = ("Datasets",)
    dependencies = _SERVICES

    @post(operation_id="create_dataset", summary="Create a dataset")
    async def create(self, data: JSONBody[CreateDataset], datasets: NamedDependency[Datasets]) -> Dataset:
        """Make a dataset; the names of its artifact types are unique in it."""
        return await datasets.create(data)

    @get(operation_id="list_datasets", summary="List datasets")
    async def list(self, datasets: NamedDependency[Datasets], page: NamedDependency[PageQuery]) -> Page[DatasetSummary]:
        """Give a page of datasets with how many audio files and annotation sets they have, newest first."""
        return await datasets.list(page)

    @get("/{dataset_id:str}", operation_id="get_dataset", summary="Get a dataset")
    async def get(self, dataset_id: PathId, datasets: NamedDependency[Datasets]) -> Dataset:
        """Give one dataset."""
        return await datasets.get(dataset_id)

    @patch("/{dataset_id:str}", operation_id="update_dataset", summary="Change a dataset")
    async def update(
        self, dataset_id: PathId, data: JSONBody[UpdateDataset], datasets: NamedDependency[Datasets]
    ) -> Dataset:
        """Change the fields that are sent; artifact types are replaced as a whole, and those in use have to stay."""
        return await datasets.update(dataset_id, data)

    @delete("/{dataset_id:str}", operation_id="delete_dataset", summary="Delete a dataset")
    async def delete(self, dataset_id: PathId, datasets: NamedDependency[Datasets]) -> None:
        """Remove a dataset with its audio and annotations, unless a training job uses it; models stay."""
        await datasets.delete(dataset_id)
