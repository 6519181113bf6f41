"""What the resources of a client have in common: ids, paths and pages."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

from relaylib.api import Page
from relaylib.client.errors import ValidationError
from relaylib.client.http import Http
from relaylib.errors import ParameterError

__all__ = ["Id", "PathLike", "Resource", "checked_id", "without_none"]

T = TypeVar("T")

Id = UUID | str
"""The id of something at the server, as it was given there or as text."""

PathLike = str | os.PathLike[str]

_PAGE_SIZE = 100


def checked_id(value: Id) -> UUID:
    """Return an id as a UUID.

    Raises
    ------
    ParameterError
        If it is text of another kind.
    """
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise ParameterError(f"{value!r} is not an id; ids look like 123e4567-e89b-12d3-a456-426614174000.") from None


def without_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that have a value: servers differ in whether they take null for absent."""
    return {name: value for name, value in fields.items() if value is not None}


class Resource:
    """A group of calls on one kind of thing.

    Parameters
    ----------
    http : Http
        What sends them.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def _page(
        self, path: str, kind: type[T], page: int, page_size: int | None, query: Mapping[str, Any] | None = None
    ) -> Page[T]:
        asked = {**(query or {}), "page": page, "page_size": page_size}
        found = self._http.get(path, Page[kind], query=asked)  # type: ignore[valid-type]  # made while running
        found.page = page  # servers may leave out both
        if page_size is not None:
            found.page_size = page_size
        return found

    def _iterate(self, path: str, kind: type[T], query: Mapping[str, Any] | None = None) -> Iterator[T]:
        """Yield the items of all pages, each once although the pages may shift meanwhile.

        A list that has become shorter moves items to pages that were passed already: those are asked for again.
        """
        page_size: int | None = _PAGE_SIZE
        seen: set[Any] = set()
        page, n_received, n_new, total, shrank = 1, 0, 0, 0, False
        while True:
            try:
                found = self._page(path, kind, page, page_size, query)
            except ValidationError:
                if page > 1 or page_size is None:
                    raise
                page_size = None  # a server whose pages are smaller
                continue
            shrank, total = shrank or found.total < total, found.total
            for item in found.items:
                name = getattr(item, "id", None)
                if name not in seen:
                    seen.add(name)
                    n_new += 1
                    yield item
            n_received += len(found.items)
            if found.items and n_received < found.total:
                page += 1
            elif shrank and n_new:
                page, n_received, n_new, shrank = 1, 0, 0, False
            else:
                return
