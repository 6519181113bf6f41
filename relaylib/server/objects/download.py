"""Giving a file back, whole or in ranges, a piece at a time."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import BinaryIO

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Send

from relaylib.api import Message
from relaylib.server.objects.ranges import UnsatisfiableRangeError, requested_range

__all__ = ["FileResponse", "file_response"]

_PIECE = 256 << 10


class FileResponse(ASGIResponse):
    """Sends bytes `start` to `stop` of an open file and closes it."""

    def __init__(
        self, file: BinaryIO, start: int, stop: int, *, status_code: int, headers: dict[str, str], head: bool
    ) -> None:
        super().__init__(
            status_code=status_code, headers={**headers, "content-length": str(stop - start)}, is_head_response=head
        )
        self._file = file
        self._span = start, stop

    async def send_body(self, send: Send, receive: Receive) -> None:
        """Send the bytes."""
        start, stop = self._span
        descriptor = self._file.fileno()
        while start < stop:
            piece = await asyncio.to_thread(os.pread, descriptor, min(_PIECE, stop - start), start)
            if not piece:  # the file was cut after the headers went out: the client sees a broken connection
                break
            start += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def __call__(self, scope: object, receive: Receive, send: Send) -> None:
        """Answer."""
        with self._file:
            await super().__call__(scope, receive, send)  # type: ignore[arg-type]


def file_response(path: Path, asked: dict[str, str], headers: dict[str, str], *, head: bool) -> ASGIResponse:
    """Return the answer to a request for a file; blocking.

    Parameters
    ----------
    asked : dict
        The request's headers, names in lower case; ``range``, ``if-range`` and ``if-none-match`` count.
    headers : dict
        What the answer says besides, such as its type.

    Raises
    ------
    FileNotFoundError
    """
    file = path.open("rb")
    try:
        found = os.fstat(file.fileno())
        size, tag = found.st_size, f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
        headers = {**headers, "accept-ranges": "bytes", "etag": tag}
        if asked.get("if-none-match") == tag:
            file.close()
            return ASGIResponse(status_code=304, headers=headers)
        span = requested_range(asked.get("range", ""), size) if asked.get("if-range", tag) == tag else None
    except UnsatisfiableRangeError:
        file.close()
        body = b"" if head else msgspec.json.encode(Message(f"The file has {size} bytes; ask for some of them."))
        headers |= {"content-range": f"bytes */{size}", "content-type": "application/json"}
        return ASGIResponse(status_code=416, headers=headers, body=body, is_head_response=head)
    except OSError:
        file.close()
        raise
    if span is None:
        return FileResponse(file, 0, size, status_code=200, headers=headers, head=head)
    start, stop = span
    headers["content-range"] = f"bytes {start}-{stop - 1}/{size}"
    return FileResponse(file, start, stop, status_code=206, headers=headers, head=head)
