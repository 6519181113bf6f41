"""Who makes a request: the key in its header, looked up once for each request."""

from __future__ import annotations

import asyncio
import hmac
import logging
from datetime import datetime, timezone
from typing import Any, cast
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from relaylib.server.context import Caller, Context
from relaylib.server.database import Database
from relaylib.server.database.tables import ApiKeyRow
from relaylib.server.errors import ApiError
from relaylib.server.keys.secret import hash_key

__all__ = ["KEY_HEADER", "KeyCheck", "LastUses", "UnauthorizedError", "caller_of"]

KEY_HEADER = "X-API-Key"
_FLUSH_S = 30.0
_log = logging.getLogger(__name__)


class UnauthorizedError(ApiError):
    """The request has no key that lets it in (401)."""

    status = 401


class LastUses:
    """When keys were last used, gathered here and written now and then: no request costs a write."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._uses: dict[UUID, datetime] = {}

    def note(self, key_id: UUID, at: datetime) -> None:
        """Remember that a key was used."""
        self._uses[key_id] = at

    async def flush(self) -> None:
        """Write what was gathered; what cannot be written is kept for the next time."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        keys = cast(Table, ApiKeyRow.__table__)
        change = update(keys).where(keys.c.id == bindparam("key_id"))
        change = change.values(last_used_at=bindparam("at"), updated_at=keys.c.updated_at)  # a use is no change
        try:
            async with self._db.write() as session:
                await session.execute(change, [{"key_id": key_id, "at": at} for key_id, at in uses.items()])
        except BaseException:
            self._uses = {**uses, **self._uses}
            raise

    async def try_flush(self) -> None:
        """Write what was gathered if the database lets it; no more than the log hears of it if not."""
        try:
            await self.flush()
        except (SQLAlchemyError, OSError) as exc:
            _log.warning("the last uses of keys cannot be written now: %s", exc)

    async def run(self) -> None:
        """Write every half minute until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_S)
            await self.try_flush()


class KeyCheck(ASGIMiddleware):
    """Lets in who has a key, before ids are looked up and bodies are read; the caller is then in the scope."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check the key of one request."""
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        state = connection.app.state
        context: Context = state.context
        now = datetime.now(timezone.utc)
        tenant_id, key_id = await _owner(context.db, connection.headers.get(KEY_HEADER, "").strip(), now)
        state.last_uses.note(key_id, now)
        base_url = context.settings.public_url or str(connection.base_url)
        scope["auth"] = Caller(tenant_id=tenant_id, key_id=key_id, base_url=base_url.rstrip("/"))
        await next_app(scope, receive, send)


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Return who makes the request; for handlers behind `KeyCheck`."""
    caller: Caller = request.auth
    return caller


async def _owner(db: Database, key: str, now: datetime) -> tuple[UUID, UUID]:
    wanted = hash_key(key)
    if key:
        query = select(ApiKeyRow.tenant_id, ApiKeyRow.id, ApiKeyRow.key_hash, ApiKeyRow.expires_at)
        async with db.read() as session:
            rows = await session.execute(query.where(ApiKeyRow.key_hash == wanted, ApiKeyRow.revoked_at.is_(None)))
            row = rows.one_or_none()
        if row is not None and hmac.compare_digest(row.key_hash, wanted):
            if row.expires_at is not None and row.expires_at <= now:
                raise UnauthorizedError("API key expired")
            return row.tenant_id, row.id
    raise UnauthorizedError("Invalid or missing API key")
