"""Routes of the audio files of a dataset, rows A1 to A6 of the contract."""

from __future__ import annotations

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from relaylib.api import (
    AudioFile,
    AudioStatus,
    ConfirmAudio,
    ConfirmedAudio,
    CreateAudioUpload,
    DownloadUrl,
    Page,
    UploadTarget,
)
from relaylib.server.audio.service import AudioFiles
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["AudioController"]

_SERVICES = {"audio": service(AudioFiles)}


class AudioController(Controller):
    """The audio files of a dataset."""

    path = "/datasets/{dataset_id:str}/audio"
    tags = ("Audio",)
    dependencies = _SERVICES

    @post("/upload-url", status_code=200, operation_id="create_audio_upload", summary="Get an upload URL")
    async def create_upload(
        self, dataset_id: PathId, data: JSONBody[CreateAudioUpload], audio: NamedDependency[AudioFiles]
    ) -> UploadTarget:
        """Make a pending file and give the form by which it is uploaded; nothing is processed until it is confirmed."""
        return await audio.create_upload(dataset_id, data)

    @post("/confirm", status_code=200, operation_id="confirm_audio_upload", summary="Confirm an upload")
    async def confirm(
        self, dataset_id: PathId, data: JSONBody[ConfirmAudio], audio: NamedDependency[AudioFiles]
    ) -> ConfirmedAudio:
        """Start processing a file that has been uploaded; again, it only tells how far that is."""
        return await audio.confirm(dataset_id, data)

    @get(operation_id="list_audio", summary="List audio files")
    async def list(
        self,
        dataset_id: PathId,
        audio: NamedDependency[AudioFiles],
        page: NamedDependency[PageQuery],
        status: FromQuery[AudioStatus | None] = None,
        processing_status: FromQuery[AudioStatus | None] = None,
    ) -> Page[AudioFile]:
        """Give a page of the files, newest first; the filter goes by either name."""
        statuses = [given for given in (status, processing_status) if given is not None]
        return await audio.list(dataset_id, page, statuses)

    @get("/{audio_id:str}/download-url", operation_id="get_audio_download", summary="Get a download URL")
    async def download(self, dataset_id: PathId, audio_id: PathId, audio: NamedDependency[AudioFiles]) -> DownloadUrl:
        """Give the address of the file as it was uploaded; no key is needed there."""
        return await audio.download(dataset_id, audio_id)

    @get("/{audio_id:str}", operation_id="get_audio", summary="Get an audio file")
    async def get(self, dataset_id: PathId, audio_id: PathId, audio: NamedDependency[AudioFiles]) -> AudioFile:
        """Give one file; it can be used for training once its `processing_status` is ready."""
        return await audio.get(dataset_id, audio_id)

    @delete("/{audio_id:str}", operation_id="delete_audio", summary="Delete an audio file")
    async def delete(self, dataset_id: PathId, audio_id: PathId, audio: NamedDependency[AudioFiles]) -> None:
        """Remove a file with its annotations in drafts; one that a published set refers to has to stay."""
        await audio.delete(dataset_id, audio_id)
