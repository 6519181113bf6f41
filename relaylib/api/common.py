"""What every resource of the REST API shares: pages and errors."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

__all__ = [
    "MAX_UPLOAD_BYTES",
    "UPLOAD_LIFETIME_S",
    "Confidence",
    "Message",
    "Name",
    "Page",
    "Problem",
    "Problems",
    "TypeName",
]

T = TypeVar("T")

MAX_UPLOAD_BYTES = 524_288_000
"""Largest audio file that may be uploaded (500 MB)."""

UPLOAD_LIFETIME_S = 3600
"""How long an upload URL lives."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]
TypeName = Annotated[str, Meta(min_length=1, max_length=100)]
Confidence = Annotated[float, Meta(ge=0.0, le=1.0)]


class Page(msgspec.Struct, Generic[T]):
    """One page of a list, newest first; `total` counts all pages."""

    items: list[T]
    total: int
    page: int = 1
    page_size: int = 20


class Message(msgspec.Struct):
    """An error that concerns the request as a whole."""

    detail: str


class Problem(msgspec.Struct):
    """One field of a request that breaks its rule; `loc` leads to it."""

    loc: list[str | int]
    msg: str
    type: str


class Problems(msgspec.Struct):
    """All fields of a request that break their rules."""

    detail: list[Problem]
