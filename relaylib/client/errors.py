"""What can go wrong between a client and a server, and how an answer becomes an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from relaylib.api import Problem
from relaylib.errors import RelayError

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConnectionFailedError",
    "JobFailedError",
    "NotFoundError",
    "RefusedError",
    "ResponseError",
    "ServerError",
    "UploadError",
    "ValidationError",
    "WaitTimeoutError",
    "api_error",
    "problems_text",
]

_MOST_DETAIL = 500


class ApiError(RelayError):
    """The server refused a request, or failed at it.

    Attributes
    ----------
    status : int
        HTTP status of the answer.
    detail : str
        What the server says about it.
    request_id : str or None
        The server's name for the request, to be found in its log.
    method, path : str
        What was asked.
    problems : list of Problem
        The fields that break their rules, each with where it is; empty unless the status is 422.
    done : Sequence
        What earlier parts of the same call had made, where a call is sent in parts; empty otherwise.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        method: str = "",
        path: str = "",
        request_id: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        self.status, self.detail, self.method, self.path = status, detail, method, path
        self.request_id = request_id
        self.problems = list(problems)
        self.done: Sequence[Any] = ()
        super().__init__(status, detail)

    def __str__(self) -> str:
        named = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.method} {self.path}: {self.status} {self.detail}{named}"


class AuthenticationError(ApiError):
    """401: the API key is missing, unknown, revoked or expired."""


class NotFoundError(ApiError):
    """404: there is no such thing, or it belongs to another tenant."""


class ValidationError(ApiError):
    """422: fields of the request break their rules; `problems` names each."""


class RefusedError(ApiError):
    """400: the request is well formed but cannot be done as things are."""


class ServerError(ApiError):
    """5xx: the server failed; retries did not help."""


class ResponseError(RelayError):
    """An answer is not what the API answers: another kind of server, or something between that answers in its place."""


class ConnectionFailedError(RelayError, ConnectionError):
    """The server cannot be reached, or stopped answering; retries did not help."""


class UploadError(RelayError):
    """A file did not reach the storage that it was to be uploaded to."""


class JobFailedError(RelayError):
    """A job or the processing of audio ended without a result; the message has the server's reason.

    Attributes
    ----------
    subject : object
        The job, or the list of audio files, as the server gave it last.
    """

    def __init__(self, message: str, subject: Any) -> None:
        super().__init__(message)
        self.subject = subject


class WaitTimeoutError(RelayError, TimeoutError):
    """What was waited for had not ended in time; it goes on at the server.

    Attributes
    ----------
    subject : object
        The job, or the list of audio files, as the server gave it last.
    """

    def __init__(self, message: str, subject: Any) -> None:
        super().__init__(message)
        self.subject = subject


_BY_STATUS: dict[int, type[ApiError]] = {
    400: RefusedError,
    401: AuthenticationError,
    404: NotFoundError,
    422: ValidationError,
}


def api_error(
    status: int, body: bytes, *, method: str, path: str, reason: str, request_id: str | None, secret: str
) -> ApiError:
    """Return the error that an answer stands for; `secret` does not appear in it, whatever the server wrote."""
    detail, problems = _detail(body)
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    said = (detail or reason or "no reason given").replace(secret, "***")
    return kind(status, said, method=method, path=path, request_id=request_id, problems=problems)


def _detail(body: bytes) -> tuple[str, list[Problem]]:
    """Return what an error body says, an empty text if it is not the API's."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", []  # a page of a proxy, which helps nobody in a message
    detail = decoded.get("detail") if isinstance(decoded, dict) else None
    if isinstance(detail, str):
        return detail[:_MOST_DETAIL], []
    if not isinstance(detail, list):
        return "", []
    problems = [_problem(entry) for entry in detail if isinstance(entry, dict)]
    return problems_text(problems), problems


def problems_text(problems: Sequence[Problem]) -> str:
    """Return problems on one line, each after its place."""
    return "; ".join(f"{_place(p)}{p.msg}" for p in problems)[:_MOST_DETAIL]


def _problem(entry: dict[str, Any]) -> Problem:
    loc = entry.get("loc")
    parts = [part for part in loc if isinstance(part, (str, int))] if isinstance(loc, list) else []
    return Problem(parts, str(entry.get("msg", "")), str(entry.get("type", "")))


def _place(problem: Problem) -> str:
    return f"{'.'.join(map(str, problem.loc))}: " if problem.loc else ""
