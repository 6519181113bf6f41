"""Audio files of datasets: rows A1 to A6 and U."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload
from uuid import UUID

from relaylib.api import AudioFile, AudioStatus, ConfirmedAudio, DownloadUrl, Page, UploadTarget
from relaylib.client.errors import JobFailedError
from relaylib.client.names import content_type_of, sent_name
from relaylib.client.parallel import each, make_bar
from relaylib.client.resource import Id, PathLike, Resource, checked_id
from relaylib.client.storage import checked_size, download, upload
from relaylib.client.waiting import poll
from relaylib.errors import RelayError

__all__ = ["Audio", "AudioResults"]

AudioResults = list[AudioFile | RelayError | OSError]
"""What came of each of several files: the file, or why it did not arrive."""

_ENDED = ("ready", "failed")
_POLL_S = 2.0
_FEW = 10
_MOST_NAMED = 5


class Audio(Resource):
    """Audio of datasets, as ``client.audio``."""

    def create_upload(self, dataset_id: Id, filename: str, *, content_type: str, size_bytes: int) -> UploadTarget:
        """Ask where to upload a file; :meth:`upload` does all steps."""
        body = {"filename": filename, "content_type": content_type, "file_size": size_bytes}
        return self._http.post(f"{_path(dataset_id)}/upload-url", UploadTarget, body=body)

    def confirm(self, dataset_id: Id, audio_id: Id) -> ConfirmedAudio:
        """Say that a file was uploaded, so that it is processed; may be said again.

        Raises
        ------
        RefusedError
            If the storage does not have it.
        """
        body = {"audio_id": checked_id(audio_id)}
        return self._http.post(f"{_path(dataset_id)}/confirm", ConfirmedAudio, body=body, repeatable=True)

    def upload(
        self,
        dataset_id: Id,
        path: PathLike,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        stop: threading.Event | None = None,
    ) -> AudioFile:
        """Upload a file and have it processed.

        Parameters
        ----------
        dataset_id : UUID or str
        path : path
            Read piece by piece.
        filename : str, optional
            What it is to be called; by default its own name without folders.
        content_type : str, optional
            MIME type; by default what the ending of `path` stands for.
        stop : threading.Event, optional
            Ends the upload when it is set.

        Returns
        -------
        AudioFile
            Not yet ready, see :meth:`wait`.

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
        target = self.create_upload(dataset_id, name, content_type=kind, size_bytes=size)
        upload(self._http, target, path, filename=name, content_type=kind, stop=stop)
        self.confirm(dataset_id, target.audio_id)
        return self.get(dataset_id, target.audio_id)

    def upload_many(
        self, dataset_id: Id, paths: Sequence[PathLike], *, workers: int = 4, progress: bool = True
    ) -> AudioResults:
        """Upload files, several at a time.

        A file that fails does not hold up the others: in its place there is the error that :meth:`upload` raises.

        Returns
        -------
        list of AudioFile, RelayError or OSError
            In the order of `paths`.

        Examples
        --------
        >>> results = client.audio.upload_many(dataset.id, paths)        # doctest: +SKIP
        >>> [r for r in results if isinstance(r, Exception)]             # doctest: +SKIP
        []
        """
        return each(
            paths,
            lambda path, stop: self.upload(dataset_id, path, stop=stop),
            workers=workers,
            what="uploading",
            progress=progress,
        )

    def list(
        self, dataset_id: Id, *, status: AudioStatus | None = None, page: int = 1, page_size: int | None = None
    ) -> Page[AudioFile]:
        """Return one page of a dataset's files, newest first; only those in a state if `status` is given."""
        return self._page(_path(dataset_id), AudioFile, page, page_size, _filter(status))

    def iterate(self, dataset_id: Id, *, status: AudioStatus | None = None) -> Iterator[AudioFile]:
        """Yield a dataset's files, newest first; pages are fetched as they are reached."""
        for file in self._iterate(_path(dataset_id), AudioFile, _filter(status)):
            if status is None or file.processing_status == status:  # not every server knows the filter
                yield file

    def get(self, dataset_id: Id, audio_id: Id) -> AudioFile:
        """Return what is known of a file."""
        return self._http.get(f"{_path(dataset_id)}/{checked_id(audio_id)}", AudioFile)

    def delete(self, dataset_id: Id, audio_id: Id) -> None:
        """Delete a file with its annotations in drafts.

        Raises
        ------
        RefusedError
            If a published annotation set refers to it.
        """
        self._http.delete(f"{_path(dataset_id)}/{checked_id(audio_id)}")

    def download_url(self, dataset_id: Id, audio_id: Id) -> DownloadUrl:
        """Return where the file as it was uploaded can be fetched for a while, without a key."""
        return self._http.get(f"{_path(dataset_id)}/{checked_id(audio_id)}/download-url", DownloadUrl)

    def download(self, dataset_id: Id, audio_id: Id, path: PathLike) -> Path:
        """Fetch the file as it was uploaded into `path`, whole or not at all; return `path`."""
        return download(self._http, self.download_url(dataset_id, audio_id).download_url, path)

    @overload
    def wait(  # type: ignore[overload-overlap]  # text is a sequence of text; it is one id here
        self,
        dataset_id: Id,
        audio_ids: Id,
        *,
        timeout: float | None = None,
        progress: bool = True,
        check: bool = True,
    ) -> AudioFile: ...

    @overload
    def wait(
        self,
        dataset_id: Id,
        audio_ids: Sequence[UUID | str],
        *,
        timeout: float | None = None,
        progress: bool = True,
        check: bool = True,
    ) -> Sequence[AudioFile]: ...

    def wait(
        self,
        dataset_id: Id,
        audio_ids: Id | Sequence[UUID | str],
        *,
        timeout: float | None = None,
        progress: bool = True,
        check: bool = True,
    ) -> AudioFile | Sequence[AudioFile]:
        """Wait until files have been processed.

        Parameters
        ----------
        dataset_id : UUID or str
        audio_ids : UUID or str, or sequence of them
        timeout : float, optional
            Seconds; without it, as long as it takes.
        progress : bool
            Show a bar.
        check : bool
            Raise if a file cannot be used; otherwise look at `processing_status` of what is returned.

        Returns
        -------
        AudioFile, or list of AudioFile in the order of `audio_ids`

        Raises
        ------
        JobFailedError
            If processing failed for some, once all have ended; `subject` has those.
        WaitTimeoutError
            If some have not ended in time.
        """
        one = isinstance(audio_ids, (UUID, str))
        ids = [checked_id(i) for i in ([audio_ids] if isinstance(audio_ids, (UUID, str)) else audio_ids)]
        known: dict[UUID, AudioFile] = {}
        bar = make_bar("processing", len(set(ids)), shown=progress)

        def refresh() -> Sequence[AudioFile]:
            self._look(dataset_id, known, set(ids))
            bar.update(sum(_ended(file) for file in known.values()) - bar.n)
            return [known[i] for i in ids]

        try:
            files = poll(
                refresh,
                ended=lambda found: all(map(_ended, found)),
                what=f"processing of {len(ids)} audio file{'s' * (len(ids) != 1)}",
                timeout=timeout,
                most_s=_POLL_S,
            )
        finally:
            bar.close()
        if check:
            _check(files)
        return files[0] if one else files

    def _look(self, dataset_id: Id, known: dict[UUID, AudioFile], wanted: set[UUID]) -> None:
        """Bring `known` up to date: few files one by one, many by the list, where the new ones come first."""
        open_ids = {i for i in wanted if i not in known or not _ended(known[i])}
        if len(open_ids) > _FEW:
            for file in self.iterate(dataset_id):
                if file.id in open_ids:
                    known[file.id] = file
                    open_ids.discard(file.id)
                if not open_ids:
                    return
        for i in open_ids:
            known[i] = self.get(dataset_id, i)


def _path(dataset_id: Id) -> str:
    return f"/datasets/{checked_id(dataset_id)}/audio"


def _filter(status: AudioStatus | None) -> dict[str, str | None]:
    return {"status": status, "processing_status": status}  # the documentation does not show its name


def _ended(file: AudioFile) -> bool:
    return file.processing_status in _ENDED


def _check(files: Sequence[AudioFile]) -> None:
    failed = [file for file in files if file.processing_status == "failed"]
    if not failed:
        return
    named = [f"{f.original_filename}: {f.processing_error or 'no reason given'}" for f in failed[:_MOST_NAMED]]
    more = f"; and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
    raise JobFailedError(f"{len(failed)} of {len(files)} audio files cannot be used: {'; '.join(named)}{more}.", failed)
