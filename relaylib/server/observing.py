"""What is noted of every request, whatever becomes of it: an id, a line in the log, and its numbers."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Litestar
from litestar.types import Message

from relaylib.server.metrics import Metrics

__all__ = ["ObservedApp"]

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = structlog.get_logger("relaylib.server.access")


class ObservedApp(Litestar):
    """An application that knows of each request, those for which it has no route among them."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request_id, path = _request_id(scope), quote(scope["path"])  # the router changes the path of the scope
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*self._true(message["headers"], scope), (b"x-request-id", request_id.encode())]
            await send(message)

        metrics: Metrics = self.state.metrics
        start = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id), metrics.in_progress.track_inprogress():
            try:
                await super().__call__(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - start
                route = scope.get("path_template") or "unknown"
                metrics.answered(method=scope["method"], route=route, status=status, seconds=seconds)
                _log.info(
                    "request", method=scope["method"], path=path, status=status, duration_ms=round(seconds * 1000, 1)
                )

    def _true(self, headers: Any, scope: Any) -> list[tuple[bytes, bytes]]:
        """Return the headers with all that a path allows: Litestar's answer to OPTIONS names its first method only."""
        allowed = self.state.allowed.get(scope.get("path_template"))
        if scope["method"] != "OPTIONS" or allowed is None:
            return list(headers)
        return [(name, allowed.encode() if name == b"allow" else value) for name, value in headers]


def _request_id(scope: Any) -> str:
    """Return the id that the client or a proxy gave the request, or a new one."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
    return given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)
