"""Inference jobs: rows I1 to I4, and the whole way from files to detections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from relaylib.api import InferenceConfig, InferenceFile, InferenceJob, InferenceJobDetail, InferenceStatus, Page
from relaylib.client.inference_files import InferenceFiles
from relaylib.client.jobs import completed, has_ended
from relaylib.client.parallel import each, make_bar
from relaylib.client.resource import Id, PathLike, Resource, checked_id
from relaylib.client.results import failed_result, file_result
from relaylib.client.waiting import poll
from relaylib.errors import ParameterError, RelayError
from relaylib.types import DecodeConfig, FileResult

__all__ = ["ConfigGiven", "FileResults", "InferenceJobs"]

ConfigGiven = InferenceConfig | DecodeConfig | Mapping[str, Any]
"""How scores become detections, as users may give it: the API's value, the library's, or some of the fields."""

FileResults = list[FileResult]

_PATH = "/inference-jobs"
_POLL_S = 2.0


class InferenceJobs(Resource):
    """Models at work on files, as ``client.inference_jobs``."""

    def create(self, model_id: Id, config: ConfigGiven | None = None) -> InferenceJob:
        """Make a job, to which files are added by ``client.inference_files``; :meth:`detect` does all steps.

        Raises
        ------
        RefusedError
            If the model is not active.
        """
        body: dict[str, Any] = {"model_id": checked_id(model_id)}
        if config is not None:
            body["config"] = _config(config)
        return self._http.post(_PATH, InferenceJob, body=body)

    def get(self, job_id: Id) -> InferenceJobDetail:
        """Return how a job stands, with its files and what was found in them."""
        return self._http.get(f"{_PATH}/{checked_id(job_id)}", InferenceJobDetail)

    def list(
        self, *, status: InferenceStatus | None = None, page: int = 1, page_size: int | None = None
    ) -> Page[InferenceJob]:
        """Return one page of the jobs, newest first, without files; only those in a state if `status` is given."""
        return self._page(_PATH, InferenceJob, page, page_size, {"status": status})

    def iterate(self, *, status: InferenceStatus | None = None) -> Iterator[InferenceJob]:
        """Yield all jobs, newest first, without files; pages are fetched as they are reached."""
        return self._iterate(_PATH, InferenceJob, {"status": status})

    def cancel(self, job_id: Id) -> InferenceJob:
        """Stop a job; what was found so far is kept.

        Raises
        ------
        RefusedError
            If it has ended.
        """
        return self._http.post(f"{_PATH}/{checked_id(job_id)}/cancel", InferenceJob)

    def wait(
        self,
        job_id: Id,
        *,
        timeout: float | None = None,
        progress: bool = True,
        on_update: Callable[[InferenceJobDetail], None] | None = None,
    ) -> InferenceJobDetail:
        """Wait until all confirmed files of a job were looked at; a job without any is waited for.

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
            If every file failed, or the job was cancelled.
        WaitTimeoutError
            If it has not ended in time; it goes on at the server.
        """
        return completed(self._ended(job_id, has_ended, timeout, progress, on_update), "inference job")

    def detect(
        self,
        model_id: Id,
        paths: Sequence[PathLike],
        config: ConfigGiven | None = None,
        *,
        workers: int = 4,
        timeout: float | None = None,
        progress: bool = True,
    ) -> FileResults:
        """Find artifacts in files: make a job, upload the files, wait, and bring back what was found.

        Parameters
        ----------
        model_id : UUID or str
        paths : sequence of path
        config : InferenceConfig, DecodeConfig or mapping, optional
            The server's defaults when left out.
        workers : int
            Uploads at a time.
        timeout : float, optional
            Seconds to wait after the last upload; without it, as long as it takes.
        progress : bool
            Show bars.

        Returns
        -------
        list of FileResult, in the order of `paths`
            A file that could not be uploaded or decoded is there as failed, with the reason.

        Raises
        ------
        WaitTimeoutError
            If files have not been looked at in time; the job goes on at the server.
        ApiError
            If the model cannot be used.

        Notes
        -----
        An interrupt while uploading or waiting cancels the job.
        """
        if not paths:
            return []
        job = self.create(model_id, config)
        files = InferenceFiles(self._http)
        try:
            uploads = each(
                paths,
                lambda path, stop: files.upload(job.id, path, stop=stop),
                workers=workers,
                what="uploading",
                progress=progress,
            )
            ids = {file.id for file in uploads if isinstance(file, InferenceFile)}
            found = self._looked_at(job.id, ids, timeout, progress)
        except KeyboardInterrupt:
            self._cancel_quietly(job.id)
            raise
        return [
            file_result(path, found.get(one.id, one)) if isinstance(one, InferenceFile) else failed_result(path, one)
            for path, one in zip(paths, uploads, strict=True)
        ]

    def _looked_at(
        self, job_id: UUID, ids: set[UUID], timeout: float | None, progress: bool
    ) -> Mapping[UUID, InferenceFile]:
        """Return the files once each has ended, or the job has."""
        if not ids:
            self._cancel_quietly(job_id)
            return {}

        def ended(job: InferenceJobDetail) -> bool:
            over = {file.id for file in job.files if file.status in ("completed", "failed")}
            return ids <= over or has_ended(job)

        job = self._ended(job_id, ended, timeout, progress, None)
        return {file.id: file for file in job.files}

    def _ended(
        self,
        job_id: Id,
        ended: Callable[[InferenceJobDetail], bool],
        timeout: float | None,
        progress: bool,
        on_update: Callable[[InferenceJobDetail], None] | None,
    ) -> InferenceJobDetail:
        bar = make_bar("detecting", 1, shown=progress)

        def see(job: InferenceJobDetail) -> None:
            bar.total = job.total_files or 1
            bar.update((job.processed_files or 0) + (job.failed_files or 0) - bar.n)
            if on_update is not None:
                on_update(job)

        try:
            return poll(
                lambda: self.get(job_id),
                ended=ended,
                what=f"inference job {job_id}",
                timeout=timeout,
                most_s=_POLL_S,
                see=see,
            )
        finally:
            bar.close()

    def _cancel_quietly(self, job_id: UUID) -> None:
        with suppress(RelayError):
            self.cancel(job_id)


def _config(given: ConfigGiven) -> Any:
    if not isinstance(given, DecodeConfig):
        return given
    if given.low_threshold is not None:
        raise ParameterError(f"low_threshold={given.low_threshold}: the API knows one threshold only; leave it out.")
    return {
        "threshold": given.threshold,
        "merge_window_ms": given.merge_window_ms,
        "min_duration_ms": given.min_duration_ms,
    }
