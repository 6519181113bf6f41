"""What a server opens before it answers, and closes when it stops."""

from __future__ import annotations

import asyncio
import fcntl
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relaylib.errors import RelayError
from relaylib.server.auth import LastUses
from relaylib.server.context import Context
from relaylib.server.database import Database, database_url, migrate
from relaylib.server.settings import Settings

__all__ = ["Parts", "exclusive", "open_parts"]


@contextmanager
def exclusive(data_dir: Path) -> Iterator[None]:
    """Make the folder, and hold it while the context lasts: two servers in one would undo each other's work.

    Raises
    ------
    RelayError
        If it cannot be written, or another server holds it.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "server.lock").open("a")
    except OSError as exc:
        raise RelayError(f"{data_dir}: cannot be written ({exc.strerror}); name another folder by --data-dir.") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise RelayError(f"{data_dir}: another server uses this folder; stop it, or name another folder.") from exc
        yield


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application works with while it runs."""

    context: Context
    last_uses: LastUses


@asynccontextmanager
async def open_parts(settings: Settings) -> AsyncIterator[Parts]:
    """Open the folder, database, store and workers of a server, and close them in the reverse order.

    Raises
    ------
    RelayError
        If one of them cannot be used; the message says which.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(exclusive(settings.data_dir))
        url = database_url(settings.database_url, data_dir=settings.data_dir)
        await asyncio.to_thread(migrate, url)
        db = Database(url)
        stack.push_async_callback(db.close)
        last_uses = LastUses(db)
        stack.push_async_callback(last_uses.flush)
        await stack.enter_async_context(_background(last_uses.run()))
        yield Parts(Context(settings=settings, db=db, store=None, wake=lambda: None), last_uses)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let `work` run while the context lasts."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
