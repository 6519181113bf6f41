"""Stores to test: a folder behind a real server, and a bucket of a real gateway."""

import contextlib
import secrets
import socket
import threading
import time

import pytest
import uvicorn
from litestar import Litestar
from radosgw import s3_url  # noqa: F401 - a fixture

from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.routes import storage_router
from relaylib.server.objects.s3 import S3Store


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
def base_url(folder_store):
    """Give the address of a server of `folder_store`."""
    with served(Litestar([storage_router(folder_store)], request_max_body_size=1000, openapi_config=None)) as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    """Give a store of either kind, empty."""
    if request.param == "folder":
        return request.getfixturevalue("folder_store")
    url = request.getfixturevalue("s3_url").replace("?", f"/{secrets.token_hex(4)}?")
    return S3Store(url, cache_dir=tmp_path / "cache", cache_bytes=10_000_000)


@pytest.fixture
def store_url(request, store):
    """Give the address that a store's URLs begin with; only a folder needs one."""
    return request.getfixturevalue("base_url") if isinstance(store, FolderStore) else "http://unused.invalid"
