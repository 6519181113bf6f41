"""What the routes of every area take: ids from the path, and the service of their area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from litestar.di import NamedDependency, Provide
from litestar.params import FromPath

from relaylib.server.context import Caller, Context

__all__ = ["PathId", "service"]

PathId = FromPath[UUID]


def service(kind: Callable[[Context, Caller], Any]) -> Provide:
    """Return the dependency that makes a service of type `kind` for the caller of a request."""

    def make(context: NamedDependency[Context], caller: NamedDependency[Caller]) -> Any:
        return kind(context, caller)

    return Provide(make, sync_to_thread=False)
