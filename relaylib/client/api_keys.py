"""API keys: rows K1 to K3."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from relaylib.api import ApiKey, CreatedApiKey
from relaylib.client.resource import Id, Resource, checked_id, without_none

__all__ = ["ApiKeys"]


class ApiKeys(Resource):
    """Keys of one's own tenant, as ``client.api_keys``."""

    def create(self, name: str, *, scopes: Sequence[str] = (), expires_at: datetime | None = None) -> CreatedApiKey:
        """Make a key; its secret is in `key` of what is returned, and is never told again."""
        body = without_none(name=name, scopes=tuple(scopes), expires_at=expires_at)
        return self._http.post("/auth/api-keys", CreatedApiKey, body=body)

    def list(self) -> Sequence[ApiKey]:
        """Return all keys, without their secrets."""
        return self._http.get("/auth/api-keys", list[ApiKey])

    def delete(self, key_id: Id) -> None:
        """Revoke a key, at once; it may be the one that this client uses."""
        self._http.delete(f"/auth/api-keys/{checked_id(key_id)}")
