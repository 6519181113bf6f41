"""Bringing a database to the present revision, at every start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, text

from relaylib.errors import RelayError
from relaylib.lock import exclusive

__all__ = ["migrate", "revisions"]

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x72656C61  # any number of our own: servers that start together migrate one after the other
_BUSY_TIMEOUT_S = 30


def revisions() -> list[str]:
    """Names of all revisions, the first one first."""
    script = ScriptDirectory.from_config(_config(None))
    return [revision.revision for revision in script.walk_revisions()][::-1]


def migrate(url: URL, revision: str = "head") -> str:
    """Bring the database at `url` up to `revision`; return the one it is at. Blocking.

    Raises
    ------
    RelayError
        If the database is of a later version than this library, or cannot hold every character.
    """
    if url.get_backend_name() != "sqlite":
        return _upgrade(create_engine(url), revision)
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.with_name(f"{path.name}.lock")):
        return _upgrade(_sqlite_engine(url), revision)


def _upgrade(engine: Engine, revision: str) -> str:
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                _check_encoding(connection)
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _check_known(connection)
            command.upgrade(_config(connection), revision)
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


def _sqlite_engine(url: URL) -> Engine:
    """Return an engine by which revisions come whole or not at all; the driver's own transactions leave out tables."""
    engine = create_engine(url.set(drivername="sqlite"), connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _check_encoding(connection: Connection) -> None:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise RelayError(
            f"the database is encoded as {encoding}, which cannot hold every name; "
            "make one by createdb --template template0 --encoding UTF8 --locale C."
        )


def _check_known(connection: Connection) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in revisions():
        raise RelayError(
            f"the database is at revision {current!r}, which this version of relaylib does not know; "
            "use the newer version that it was last used with."
        )


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
