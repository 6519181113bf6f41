"""One call at a time: cells, the messages of a view and the progress of decoding come in different threads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

__all__ = ["locked"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class _HasLock(Protocol):
    @property
    def _lock(self) -> AbstractContextManager[Any]: ...


_Self = TypeVar("_Self", bound=_HasLock)


def locked(method: Callable[Concatenate[_Self, _P], _R]) -> Callable[Concatenate[_Self, _P], _R]:
    """Have a method called under the lock that its object has as ``_lock``, which must be reentrant."""

    @wraps(method)
    def in_turn(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._lock:
            return method(self, *args, **kwargs)

    return in_turn
