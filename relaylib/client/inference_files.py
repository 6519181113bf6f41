"""Files of inference jobs: rows F1 to F6."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from relaylib.api import DownloadUrl, InferenceFile, Page, UploadTarget
from relaylib.client.names import content_type_of, sent_name
from relaylib.client.resource import Id, PathLike, Resource, checked_id
from relaylib.client.storage import checked_size, download, upload

__all__ = ["InferenceFiles"]


class InferenceFiles(Resource):
    """Files in which artifacts are looked for, as ``client.inference_files``."""

    def create_upload(self, job_id: Id, filename: str, *, content_type: str, size_bytes: int) -> UploadTarget:
        """Ask where to upload a file; :meth:`upload` does all steps."""
        body = {"filename": filename, "content_type": content_type, "file_size_bytes": size_bytes}
        return self._http.post(f"{_path(job_id)}/upload-url", UploadTarget, body=body)

    def confirm(self, job_id: Id, file_id: Id) -> InferenceFile:
        """Say that a file was uploaded, so that the model looks at it; may be said again.

        Raises
        ------
        RefusedError
            If the storage does not have it, or the job was cancelled.
        """
        body = {"file_id": checked_id(file_id)}
        return self._http.post(f"{_path(job_id)}/confirm", InferenceFile, body=body, repeatable=True)

    def upload(
        self,
        job_id: Id,
        path: PathLike,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        stop: threading.Event | None = None,
    ) -> InferenceFile:
        """Upload a file and have the model look at it.

        Parameters
        ----------
        job_id : UUID or str
        path : path
            Read piece by piece.
        filename : str, optional
            What it is to be called; by default its own name without folders.
        content_type : str, optional
            MIME type; by default what the ending of `path` stands for.
        stop : threading.Event, optional
            Ends the upload when it is set.

        Raises
        ------
        ValidationError
            If the server does not take files of this type or size.
        UploadError
            If the storage refuses it.
        ParameterError
            If it is empty or not a file.
        OSError
            If it cannot be read.
        """
        size = checked_size(path)
        name = sent_name(path if filename is None else filename)
        kind = content_type or content_type_of(path)
        target = self.create_upload(job_id, name, content_type=kind, size_bytes=size)
        upload(self._http, target, path, filename=name, content_type=kind, stop=stop)
        return self.confirm(job_id, target.file_id)

    def get(self, job_id: Id, file_id: Id) -> InferenceFile:
        """Return a file with what was found in it."""
        return self._http.get(f"{_path(job_id)}/{checked_id(file_id)}", InferenceFile)

    def list(self, job_id: Id, *, page: int = 1, page_size: int | None = None) -> Page[InferenceFile]:
        """Return one page of a job's files, newest first."""
        return self._page(_path(job_id), InferenceFile, page, page_size)

    def iterate(self, job_id: Id) -> Iterator[InferenceFile]:
        """Yield a job's files, newest first; pages are fetched as they are reached."""
        return self._iterate(_path(job_id), InferenceFile)

    def download_url(self, job_id: Id, file_id: Id) -> DownloadUrl:
        """Return where the file as it was uploaded can be fetched for a while, without a key."""
        return self._http.get(f"{_path(job_id)}/{checked_id(file_id)}/download-url", DownloadUrl)

    def download(self, job_id: Id, file_id: Id, path: PathLike) -> Path:
        """Fetch the file as it was uploaded into `path`, whole or not at all; return `path`."""
        return download(self._http, self.download_url(job_id, file_id).download_url, path)


def _path(job_id: Id) -> str:
    return f"/inference-jobs/{checked_id(job_id)}/files"
