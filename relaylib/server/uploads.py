"""What every upload goes through, to a dataset or to an inference job: declared, sent, confirmed, fetched again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import exists, select

from relaylib.api import (
    ConfirmAudio,
    ConfirmFile,
    CreateAudioUpload,
    CreateFileUpload,
    DownloadUrl,
    Problem,
    UploadTarget,
)
from relaylib.server.context import Caller, Context
from relaylib.server.database.tables import AudioFileRow, InferenceFileRow, UploadedRow
from relaylib.server.errors import InvalidError, RefusedError
from relaylib.server.fields import missing
from relaylib.server.objects.store import ObjectInfo
from relaylib.types import AUDIO_EXTENSIONS

__all__ = [
    "CONTENT_TYPES",
    "DeclaredFile",
    "check_content_type",
    "confirmed_id",
    "content_type_pattern",
    "declared_file",
    "declared_size",
    "delete_objects",
    "download_url",
    "extension",
    "is_awaited",
    "upload_target",
    "uploaded",
]

_log = logging.getLogger(__name__)

CONTENT_TYPES = ("audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg", "audio/flac", "audio/webm", "audio/aac")
"""The documented types of audio files."""

_ALIASES = {
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
}
_NOT_UPLOADED = "The file has not been uploaded yet; POST it to its upload URL, then confirm"
_DELETIONS_AT_ONCE = 16
_SIZE_NAMES = ("file_size", "file_size_bytes")


@dataclass(frozen=True, slots=True)
class DeclaredFile:
    """A file that is to be uploaded, as its owner describes it; `content_type` is one of `CONTENT_TYPES`."""

    filename: str
    content_type: str
    size_bytes: int


def declared_file(body: CreateAudioUpload | CreateFileUpload, *, max_bytes: int) -> DeclaredFile:
    """Return the file that a request for an upload declares.

    Raises
    ------
    InvalidError
        With every field that breaks a rule: see `declared_size` and `check_content_type`.
    """
    problems: list[Problem] = []
    content_type, size_bytes = "", 0
    try:
        content_type = check_content_type(body.content_type)
    except InvalidError as error:
        problems += error.problems
    try:
        size_bytes = declared_size(body, max_bytes=max_bytes)
    except InvalidError as error:
        problems += error.problems
    if problems:
        raise InvalidError(problems)
    return DeclaredFile(body.filename, content_type, size_bytes)


def declared_size(body: CreateAudioUpload | CreateFileUpload, *, max_bytes: int) -> int:
    """Return the size that a request for an upload declares, by either name.

    Raises
    ------
    InvalidError
        If there is none, if the two names disagree, or if it is more than `max_bytes`.
    """
    given = {name: size for name in _SIZE_NAMES if (size := getattr(body, name)) is not None}
    if not given:
        own_name = "file_size" if isinstance(body, CreateAudioUpload) else "file_size_bytes"
        raise InvalidError([missing("body", own_name)])
    if len(set(given.values())) > 1:
        raise InvalidError.at("body", "file_size_bytes", msg="differs from file_size; send one of them, or both alike")
    name, size_bytes = next(iter(given.items()))
    if size_bytes > max_bytes:
        raise InvalidError.at("body", name, msg=f"must be at most {max_bytes} bytes")
    return size_bytes


def check_content_type(value: str) -> str:
    """Return the documented name of a content type, without parameters.

    Raises
    ------
    InvalidError
        If it is none of ours.
    """
    bare = value.split(";")[0].strip().lower()
    content_type = _ALIASES.get(bare, bare)
    if content_type not in CONTENT_TYPES:
        msg = f"is not a supported type of audio; use one of {', '.join(CONTENT_TYPES)}"
        raise InvalidError.at("body", "content_type", msg=msg)
    return content_type


def content_type_pattern() -> str:
    """Return what content types look like that are taken, when written in small letters, as a regular expression."""
    names = "|".join([*CONTENT_TYPES, *_ALIASES])
    return rf"^ *({names}) *(;[^\u0000]*)?$"


def extension(filename: str) -> str:
    """Return the ending of a file name for use in an object key: one that audio files have, or none."""
    ending = PurePosixPath(filename).suffix.lower()
    return ending if ending in AUDIO_EXTENSIONS else ""


def upload_target(context: Context, caller: Caller, key: str, record_id: UUID) -> UploadTarget:
    """Return where the file of a record is to be posted, each thing under both of its names."""
    form = context.store.presign_upload(
        key,
        expires_in=context.settings.upload_lifetime_s,
        max_bytes=context.settings.max_upload_bytes,
        base_url=caller.base_url,
    )
    return UploadTarget(
        upload_url=form.url,
        fields=form.fields,
        upload_fields=form.fields,
        key=key,
        s3_key=key,
        expires_in=form.expires_in,
        audio_id=record_id,
        file_id=record_id,
    )


def confirmed_id(body: ConfirmAudio | ConfirmFile) -> UUID:
    """Return the id that a confirmation names, by either name.

    Raises
    ------
    InvalidError
        If there is none, or if the two names disagree.
    """
    found = {given for given in (body.audio_id, body.file_id) if given is not None}
    if not found:
        raise InvalidError([missing("body", "audio_id" if isinstance(body, ConfirmAudio) else "file_id")])
    if len(found) > 1:
        raise InvalidError.at("body", "file_id", msg="differs from audio_id; send one of them, or both alike")
    return found.pop()


async def is_awaited(context: Context, key: str) -> bool:
    """Whether a file that is to be an object under this key has not been confirmed yet."""
    audio = exists().where(AudioFileRow.object_key == key, AudioFileRow.processing_status == "pending")
    inference = exists().where(InferenceFileRow.object_key == key, InferenceFileRow.status == "pending")
    async with context.db.read() as session:
        return bool(await session.scalar(select(audio | inference)))


async def uploaded(context: Context, key: str) -> ObjectInfo:
    """Return what is known of an uploaded object.

    Raises
    ------
    RefusedError
        If it has not been uploaded, or is larger than uploads may be.
    """
    info = await context.store.info(key)
    if info is None:
        raise RefusedError(_NOT_UPLOADED)
    if info.size_bytes > context.settings.max_upload_bytes:
        raise RefusedError(
            f"The file has {info.size_bytes} bytes, more than the {context.settings.max_upload_bytes} that are taken"
        )
    return info


async def download_url(context: Context, caller: Caller, row: UploadedRow, *, is_confirmed: bool) -> DownloadUrl:
    """Return where an uploaded file can be fetched under its own name.

    Raises
    ------
    RefusedError
        If it has not been uploaded, or the store has lost it.
    """
    if await context.store.info(row.object_key) is None:
        raise RefusedError("The file is no longer stored; upload it again" if is_confirmed else _NOT_UPLOADED)
    expires_in = context.settings.upload_lifetime_s
    url = context.store.presign_download(
        row.object_key,
        expires_in=expires_in,
        filename=row.original_filename,
        content_type=row.content_type,
        base_url=caller.base_url,
    )
    return DownloadUrl(download_url=url, expires_in=expires_in)


async def delete_objects(context: Context, keys: Sequence[str]) -> None:
    """Remove the objects of rows that are gone; what fails is logged and left to the sweep of orphans."""
    free = asyncio.Semaphore(_DELETIONS_AT_ONCE)

    async def remove(key: str) -> None:
        async with free:
            try:
                await context.store.delete(key)
            except Exception:
                _log.exception("object %s could not be removed; the sweep of orphans will do it", key)

    await asyncio.gather(*map(remove, keys))
