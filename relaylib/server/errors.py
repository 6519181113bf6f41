"""What can go wrong with a request, and the one place where errors become answers."""

from __future__ import annotations

from relaylib.api import Problem
from relaylib.errors import RelayError

__all__ = ["ApiError", "InvalidError", "NotFoundError", "RefusedError"]


class ApiError(RelayError):
    """A request that cannot be met; `status` and `detail` are what the client is told."""

    status = 400

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class RefusedError(ApiError):
    """The request is well formed, but the state of things forbids it (400)."""


class NotFoundError(ApiError):
    """There is no such thing, or it is another tenant's (404); `what` names its kind."""

    status = 404

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not found")


class InvalidError(ApiError):
    """Fields of the request break their rules (422); all of them, not only the first."""

    status = 422

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, p.loc))}: {p.msg}" for p in problems))
        self.problems = problems

    @classmethod
    def at(cls, *loc: str | int, msg: str, type: str = "value_error") -> InvalidError:  # noqa: A002 - the API's word
        """Return the error for a single field."""
        return cls([Problem(list(loc), msg, type)])
