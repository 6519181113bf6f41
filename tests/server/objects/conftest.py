"""Stores to test: a folder, and a bucket of a real gateway, each behind a real server where uploads go through it."""

import contextlib
import secrets
import socket
import threading
import time

import pytest
import uvicorn
from litestar import Litestar
from litestar.datastructures import State

from relaylib.server.objects import open_store
from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.routes import storage_router


@contextlib.contextmanager
def served(app):
    """Run an application in a thread, by a real server; give its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def folder_store(tmp_path):
    return FolderStore(tmp_path / "objects", b"s" * 32)


@pytest.fixture
def s3_store(s3_url, tmp_path):
    """Give an empty store in a bucket, whose uploads come through the server."""
    return open_store(own_prefix(s3_url), data_dir=tmp_path / "data")


def own_prefix(url):
    return url.replace("?", f"/{secrets.token_hex(4)}?")


@pytest.fixture
def base_url(folder_store):
    """Give the address of a server of `folder_store`."""
    with served(server_of(folder_store)) as url:
        yield url


async def anything(key):
    return True


def server_of(store, wanted=anything):
    return Litestar(
        [storage_router(store, wanted)],
        state=State({"store": store}),
        request_max_body_size=1000,
        openapi_config=None,
        logging_config=None,
    )


@pytest.fixture
def serve():
    """Give a context manager that runs a server of a store and gives its address."""
    return lambda store, wanted=anything: served(server_of(store, wanted))


@pytest.fixture(params=["folder", "s3", "s3-direct"])
def store(request, tmp_path):
    """Give a store of either kind, and S3 in both ways, empty."""
    if request.param == "s3-direct":
        url = own_prefix(request.getfixturevalue("s3_url"))
        return open_store(f"{url}&uploads=direct", data_dir=tmp_path / "data")
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture
def store_url(store):
    """Give the address that a store's URLs begin with; a bucket with direct uploads needs none."""
    if store.landing is None:
        yield "http://unused.invalid"
        return
    with served(server_of(store)) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def landing(request):
    """Give a store whose uploads come through the server."""
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture
def landing_url(landing):
    """Give the address of a server of `landing`."""
    with served(server_of(landing)) as url:
        yield url
