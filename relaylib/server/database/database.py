"""The database by its URL: sessions to read, sessions to write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import ArgumentError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from relaylib.errors import ParameterError, RelayError

__all__ = ["UNUSABLE", "Database", "database_url"]

UNUSABLE = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)
"""What is raised by a database that is away, busy, full, just starting, or only to be read (by the third)."""

_BUSY_TIMEOUT_S = 30


def database_url(url: str | None, *, data_dir: Path) -> URL:
    """Return the URL with the driver we use; None is a SQLite file in `data_dir`.

    Raises
    ------
    ParameterError
        If the URL is none, or names a database that we do not know.
    """
    if url is None:
        return URL.create("sqlite+aiosqlite", database=str(data_dir / "relay.sqlite3"))
    try:
        given = make_url(url)
    except (ArgumentError, ValueError) as exc:  # ValueError: a port that is no number
        raise ParameterError("the database URL cannot be read; write sqlite:///PATH or postgresql://…/NAME.") from exc
    if "@" in (given.host or ""):  # not shown: it is the rest of the password
        raise ParameterError("the database URL has a second '@'; in a user's name or password it is written %40.")
    match given.get_backend_name():
        case "sqlite" if given.database not in (None, "", ":memory:"):
            return given.set(drivername="sqlite+aiosqlite")
        case "postgresql" | "postgres":
            return given.set(drivername="postgresql+psycopg").update_query_dict({"client_encoding": "utf8"})
    raise ParameterError(f"database {given.drivername!r} is not known; use a sqlite:/// file or postgresql://.")


class Database:
    """One database; SQLite has a single writer at a time, which waits its turn here instead of failing.

    Parameters
    ----------
    url : URL
        As :func:`database_url` gives it.
    pool_size : int
        Connections kept for PostgreSQL, and for reading SQLite.
    """

    def __init__(self, url: URL, *, pool_size: int = 8) -> None:
        self.url = url
        self._is_sqlite = url.get_backend_name() == "sqlite"
        if self._is_sqlite:
            self._reader = _sqlite_engine(url, begin=None, pool_size=pool_size)
            self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE", pool_size=1)
        else:
            self._reader = create_async_engine(
                url, pool_size=pool_size, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
            )
            self._writer = create_async_engine(url, pool_size=pool_size, pool_pre_ping=True)
        self._reading = async_sessionmaker(self._reader, expire_on_commit=False)
        self._writing = async_sessionmaker(self._writer, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite, which has no row locks and needs none: its writer is alone."""
        return self._is_sqlite

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session that changes nothing; each of its statements sees the state of that moment.

        There is no transaction around them: to begin and end one takes longer than what most requests ask.
        """
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session that keeps what was done if the block ends well, and nothing of it if it raises."""
        async with self._writing() as session, session.begin():
            yield session

    async def check(self) -> None:
        """Ask the database for a sign of life; raises SQLAlchemy's error if there is none.

        Raises
        ------
        RelayError
            If it can only be read: the standby of another, or one whose disk is full.
        """
        async with self.read() as session:
            if self._is_sqlite:
                await session.execute(text("SELECT 1"))
            elif await session.scalar(text("SHOW transaction_read_only")) == "on":
                raise RelayError("the database can only be read now; is it the standby of another, or its disk full?")

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()


def _sqlite_engine(url: URL, *, begin: str | None, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_BUSY_TIMEOUT_S,
        pool_reset_on_return="rollback" if begin else None,
        connect_args={"timeout": _BUSY_TIMEOUT_S},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours, below: the driver's own comes too late for reads
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    if begin:

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql(begin)

    return engine
