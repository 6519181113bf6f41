"""Models: rows M1 to M4."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from relaylib.api import Model, Page, TrainingJob, UpdateModel
from relaylib.client.errors import NotFoundError
from relaylib.client.resource import Id, Resource, checked_id

__all__ = ["Models"]


class Models(Resource):
    """Trained detectors at the server, as ``client.models``."""

    def list(self, *, is_active: bool | None = None, page: int = 1, page_size: int | None = None) -> Page[Model]:
        """Return one page of the models, newest first; only (in)active ones if `is_active` is given."""
        return self._page("/models", Model, page, page_size, {"is_active": is_active})

    def iterate(self, *, is_active: bool | None = None) -> Iterator[Model]:
        """Yield all models, newest first; pages are fetched as they are reached."""
        return self._iterate("/models", Model, {"is_active": is_active})

    def get(self, model_id: Id) -> Model:
        """Return a model."""
        return self._http.get(f"/models/{checked_id(model_id)}", Model)

    def of_training(self, job_id: Id) -> Model:
        """Return the model that a training job made.

        Raises
        ------
        NotFoundError
            If there is none: the job has not been completed, or its model was deleted.
        """
        job = checked_id(job_id)
        model_id = self._http.get(f"/training-jobs/{job}", TrainingJob).model_id
        if model_id is not None:
            return self.get(model_id)
        for model in self._iterate("/models", Model, {"training_job_id": job}):  # servers may leave out model_id
            if model.training_job_id == job:
                return model
        raise NotFoundError(404, f"no model of training job {job}", method="GET", path="/api/v1/models")

    def update(
        self,
        model_id: Id,
        *,
        name: str | UnsetType | None = UNSET,
        description: str | UnsetType | None = UNSET,
        is_active: bool | UnsetType = UNSET,
    ) -> Model:
        """Change what is given: what the model is called, or whether it may be used."""
        body = UpdateModel(name, description, is_active)
        return self._http.patch(f"/models/{checked_id(model_id)}", Model, body=body)

    def delete(self, model_id: Id) -> None:
        """Delete a model.

        Raises
        ------
        RefusedError
            If an inference job uses it now.
        """
        self._http.delete(f"/models/{checked_id(model_id)}")
