"""A connection, from before it has said what it wants: nobody without a key may hold it, or memory, for long."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from relaylib.api import Message

__all__ = ["Connection"]

_MOST_HEAD_BYTES = 64 << 10
_PATIENCE_S = 60.0


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with the bounds that it lacks.

    What is neither a body nor completes anything (request line, headers, trailers) is taken up to 64 KiB, and one more
    read; the head of a request may take a minute. What is no request is answered as everything else, by JSON.
    """

    _timer: asyncio.TimerHandle | None = None
    _awaits_head = True
    _n_steps = 0
    _idle_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece, and refuse it where too many have led to nothing."""
        n_steps = self._n_steps
        super().data_received(data)
        self._idle_bytes = self._idle_bytes + len(data) if self._n_steps == n_steps else 0
        if self._idle_bytes > _MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"The head of the request is longer than {_MOST_HEAD_BYTES} bytes.")
        self._set_timer()

    def on_headers_complete(self) -> None:
        """Note a step, and answer."""
        self._n_steps, self._awaits_head = self._n_steps + 1, False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note a step, and hand the body on."""
        self._n_steps += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note a step; what comes next is another request's head."""
        self._n_steps, self._awaits_head = self._n_steps + 1, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close."""
        body = msgspec.json.encode(Message(msg))
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()

    def _set_timer(self) -> None:
        """Let time run while a head is awaited; uvicorn's own, for connections at rest, ends with a first byte."""
        cycle: Any = self.cycle
        if not self._awaits_head or (cycle is not None and not cycle.response_complete):
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(_PATIENCE_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
