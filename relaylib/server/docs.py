"""The page that shows the API's description; its script and style are ours to serve, so that it needs no network."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.params import FromPath

from relaylib.server.context import Context
from relaylib.server.errors import NotFoundError

__all__ = ["description", "docs_file", "docs_page"]

_TYPES = {
    "docs.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_HEADERS = {
    # the browser holds the page to what the first line promises
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


@get(["/openapi.json", "/schema/openapi.json"], include_in_schema=False)
async def description(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Give the API's description, OpenAPI 3.1; it names the server where that has an address to be named."""
    document: dict[str, Any] = request.app.state.describe()
    context: Context = request.app.state.context
    public_url = context.settings.public_url
    return document if public_url is None else {**document, "servers": [{"url": public_url.rstrip("/")}]}


@get("/docs", include_in_schema=False)
async def docs_page() -> Response[bytes]:
    """Give the page."""
    return Response(_static("docs.html"), media_type=MediaType.HTML, headers=_HEADERS)


@get("/docs/{name:str}", include_in_schema=False)
async def docs_file(name: FromPath[str]) -> Response[bytes]:
    """Give one of the files that the page is made of."""
    if name not in _TYPES:
        raise NotFoundError("Page")
    headers = {**_HEADERS, "Content-Type": _TYPES[name], "Cache-Control": "max-age=3600"}
    return Response(_static(name), headers=headers)


@cache
def _static(name: str) -> bytes:
    return (files("relaylib.server") / "static" / name).read_bytes()
