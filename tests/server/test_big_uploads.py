"""Uploads to a whole server: memory stays flat, and many at once all arrive."""

import hashlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest

from relaylib.api import MAX_UPLOAD_BYTES
from relaylib.client import Client
from relaylib.server import ServerProcess

_log = logging.getLogger(__name__)

MB = 2**20


class Memory:
    """The largest resident memory of a process while the context lasts, above what it had before, in bytes."""

    def __init__(self, pid):
        self._status = Path(f"/proc/{pid}/statm")
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self.growth = 0

    def _resident(self):
        return int(self._status.read_text().split()[1]) * 4096

    def _watch(self):
        before = self._resident()
        while not self._stop.wait(0.01):
            self.growth = max(self.growth, self._resident() - before)

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._watcher.join()


def digest(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ServerProcess(tmp_path_factory.mktemp("data"), options={"workers": "0"}) as running:
        yield running


@pytest.fixture(scope="module")
def client(server):
    with Client(server.url, server.key, timeout=120) as client:
        yield client


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_the_largest_upload_costs_the_server_twenty_megabytes_at_most(server, client, tmp_path):
    path = tmp_path / "long.wav"
    block = np.random.default_rng(0).bytes(MB)
    with path.open("wb") as file:
        for _ in range(MAX_UPLOAD_BYTES // MB):
            file.write(block)
    assert path.stat().st_size == MAX_UPLOAD_BYTES
    dataset = client.datasets.create("big")
    small = tmp_path / "short.wav"
    small.write_bytes(block)
    client.audio.upload(dataset.id, small)  # what is loaded on first use is loaded then
    with Memory(server.pid) as memory:
        sent = client.audio.upload(dataset.id, path)
    assert sent.file_size_bytes == MAX_UPLOAD_BYTES
    _log.info("the server grew by %.1f MB", memory.growth / MB)
    assert memory.growth <= 20 * MB, f"grew by {memory.growth / MB:.0f} MB"


def test_thirty_two_uploads_at_once_all_arrive_whole(client, tmp_path):
    """Each of its own size and content; what is fetched afterwards is what was sent."""
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"take {k}.wav" for k in range(32)]
    for path in paths:
        path.write_bytes(rng.bytes(int(rng.integers(1, 4 * MB))))
    dataset = client.datasets.create("many")
    together = threading.Barrier(len(paths))

    def upload(path):
        together.wait()
        return client.audio.upload(dataset.id, path)

    with ThreadPoolExecutor(len(paths)) as pool:
        sent = list(pool.map(upload, paths))
    for path, file in zip(paths, sent, strict=True):
        fetched = httpx.get(client.audio.download_url(dataset.id, file.id).download_url).content
        assert digest(fetched) == digest(path.read_bytes()), path.name


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(server, client):
    """By a client that says it sends little and then goes on sending."""
    dataset = client.datasets.create("beyond")
    target = client.audio.create_upload(dataset.id, "a.wav", content_type="audio/wav", size_bytes=1000)
    objects = server.data_dir / "objects"
    before = sorted(path for path in objects.rglob("*") if path.is_file())

    def endless():
        boundary = "b"
        for name, value in target.fields.items():
            yield f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        yield f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'.encode()
        for _ in range(MAX_UPLOAD_BYTES // MB + 64):
            yield bytes(MB)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = httpx.post(target.upload_url, content=endless(), headers=headers, timeout=120)
    assert answer.status_code == 400
    assert "detail" in answer.json()
    time.sleep(0.2)
    assert sorted(path for path in objects.rglob("*") if path.is_file()) == before
