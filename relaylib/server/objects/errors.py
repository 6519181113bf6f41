"""What can go wrong in a store."""

from __future__ import annotations

from relaylib.errors import RelayError

__all__ = ["ObjectMissingError", "StorageError", "UploadRefusedError"]


class StorageError(RelayError):
    """A store cannot be used, or not as asked."""


class ObjectMissingError(StorageError):
    """There is no object under a key."""


class UploadRefusedError(StorageError):
    """An uploaded form is not stored, and `status` is the HTTP status that says so."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
