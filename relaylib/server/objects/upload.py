"""Taking an upload: from the connection to a file, with little in memory and nothing left after a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timezone

from litestar.types import Receive

from relaylib.server.objects.errors import UploadRefusedError
from relaylib.server.objects.form import UploadForm
from relaylib.server.objects.parts import PartFile
from relaylib.server.objects.policy import UploadGrant, check_form
from relaylib.server.objects.store import Landing

__all__ = ["ClientLeftError", "Wanted", "drain", "take_upload"]

Wanted = Callable[[str], Awaitable[bool]]
"""Says whether an object is still to come under a key."""

_BUFFER_BYTES = 1 << 20
_PATIENCE_S = 60.0
_DRAIN_BYTES = 1 << 30
_DRAIN_PATIENCE_S = 5.0


class ClientLeftError(Exception):
    """The connection is gone; nobody reads an answer."""


async def take_upload(
    landing: Landing, receive: Receive, *, content_type: str, content_length: int | None, wanted: Wanted
) -> UploadGrant:
    """Store the file of a signed form, if it is `wanted`; return what the form permitted.

    Raises
    ------
    UploadRefusedError
        If the upload can't be taken; perhaps before the end of the body.
    ClientLeftError
        If the connection ends before the body does.
    StorageError
        If the place where objects are kept can't be reached or refuses the file.
    OSError
        If the file can't be written.
    """

    def authorise(fields: Mapping[str, str]) -> UploadGrant:
        return check_form(fields, secret=landing.secret, now=datetime.now(timezone.utc))

    form = UploadForm(content_type, content_length, authorise)
    part: PartFile | None = None
    buffer: list[bytes] = []
    buffered = 0
    try:
        async for chunk in _body(receive, _PATIENCE_S):
            pieces = form.feed(chunk)
            if part is None and form.grant is not None:
                await _refuse_unwanted(wanted, form.grant.key)
                part = await asyncio.to_thread(landing.begin_upload, form.grant.key)
            buffer += pieces
            buffered += sum(map(len, pieces))
            if part is not None and buffered >= _BUFFER_BYTES:
                await asyncio.to_thread(part.write, buffer)
                buffer, buffered = [], 0
        grant = form.finish()
        assert part is not None  # there is no grant without a file
        await asyncio.to_thread(part.write, buffer)
        await _refuse_unwanted(wanted, grant.key)  # it may have been confirmed, or deleted, while this one came
        await landing.finish_upload(grant.key, part)
    finally:
        if part is not None:
            part.discard()
    return grant


async def _refuse_unwanted(wanted: Wanted, key: str) -> None:
    if not await wanted(key):
        detail = "The file of this form was confirmed already, or is deleted; ask for a new upload URL."
        raise UploadRefusedError(403, detail)


async def drain(receive: Receive) -> None:
    """Read the rest of a body and forget it, so that a client that only sends for now gets to read the answer.

    It ends with the body, with the connection, when nothing comes for five seconds, or after a gigabyte.
    """
    size = 0
    try:
        async for chunk in _body(receive, _DRAIN_PATIENCE_S):
            size += len(chunk)
            if size > _DRAIN_BYTES:
                return
    except (ClientLeftError, UploadRefusedError):
        return


async def _body(receive: Receive, patience_s: float) -> AsyncIterator[bytes]:
    while True:
        try:
            message = await asyncio.wait_for(receive(), patience_s)
        except asyncio.TimeoutError as exc:
            raise UploadRefusedError(400, f"Nothing came for {patience_s:g} s; send the form again.") from exc
        if message["type"] != "http.request":
            raise ClientLeftError
        if body := message.get("body"):
            yield bytes(body)
        if not message.get("more_body", False):
            return
