"""Whether the server is alive, and whether it can work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.enums import HttpMethod
from litestar.handlers import route

from relaylib.server.context import Context
from relaylib.server.within import within

__all__ = ["Readiness", "healthz", "readyz"]

_METHODS = (HttpMethod.GET, HttpMethod.HEAD)  # monitors ask by either
_PATIENCE_S = 5.0
_log = structlog.get_logger("relaylib.server.health")


class Readiness(msgspec.Struct):
    """What the server needs and whether it is there; the log says more about what isn't."""

    status: str
    database: str
    storage: str


@route("/healthz", http_method=_METHODS, include_in_schema=False)
async def healthz() -> dict[str, str]:
    """Say that the server is alive."""
    return {"status": "ok"}


@route("/readyz", http_method=_METHODS, include_in_schema=False)
async def readyz(request: Request[Any, Any, Any]) -> Response[Readiness]:
    """Say whether database and store can be used; 503 if not."""
    context: Context = request.app.state.context
    database, storage = await asyncio.gather(
        _state("database", context.db.check()), _state("storage", context.store.check())
    )
    is_ready = database == storage == "ok"
    body = Readiness("ok" if is_ready else "unavailable", database, storage)
    return Response(body, status_code=200 if is_ready else 503)


async def _state(what: str, check: Coroutine[Any, Any, None]) -> str:
    try:
        await within(_PATIENCE_S, check)
    except Exception as error:
        _log.warning("not ready", part=what, reason=f"{type(error).__name__}: {error}")
        return "unavailable"
    return "ok"
