"""The routes of a store: where upload forms go, and where a folder's files come from. No key: the signature is one."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Router, post, route
from litestar.di import NamedDependency, Provide
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Send

from relaylib.api import Message
from relaylib.errors import ParameterError
from relaylib.server.objects.disposition import content_disposition, safe_content_type
from relaylib.server.objects.download import file_response
from relaylib.server.objects.errors import StorageError, UploadRefusedError
from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.policy import check_download
from relaylib.server.objects.store import Landing, ObjectStore
from relaylib.server.objects.upload import ClientLeftError, Wanted, drain, take_upload

__all__ = ["storage_router"]

_log = logging.getLogger(__name__)

_CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}
_PREFLIGHT = {
    **_CORS,
    "access-control-allow-methods": "GET, HEAD, POST",
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
}
_MAX_QUERY_FIELDS = 20

_AnyRequest = Request[Any, Any, Any]
_Store = NamedDependency[FolderStore]
_Landing = NamedDependency[Landing]


def storage_router(store: ObjectStore, wanted: Wanted) -> Router:
    """Return the routes that `store` needs: to upload what comes through this server, to download from a folder.

    The application has the store in its state. What cut-off uploads left is removed. An upload that is not `wanted`,
    or no more, is refused, so that nothing replaces what is in use.
    """
    handlers: list[HTTPRouteHandler] = []
    if store.landing is not None:
        store.landing.sweep()
        handlers += [_upload_preflight, _upload]  # each in front, or Litestar answers OPTIONS in its place
    if isinstance(store, FolderStore):
        handlers += [_download_preflight, _download]
    return Router(
        "/storage",
        route_handlers=handlers,
        dependencies={
            "store": Provide(_store, sync_to_thread=False),
            "landing": Provide(_landing, sync_to_thread=False),
            "wanted": Provide(lambda: wanted, sync_to_thread=False),
        },
        include_in_schema=False,
        request_class=Request,
        opt={"exclude_from_auth": True},
    )


def _store(request: _AnyRequest) -> ObjectStore:
    store: ObjectStore = request.app.state.store
    return store


def _landing(request: _AnyRequest) -> Landing | None:
    return _store(request).landing


@post("/", request_max_body_size=None)
async def _upload(request: _AnyRequest, landing: _Landing, wanted: NamedDependency[Wanted]) -> ASGIApp:
    length = request.headers.get("content-length", "")
    try:
        await take_upload(
            landing,
            request.receive,
            content_type=request.headers.get("content-type", ""),
            content_length=int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None,
            wanted=wanted,
        )
    except UploadRefusedError as error:
        return _Refusal(error.status, error.detail)
    except ClientLeftError:
        return _problem(400, "The body ended early; send the form again.")
    except StorageError:
        _log.exception("an upload could not be passed on to the storage")
        return _problem(503, "The storage cannot be used now; send the form again later.")
    except OSError as error:
        _log.exception("an upload could not be written")
        return _Refusal(503, f"The file cannot be stored now ({error.strerror}); try again later.")
    return ASGIResponse(status_code=204, headers=_CORS)


@route("/{key:path}", http_method=[HttpMethod.GET, HttpMethod.HEAD])
async def _download(request: _AnyRequest, store: _Store, key: FromPath[str]) -> ASGIApp:
    return await _file(request, store, key.lstrip("/"), for_head=request.method == "HEAD")


@route("/", http_method=HttpMethod.OPTIONS)
async def _upload_preflight() -> ASGIApp:
    return ASGIResponse(status_code=204, headers=_PREFLIGHT)


@route("/{key:path}", http_method=HttpMethod.OPTIONS)
async def _download_preflight() -> ASGIApp:
    return ASGIResponse(status_code=204, headers=_PREFLIGHT)


class _Refusal(ASGIResponse):
    """Answers before the body is read, and closes the connection after the rest of it has been thrown away.

    A client that listens while it sends stops at once; one that doesn't finds the answer when it is through,
    where a closed connection would tell it nothing.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status_code=status, headers={**_CORS, "connection": "close"}, body=_json(detail))

    async def send_body(self, send: Send, receive: Receive) -> None:
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _file(request: _AnyRequest, store: FolderStore, key: str, *, for_head: bool) -> ASGIApp:
    text = request.scope["query_string"].decode("latin-1")
    try:
        query = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS))
    except ValueError:
        return _problem(400, "The URL has too many parameters; use it as it was given.", for_head=for_head)
    refusal = check_download(key, query, secret=store.secret, now=datetime.now(timezone.utc))
    if refusal is not None:
        return _problem(403, refusal, for_head=for_head)
    headers = {
        **_CORS,
        "content-type": safe_content_type(query.get("content-type", "")),
        "content-disposition": content_disposition(query.get("filename", "")),
        "x-content-type-options": "nosniff",
    }
    asked = {name.lower(): value for name, value in request.headers.items()}
    try:
        return await asyncio.to_thread(file_response, store.path(key), asked, headers, head=for_head)
    except (ParameterError, OSError):
        return _problem(404, "File not found", for_head=for_head)


def _problem(status: int, detail: str, *, for_head: bool = False) -> ASGIResponse:
    body = b"" if for_head else _json(detail)
    return ASGIResponse(status_code=status, headers=_CORS, body=body, is_head_response=for_head)


def _json(detail: str) -> bytes:
    return msgspec.json.encode(Message(detail))
