"""Routes of API keys, rows K1 to K3 of the contract."""

from __future__ import annotations

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from relaylib.api import ApiKey, CreateApiKey, CreatedApiKey
from relaylib.server.keys.service import Keys
from relaylib.server.routing import PathId, service

__all__ = ["KeyController"]


_SERVICES = {"keys": service(Keys)}


class KeyController(Controller):
    """The keys of the caller's tenant."""

    path = "/auth/api-keys"
    tags = ("API keys",)
    dependencies = _SERVICES

    @post(operation_id="create_api_key", summary="Create an API key")
    async def create(self, data: JSONBody[CreateApiKey], keys: NamedDependency[Keys]) -> CreatedApiKey:
        """Make a key; the answer is the only place where it can be read."""
        return await keys.create(data)

    @get(operation_id="list_api_keys", summary="List API keys")
    async def list(self, keys: NamedDependency[Keys]) -> list[ApiKey]:
        """Give the tenant's keys without their secrets, newest first."""
        return await keys.list()

    @delete("/{key_id:str}", operation_id="revoke_api_key", summary="Revoke an API key")
    async def revoke(self, key_id: PathId, keys: NamedDependency[Keys]) -> None:
        """Make a key useless at once; it may be the one that asks."""
        await keys.revoke(key_id)
