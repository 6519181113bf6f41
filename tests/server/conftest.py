"""Databases, and the application on them: SQLite always, PostgreSQL where its programs are installed."""

import shutil
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from litestar.testing import TestClient
from private_postgresql import private_postgresql, server_programs
from radosgw import s3_url  # noqa: F401 - a fixture
from seeding import Seeds
from steps import Steps

from relaylib.server.app import create_app, furnish
from relaylib.server.database import database_url, migrate
from relaylib.server.jobs.local import LocalExecutor
from relaylib.server.keys.service import create_key, tenant_by_name
from relaylib.server.objects import open_store
from relaylib.server.settings import Settings

collect_ignore = ["schemathesis_hooks.py"]  # no tests, and importable only where schemathesis is installed


@pytest.fixture(scope="session")
def postgresql():
    """Start a private PostgreSQL in a temporary folder; give a function that makes a database."""
    programs = server_programs()
    if programs is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    with private_postgresql(programs) as new_database:
        yield new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request):
    """Say which kind of database the test runs on: on either."""
    return request.param


@pytest.fixture
def empty_database_url(database_kind, request, tmp_path):
    """Give the URL of an empty database."""
    if database_kind == "sqlite":
        return f"sqlite:///{tmp_path}/relay.sqlite3"
    return request.getfixturevalue("postgresql")()


@pytest.fixture(scope="session")
def tables(request, tmp_path_factory):
    """Give a function from a kind to a database of it that has the tables and nothing in them, made once."""

    @cache
    def made(kind):
        file = tmp_path_factory.mktemp("tables") / "relay.sqlite3"
        url = f"sqlite:///{file}" if kind == "sqlite" else request.getfixturevalue("postgresql")()
        migrate(database_url(url, data_dir=Path()))
        return file if kind == "sqlite" else urlsplit(url).path[1:]

    return made


@pytest.fixture
def fresh_database_url(database_kind, tables, request, tmp_path):
    """Give the URL of a database with the tables and nothing in them."""
    template = tables(database_kind)
    if database_kind == "sqlite":
        return f"sqlite:///{shutil.copy(template, tmp_path)}"
    return request.getfixturevalue("postgresql")(template)


@pytest.fixture
def settings(fresh_database_url, tmp_path):
    """Give settings of a server that keeps everything in the test's folder."""
    return Settings(data_dir=tmp_path / "data", database_url=fresh_database_url)


class OnDemand(LocalExecutor):
    """The server's own executor, but no worker is started before there is work: most tests have none."""

    async def start(self):
        pass


@pytest.fixture
def executor(settings):
    """Give what does the heavy work."""
    return OnDemand(settings)


@pytest.fixture(scope="session")
def routed(tmp_path_factory):
    """Give an application over a folder, for one test after the other: to make its routes takes longer than most."""
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("routed")))


@pytest.fixture
def app(settings, executor, request):
    """Give an application that has seen nothing yet."""
    if settings.storage_url:
        return create_app(settings, executor=executor)
    app = request.getfixturevalue("routed")
    furnish(app, settings, open_store(None, data_dir=settings.data_dir), executor=executor)
    return app


@pytest.fixture
def anonymous(app):
    """Give a client without a key; the application runs while the test does."""
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


@pytest.fixture
def call(anonymous):
    """Give a function that runs a coroutine function in the application's event loop."""
    return anonymous.blocking_portal.call


@pytest.fixture
def key_of(anonymous, app, call):
    """Give a function that makes a key for a tenant by name."""

    def make(tenant, **options):
        async def create():
            async with app.state.context.db.write() as session:
                tenant_id = await tenant_by_name(session, tenant)
                return (await create_key(session, tenant_id, name="test", **options)).key

        return call(create)

    return make


@pytest.fixture
def client_of(anonymous, key_of):
    """Give a function that makes a client of the running application with a new key of a tenant."""

    def make(tenant):
        headers = {"X-API-Key": key_of(tenant)}
        return httpx.Client(
            transport=anonymous._transport, base_url=anonymous.base_url, headers=headers, follow_redirects=True
        )

    return make


@pytest.fixture
def client(client_of):
    """Give a client with a key."""
    return client_of("one")


@pytest.fixture
def other(client_of):
    """Give a client of another tenant of the same application."""
    return client_of("two")


@pytest.fixture
def seeds(app, call):
    """Give what puts rows into the database for the tenant of `client`."""
    return Seeds(app, call)


@pytest.fixture
def steps(client):
    """Give the calls of `client`."""
    return Steps(client)
