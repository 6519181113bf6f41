"""Bringing a database to the present revision, at every start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, text

from relaylib.errors import RelayError

__all__ = ["migrate", "revisions"]

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x72656C61  # any number of our own: servers that start together migrate one after the other


def revisions() -> list[str]:
    """Names of all revisions, the first one first."""
    script = ScriptDirectory.from_config(_config(None))
    return [revision.revision for revision in script.walk_revisions()][::-1]


def migrate(url: URL, revision: str = "head") -> str:
    """Bring the database at `url` up to `revision`; return the one it is at. Blocking.

    Raises
    ------
    RelayError
        If the database is of a later version than this library.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(drivername="sqlite" if sqlite else url.drivername))
    try:
        with engine.begin() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            _check_known(connection)
            command.upgrade(_config(connection), revision)
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


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
