"""Waiting for what a page, a file or a server says sooner or later."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(read: Callable[[], T], wanted: T, *, within_s: float = 10) -> None:
    """Wait until `read` returns what is wanted."""
    deadline = time.monotonic() + within_s
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"{found} is not {wanted}"
        time.sleep(0.02)
