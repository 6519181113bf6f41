"""Training jobs: rows T1 to T4."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from relaylib.api import Page, TrainingConfig, TrainingJob, TrainingStatus
from relaylib.client.jobs import completed, has_ended
from relaylib.client.parallel import make_bar
from relaylib.client.resource import Id, Resource, checked_id
from relaylib.client.waiting import poll

__all__ = ["TrainingJobs"]

_PATH = "/training-jobs"
_POLL_S = 5.0


class TrainingJobs(Resource):
    """Trainings of models, as ``client.training_jobs``."""

    def create(
        self, dataset_id: Id, annotation_set_id: Id, config: TrainingConfig | Mapping[str, Any] | Sequence[str]
    ) -> TrainingJob:
        """Begin a training on a published annotation set; it makes a model when it is completed.

        Parameters
        ----------
        dataset_id, annotation_set_id : UUID or str
        config : TrainingConfig, mapping, or sequence of str
            Names of artifact types alone train with the server's defaults.

        Raises
        ------
        RefusedError
            If the set is a draft, audio isn't ready, there is too little of it, or a type has no annotation.
        """
        body = {
            "dataset_id": checked_id(dataset_id),
            "annotation_set_id": checked_id(annotation_set_id),
            "config": config if isinstance(config, (TrainingConfig, Mapping)) else {"artifact_types": tuple(config)},
        }
        return self._http.post(_PATH, TrainingJob, body=body)

    def get(self, job_id: Id) -> TrainingJob:
        """Return how a training stands."""
        return self._http.get(f"{_PATH}/{checked_id(job_id)}", TrainingJob)

    def list(
        self,
        *,
        status: TrainingStatus | None = None,
        dataset_id: Id | None = None,
        page: int = 1,
        page_size: int | None = None,
    ) -> Page[TrainingJob]:
        """Return one page of the trainings, newest first; only those in a state or on a dataset if one is given."""
        return self._page(_PATH, TrainingJob, page, page_size, _filter(status, dataset_id))

    def iterate(self, *, status: TrainingStatus | None = None, dataset_id: Id | None = None) -> Iterator[TrainingJob]:
        """Yield all trainings, newest first; pages are fetched as they are reached."""
        return self._iterate(_PATH, TrainingJob, _filter(status, dataset_id))

    def cancel(self, job_id: Id) -> TrainingJob:
        """Stop a training.

        Raises
        ------
        RefusedError
            If it has ended.
        """
        return self._http.post(f"{_PATH}/{checked_id(job_id)}/cancel", TrainingJob)

    def wait(
        self,
        job_id: Id,
        *,
        timeout: float | None = None,
        progress: bool = True,
        on_update: Callable[[TrainingJob], None] | None = None,
    ) -> TrainingJob:
        """Wait until a training is completed; its model is ``client.models.of_training(job_id)``.

        Parameters
        ----------
        job_id : UUID or str
        timeout : float, optional
            Seconds; without it, as long as it takes.
        progress : bool
            Show a bar.
        on_update : callable, optional
            Gets the job each time it was fetched.

        Raises
        ------
        JobFailedError
            If it failed or was cancelled; the message has the server's reason.
        WaitTimeoutError
            If it has not ended in time; it goes on at the server.
        """
        bar = make_bar("training", 100, shown=progress, percent=True)

        def see(job: TrainingJob) -> None:
            bar.set_postfix_str(job.status)
            bar.update((job.progress_percent or 0.0) - bar.n)
            if on_update is not None:
                on_update(job)

        try:
            job = poll(
                lambda: self.get(job_id),
                ended=has_ended,
                what=f"training job {job_id}",
                timeout=timeout,
                most_s=_POLL_S,
                see=see,
            )
        finally:
            bar.close()
        return completed(job, "training job")


def _filter(status: TrainingStatus | None, dataset_id: Id | None) -> dict[str, Any]:
    return {"status": status, "dataset_id": None if dataset_id is None else checked_id(dataset_id)}
