"""Databases, and the application on them: SQLite always, PostgreSQL where its programs are installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import httpx
import psycopg
import pytest
from litestar.testing import TestClient
from radosgw import s3_url  # noqa: F401 - a fixture

from relaylib.server.app import create_app
from relaylib.server.jobs.local import LocalExecutor
from relaylib.server.keys.service import create_key, tenant_by_name
from relaylib.server.settings import Settings


def postgresql_bindir():
    """Return the folder of PostgreSQL's server programs, None if they aren't installed."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(packaged[-1]) if packaged else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def unprivileged():
    """PostgreSQL refuses to run as root; there its programs run as nobody."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture(scope="session")
def postgresql():
    """Start a private PostgreSQL in a temporary folder; give a function that makes an empty database."""
    bindir = postgresql_bindir()
    if bindir is None:
        pytest.skip("PostgreSQL's server programs are not installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short: sockets have short names; one for each test run
    as_user = unprivileged()
    if as_user:
        shutil.chown(folder, as_user["user"], as_user["group"])
    data, port = folder / "data", free_port()

    def call(program, *args):
        subprocess.run([bindir / program, *map(str, args)], check=True, capture_output=True, cwd=folder, **as_user)

    call("initdb", "-D", data, "-U", "relay", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    call("pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    made = []

    def empty_database():
        name = f"relay{len(made)}"
        made.append(name)
        with psycopg.connect(f"postgresql://relay@127.0.0.1:{port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://relay@127.0.0.1:{port}/{name}"

    try:
        yield empty_database
    finally:
        call("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request, tmp_path):
    """Give the URL of an empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/relay.sqlite3"
    return request.getfixturevalue("postgresql")()


@pytest.fixture
def settings(empty_database_url, tmp_path):
    """Give settings of a server that keeps everything in the test's folder."""
    return Settings(data_dir=tmp_path / "data", database_url=empty_database_url)


class OnDemand(LocalExecutor):
    """The server's own executor, but no worker is started before there is work: most tests have none."""

    async def start(self):
        pass


@pytest.fixture
def executor(settings):
    """Give what does the heavy work."""
    return OnDemand(settings)


@pytest.fixture
def app(settings, executor):
    return create_app(settings, executor=executor)


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
