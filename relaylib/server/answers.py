"""The one place where what goes wrong becomes an answer: JSON with ``detail``, whatever it was."""

from __future__ import annotations

from typing import Any

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import ExceptionHandlersMap

from relaylib.api import Message, Problem, Problems
from relaylib.server.database import UNUSABLE
from relaylib.server.errors import ApiError, InvalidError
from relaylib.server.objects.errors import StorageError
from relaylib.server.validation import MAX_BODY_BYTES, request_problems

__all__ = ["EXCEPTION_HANDLERS"]

_log = structlog.get_logger("relaylib.server")


def _api_error(_: Request[Any, Any, Any], error: ApiError) -> Response[Any]:
    if isinstance(error, InvalidError):
        return _answer(Problems(error.problems), error.status)
    headers = {"WWW-Authenticate": "ApiKey"} if error.status == 401 else {}
    return _answer(Message(error.detail), error.status, headers)


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Answer what Litestar found wrong before a handler had its turn."""
    if isinstance(error, ValidationException):
        return _answer(Problems(request_problems(request, error)), 422)
    if isinstance(error, RequestEntityTooLarge):  # its own status, 413, is none of the API's
        return _answer(Problems([Problem(["body"], f"is larger than {MAX_BODY_BYTES} bytes", "value_error")]), 422)
    if error.status_code >= 500:
        return _unexpected(request, error)
    return _answer(Message(error.detail), error.status_code, error.headers or {})


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _failed(request, error, "Internal Server Error", 500)


def _no_storage(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _failed(request, error, "The storage of files cannot be used now; try again later", 503)


def _no_database(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return _failed(request, error, "The database cannot be used now; try again later", 503)


def _failed(request: Request[Any, Any, Any], error: Exception, detail: str, status: int) -> Response[Any]:
    """Answer what the client is not to blame for; the log has the reason."""
    _log.error("a request failed", method=request.method, path=request.url.path, exc_info=error)
    return _answer(Message(detail), status)


def _answer(body: Message | Problems, status: int, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(body, status_code=status, media_type=MediaType.JSON, headers=headers)


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    ApiError: _api_error,
    HTTPException: _http_error,
    StorageError: _no_storage,
    **dict.fromkeys(UNUSABLE, _no_database),
    Exception: _unexpected,
}
