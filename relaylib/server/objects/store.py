"""Where uploaded files and trained models are kept: one interface, several stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from relaylib.server.objects.parts import PartFile

__all__ = ["Landing", "ObjectInfo", "ObjectStore", "PresignedUpload"]


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """A form that may be posted once or more until it expires: `fields`, then a part named ``file``."""

    url: str
    fields: dict[str, str]
    expires_in: int


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What is known of a stored object without reading it."""

    key: str
    size_bytes: int
    modified_at: datetime


@runtime_checkable  # where it is injected, it is checked
class Landing(Protocol):
    """Where this server takes uploads: a file of its own first, then the object.

    ``secret`` signs the forms; every server that takes them needs the same.
    """

    secret: bytes

    def begin_upload(self, key: str) -> PartFile:
        """Return an empty file for an upload; blocking, and discarded by the caller."""
        ...

    async def finish_upload(self, key: str, part: PartFile) -> None:
        """Store the file of a complete upload under `key`, whole or not at all.

        Raises
        ------
        StorageError
            If the place where objects are kept can't be reached or refuses it.
        OSError
            If the file can't be written.
        """
        ...

    def sweep(self) -> None:
        """Remove what uploads left that were cut off by the end of their server; those at work are spared."""
        ...


class ObjectStore(Protocol):
    """Objects by key; keys are made by the server, of the characters ``[0-9A-Za-z._/-]``.

    `base_url` is the address of this server as its client sees it; stores that are reached elsewhere ignore it.
    """

    @property
    def landing(self) -> Landing | None:
        """What takes the posted upload forms in this server; None if they lead elsewhere."""
        ...

    def presign_upload(self, key: str, *, expires_in: int, max_bytes: int, base_url: str) -> PresignedUpload:
        """Return a form by which a client without a key may store an object of 1 to `max_bytes` bytes under `key`."""
        ...

    def presign_download(self, key: str, *, expires_in: int, filename: str, content_type: str, base_url: str) -> str:
        """Return a URL by which a client without a key may fetch an object, named `filename` there."""
        ...

    async def info(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if it isn't there."""
        ...

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens if it isn't there."""
        ...

    def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix`."""
        ...

    async def check(self) -> None:
        """Raise `StorageError` if the store cannot be used now (for ``/readyz``)."""
        ...

    def local(self, key: str) -> AbstractContextManager[Path]:
        """Give a file with the object's bytes, to read while the context lasts; blocking, for workers.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        """
        ...

    def put_file(self, key: str, path: Path) -> None:
        """Store a file under `key`, whole or not at all; blocking, for workers."""
        ...
