"""API keys, rows K1 to K3 of the contract."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from relaylib.api.common import Name

__all__ = ["ApiKey", "CreateApiKey", "CreatedApiKey"]


class CreateApiKey(msgspec.Struct):
    """Ask for a new key of one's own tenant."""

    name: Name
    scopes: list[str] = []
    expires_at: datetime | None = None


class ApiKey(msgspec.Struct):
    """A key without its secret."""

    id: UUID
    name: str
    key_prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class CreatedApiKey(ApiKey):
    """A new key; `key` is told only here, and not shown with the rest."""

    key: str

    def __repr__(self) -> str:
        return f"CreatedApiKey(id={self.id!r}, name={self.name!r}, key='{self.key_prefix}***')"
