"""Transactions of the dispatcher: they give way to those of requests, and outlive a database that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import chain, repeat

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database import UNUSABLE, Database

__all__ = ["HICCUPS", "pauses", "yielding"]

HICCUPS = (*UNUSABLE, OSError)
"""What passes: trying again later is all there is to do."""

_LOCK_TIMEOUT_MS = 500  # less than PostgreSQL's deadlock_timeout: of two that wait for each other, we give way


@asynccontextmanager
async def yielding(db: Database) -> AsyncIterator[AsyncSession]:
    """Give a session as `db.write` does, which fails rather than waits for long behind a lock of PostgreSQL's."""
    async with db.write() as session:
        if not db.is_sqlite:
            await session.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
        yield session


def pauses() -> Iterator[float]:
    """Yield how many seconds to wait before the next try, without end."""
    return chain((0.1, 0.2, 0.5, 1.0, 2.0), repeat(5.0))
