"""Uploads, and the audio files of a dataset: rows A1 to A6 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relaylib.api.common import MAX_UPLOAD_BYTES

__all__ = [
    "AudioFile",
    "AudioStatus",
    "ConfirmAudio",
    "ConfirmedAudio",
    "CreateAudioUpload",
    "DownloadUrl",
    "FileName",
    "FileSize",
    "UploadTarget",
]

AudioStatus = Literal["pending", "normalizing", "embedding", "ready", "failed"]
FileName = Annotated[str, Meta(min_length=1, max_length=500)]
FileSize = Annotated[int, Meta(ge=1, le=MAX_UPLOAD_BYTES)]


class CreateAudioUpload(msgspec.Struct):
    """Ask where to upload a file; its size goes by either name."""

    filename: FileName
    content_type: str
    file_size: FileSize | None = None
    file_size_bytes: FileSize | None = None


class UploadTarget(msgspec.Struct):
    """Where to POST a file as a form: every field, then a part named ``file``; 204 answers.

    The two calls that give it use different names for the same things; all of them are here.
    """

    upload_url: str
    fields: dict[str, str]
    upload_fields: dict[str, str]
    key: str
    s3_key: str
    expires_in: int
    audio_id: UUID
    file_id: UUID


class ConfirmAudio(msgspec.Struct):
    """Say that a file has been uploaded; its id goes by either name."""

    audio_id: UUID | None = None
    file_id: UUID | None = None


class ConfirmedAudio(msgspec.Struct):
    """What becomes of a confirmed file."""

    audio_id: UUID
    status: AudioStatus
    message: str
    processing_status: AudioStatus | None = None
    file_id: UUID | None = None


class AudioFile(msgspec.Struct):
    """An audio file of a dataset; usable once `processing_status` is ``ready``."""

    id: UUID
    original_filename: str
    duration_ms: int | None
    processing_status: AudioStatus
    processing_error: str | None
    dataset_id: UUID | None = None
    content_type: str | None = None
    file_size_bytes: int | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    tenant_id: UUID | None = None


class DownloadUrl(msgspec.Struct):
    """Where the original file can be fetched for `expires_in` seconds, without a key."""

    download_url: str
    expires_in: int
