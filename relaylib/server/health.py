"""Whether the server is alive, and whether it can work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import msgspec
import structlog
from litestar import Request, Response, get

from relaylib.server.context import Context

__all__ = ["Readiness", "healthz", "readyz"]

_PATIENCE_S = 5.0
_log = structlog.get_logger("relaylib.server.health")


class Readiness(msgspec.Struct):
    """What the server needs and whether it is there; the log says more about what isn't."""

    status: str
    database: str
    storage: str


@get("/healthz", include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Say that the server is alive."""
    return {"status": "ok"}


@get("/readyz", include_in_schema=False)
async def readyz(request: Request[Any, Any, Any]) -> Response[Readiness]:
    """Say whether database and store can be used; 503 if not."""
    context: Context = request.app.state.context
    database, storage = await asyncio.gather(
        _state("database", context.db.check()), _state("storage", context.store.check())
    )
    is_ready = database == storage == "ok"
    body = Readiness("ok" if is_ready else "unavailable", database, storage)
    return Response(body, status_code=200 if is_ready else 503)


async def _state(what: str, check: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(check, _PATIENCE_S)
    except Exception as error:
        _log.warning("not ready", part=what, reason=f"{type(error).__name__}: {error}")
        return "unavailable"
    return "ok"
