"""What a server opens before it answers, and closes when it stops."""

from __future__ import annotations

import asyncio
import fcntl
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from relaylib.errors import RelayError
from relaylib.files import write_atomic
from relaylib.server.audio.processing import AudioPreparation
from relaylib.server.auth import LastUses
from relaylib.server.context import Context
from relaylib.server.database import Database, database_url, migrate
from relaylib.server.housekeeping import Housekeeping
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.jobs.dispatcher import Dispatcher
from relaylib.server.jobs.executor import Executor
from relaylib.server.jobs.kind import JobKind
from relaylib.server.jobs.local import LocalExecutor
from relaylib.server.keys.service import DEFAULT_TENANT, any_key_exists, create_key, hold_tenants
from relaylib.server.models.ready import tenant_with_models
from relaylib.server.objects import ObjectStore
from relaylib.server.settings import Settings
from relaylib.server.training.processing import TrainingWork

__all__ = ["Parts", "exclusive", "first_key", "open_parts", "opened_database", "server_name"]


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


def server_name(data_dir: Path) -> str:
    """Return the name by which the server of this folder holds jobs: its own, and the same at every start."""
    path = data_dir / "server.id"
    if not path.exists():
        write_atomic(path, secrets.token_hex(16))
    return path.read_text(encoding="ascii").strip()


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the database, brought to the present revision.

    Raises
    ------
    RelayError
        If it cannot be reached or used; also in place of an error of SQLAlchemy's that the block raises.
    """
    url = database_url(settings.database_url, data_dir=settings.data_dir)
    try:
        await asyncio.to_thread(migrate, url)
    except (SQLAlchemyError, OSError) as exc:
        raise _unusable(url, exc) from exc
    db = Database(url)
    try:
        yield db
    except SQLAlchemyError as exc:
        raise _unusable(url, exc) from exc
    finally:
        await db.close()


async def first_key(db: Database) -> str | None:
    """Make a key if there was never one, and return it; None where there was."""
    async with db.write() as session:
        await hold_tenants(session)  # of servers that start together, one makes it
        if await any_key_exists(session):
            return None
        tenant_id = await tenant_with_models(session, DEFAULT_TENANT)
        return (await create_key(session, tenant_id, name="first key")).key


def _unusable(url: URL, error: Exception) -> RelayError:
    where = url.set(query={}).render_as_string(hide_password=True)  # a query may hold a password, too
    reason = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
    return RelayError(f"the database {where} cannot be used: {reason}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application works with while it runs."""

    context: Context
    last_uses: LastUses


@asynccontextmanager
async def open_parts(settings: Settings, store: ObjectStore, executor: Executor | None) -> AsyncIterator[Parts]:
    """Open folder, database and workers of a server, begin what it does by itself, and undo it all in reverse order.

    Raises
    ------
    RelayError
        If one of them cannot be used; the message says which.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(exclusive(settings.data_dir))
        db = await stack.enter_async_context(opened_database(settings))
        executor = executor or LocalExecutor(settings)
        stack.push_async_callback(executor.close)
        kinds: list[JobKind] = [AudioPreparation(), TrainingWork(), DetectionWork()]
        dispatcher = Dispatcher(db, executor, kinds, owner=server_name(settings.data_dir))
        context = Context(settings=settings, db=db, store=store, wake=dispatcher.wake)
        last_uses = LastUses(db)
        stack.push_async_callback(last_uses.try_flush)
        if executor.slots:
            await executor.start()
            await dispatcher.start()
            stack.push_async_callback(dispatcher.close)
        await stack.enter_async_context(_background(last_uses.run()))
        await stack.enter_async_context(_background(Housekeeping(context).run()))
        yield Parts(context, last_uses)


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
