"""The database's revisions: from nothing, from each earlier one, and the tables they lead to."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from relaylib.errors import ParameterError, RelayError
from relaylib.server.database import database_url, migrate
from relaylib.server.database.migrate import revisions
from relaylib.server.database.tables import Base


def sync_engine(url):
    return create_engine(url.set(drivername=url.drivername.replace("+aiosqlite", "")))


@pytest.mark.parametrize("start", [None, *revisions()])
def test_every_revision_leads_to_the_tables_of_the_code(empty_database_url, start):
    """A database of any age ends with just the tables and columns that the code declares.

    Types are compared on PostgreSQL only: SQLite gives its own names for them.
    """
    url = database_url(empty_database_url, data_dir=Path())
    if start is not None:
        assert migrate(url, start) == start
    assert migrate(url) == revisions()[-1]
    engine = sync_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": not url.drivername.startswith("sqlite")})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_database_of_a_later_version_is_refused(empty_database_url):
    """An older library must not guess at tables it has never seen."""
    url = database_url(empty_database_url, data_dir=Path())
    migrate(url)
    engine = sync_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(RelayError, match=r"9999.*newer version"):
        migrate(url)


def test_a_revision_that_fails_leaves_nothing_behind(empty_database_url):
    """Whatever stops it halfway: the next start begins where this one did."""
    url = database_url(empty_database_url, data_dir=Path())
    engine = sync_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE models (id INTEGER)"))
    with pytest.raises(SQLAlchemyError, match="models"):
        migrate(url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE models"))
    assert migrate(url) == revisions()[-1]
    engine.dispose()


def test_programs_that_start_together_migrate_one_after_the_other(empty_database_url):
    program = """
import sys
from pathlib import Path
from relaylib.server.database import database_url, migrate
url = database_url(sys.argv[1], data_dir=Path())
input()
print(migrate(url))
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", program, empty_database_url], **pipes) for _ in range(4)]
    for one in started:
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate() for one in started]
    assert [out.strip() for out, _ in said] == [revisions()[-1]] * 4, said


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "not a url", "sqlite://", "sqlite:///:memory:", "postgresql://user@host:port/name"]
)
def test_a_url_of_another_kind_is_refused(url, tmp_path):
    with pytest.raises(ParameterError, match=r"sqlite:///"):
        database_url(url, data_dir=tmp_path)


def test_the_rest_of_a_password_is_not_taken_for_a_host(tmp_path):
    """Nor shown: it is what follows the '@' in it."""
    with pytest.raises(ParameterError, match="written %40") as failure:
        database_url("postgresql://user:pass@word@host/name", data_dir=tmp_path)
    assert "word@" not in str(failure.value)
    url = database_url("postgresql://user:pass%40word@host/name", data_dir=tmp_path)
    assert (url.password, url.host) == ("pass@word", "host")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_cannot_hold_every_name_is_refused(postgresql, encoding):
    """The second, which is no encoding, is what PostgreSQL makes where the machine has no locale."""
    url = make_url(postgresql())
    with psycopg.connect(str(url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {encoding} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    url = url.set(database=encoding.lower())
    with pytest.raises(RelayError, match=rf"encoded as {encoding}.*--encoding UTF8"):
        migrate(database_url(str(url), data_dir=Path()))
