"""Datasets: rows D1 to D5."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from relaylib.api import ArtifactTypeBody, Dataset, DatasetSummary, Page, UpdateDataset
from relaylib.client.resource import Id, Resource, checked_id, without_none
from relaylib.types import ArtifactType

__all__ = ["Datasets", "TypeGiven"]

TypeGiven = str | ArtifactType | ArtifactTypeBody | Mapping[str, Any]
"""An artifact type as users may give it: its name alone, the library's value, or the API's."""


class Datasets(Resource):
    """Datasets, as ``client.datasets``."""

    def create(self, name: str, *, artifact_types: Iterable[TypeGiven] = (), description: str | None = None) -> Dataset:
        """Make a dataset.

        Parameters
        ----------
        name : str
        artifact_types : iterable of str, ArtifactType, ArtifactTypeBody or mapping
            What will be marked in it.
        description : str, optional

        Raises
        ------
        ValidationError
            If a name is too long or a type is given twice.
        """
        body = without_none(name=name, description=description, artifact_types=_types(artifact_types))
        return self._http.post("/datasets", Dataset, body=body)

    def list(self, *, page: int = 1, page_size: int | None = None) -> Page[DatasetSummary]:
        """Return one page of the datasets, newest first."""
        return self._page("/datasets", DatasetSummary, page, page_size)

    def iterate(self) -> Iterator[DatasetSummary]:
        """Yield all datasets, newest first; pages are fetched as they are reached."""
        return self._iterate("/datasets", DatasetSummary)

    def get(self, dataset_id: Id) -> Dataset:
        """Return a dataset.

        Raises
        ------
        NotFoundError
            If there is none of this id.
        """
        return self._http.get(f"/datasets/{checked_id(dataset_id)}", Dataset)

    def update(
        self,
        dataset_id: Id,
        *,
        name: str | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
        artifact_types: Iterable[TypeGiven] | UnsetType = UNSET,
    ) -> Dataset:
        """Change what is given; the artifact types are replaced as a whole.

        Raises
        ------
        RefusedError
            If a type is left out that annotations use.
        """
        types = artifact_types if isinstance(artifact_types, UnsetType) else _types(artifact_types)
        body = msgspec.to_builtins(UpdateDataset(name, description))
        if not isinstance(types, UnsetType):
            body["artifact_types"] = types
        return self._http.patch(f"/datasets/{checked_id(dataset_id)}", Dataset, body=body)

    def delete(self, dataset_id: Id) -> None:
        """Delete a dataset with its audio and annotations; models that were trained on it stay.

        Raises
        ------
        RefusedError
            If a training job on it has not ended.
        """
        self._http.delete(f"/datasets/{checked_id(dataset_id)}")


def _types(given: Iterable[TypeGiven]) -> tuple[Mapping[str, Any], ...]:
    return tuple(_type(one) for one in given)


def _type(given: TypeGiven) -> Mapping[str, Any]:
    if isinstance(given, str):
        return {"name": given}
    if isinstance(given, Mapping):
        return given
    return without_none(name=given.name, description=given.description, color=given.color)
