import asyncio
import contextlib
import socket
import threading
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from relaylib.server.objects import StorageError, open_store


def test_stores_of_one_bucket_are_apart_by_prefix(s3_url, tmp_path):
    (tmp_path / "source").write_bytes(b"x")
    one, two = (
        open_store(s3_url.replace("?", f"/apart/{name}?"), data_dir=tmp_path / "data") for name in ("one", "two")
    )
    one.put_file("a", tmp_path / "source")
    assert asyncio.run(one.info("a")).size_bytes == 1
    assert asyncio.run(two.info("a")) is None


def test_a_list_goes_on_beyond_a_page(s3_url, tmp_path):
    """A page has 1000 keys."""
    store = open_store(s3_url.replace("?", "/many?"), data_dir=tmp_path / "data")
    for n in range(1001):
        store._client.put_object(Bucket="relay", Key=f"many/{n}", Body=b"x")

    async def count():
        return len([info async for info in store.list()])

    assert asyncio.run(count()) == 1001


def test_a_copy_is_fetched_once_and_again_when_the_object_changes(s3_url, tmp_path, monkeypatch):
    store = open_store(s3_url.replace("?", "/copies?"), data_dir=tmp_path / "data")
    fetched = []
    fetch = store._fetch
    monkeypatch.setattr(store, "_fetch", lambda *args: (fetched.append(args[0]), fetch(*args)))
    for content in (b"first", b"again"):
        (tmp_path / "source").write_bytes(content)
        store.put_file("a.wav", tmp_path / "source")
        for _ in range(2):
            with store.local("a.wav") as path:
                assert path.read_bytes() == content
    assert fetched == ["a.wav", "a.wav"]


def test_a_large_file_goes_up_in_parts(s3_url, tmp_path):
    store = open_store(s3_url.replace("?", "/large?"), data_dir=tmp_path / "data")
    content = bytes(range(256)) * 80_000
    (tmp_path / "source").write_bytes(content)
    store.put_file("a", tmp_path / "source")
    with store.local("a") as path:
        assert path.read_bytes() == content


def test_a_gateway_that_goes_away_midway_stores_nothing(s3_url, serve, tmp_path):
    """The upload has arrived here as a whole, and half of it in the bucket."""
    gateway = urlsplit(dict(parse_qsl(urlsplit(s3_url).query))["endpoint"])
    with cut_off(gateway.hostname, gateway.port, after=12_000_000) as (port, passed):
        store = open_store(f"s3://relay/cut?endpoint=http://127.0.0.1:{port}", data_dir=tmp_path)
        with serve(store) as url:
            form = store.presign_upload("a", expires_in=60, max_bytes=40_000_000, base_url=url)
            answer = requests.post(form.url, data=form.fields, files={"file": b"x" * 30_000_000}, timeout=60)
    assert answer.status_code == 503
    assert sum(passed) > 12_000_000
    assert asyncio.run(open_store(s3_url.replace("?", "/cut?"), data_dir=tmp_path).info("a")) is None
    assert [*(tmp_path / "uploads").iterdir()] == []


@contextlib.contextmanager
def cut_off(host, port, *, after):
    """Pass connections on to a server until a number of bytes has gone there, then close them and take no more."""
    passed = []

    def pass_on(source, target, counted):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
                passed.extend([len(data)] if counted else [])
                if sum(passed) > after:
                    break
        for end in (source, target, *([listener] if sum(passed) > after else [])):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
            end.close()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                pair = listener.accept()[0], socket.create_connection((host, port))
                for ends in ((*pair, True), (*pair[::-1], False)):
                    threading.Thread(target=pass_on, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1], passed


def test_a_browser_may_post_to_a_bucket_with_the_documented_rule(s3_url, tmp_path):
    store = open_store(f"{s3_url.replace('?', '/browser?')}&uploads=direct", data_dir=tmp_path)
    origin = "https://app.example.com"
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "POST"], "AllowedHeaders": ["*"]}
    store._client.put_bucket_cors(Bucket="relay", CORSConfiguration={"CORSRules": [rule]})
    try:
        form = store.presign_upload("a", expires_in=60, max_bytes=10, base_url="")
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        assert requests.options(form.url, headers=asked, timeout=20).headers["access-control-allow-origin"] == origin
        answer = requests.post(form.url, form.fields, files={"file": b"x"}, headers={"Origin": origin}, timeout=20)
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, origin)
    finally:
        store._client.delete_bucket_cors(Bucket="relay")


@pytest.mark.parametrize("url", ["s3://absent", "s3://relay"])
def test_a_store_that_cannot_be_used_says_so(s3_url, tmp_path, url):
    """A bucket that isn't there; an address where nobody listens."""
    query = s3_url.partition("?")[2] if url == "s3://absent" else "endpoint=http://127.0.0.1:1"
    store = open_store(f"{url}?{query}", data_dir=tmp_path / "data")
    with pytest.raises(StorageError, match="cannot list"):
        asyncio.run(store.check())
    with pytest.raises(StorageError):
        store.put_file("a", __file__)
    with pytest.raises(StorageError, match="cannot look at"):
        asyncio.run(store.info("a"))
    with pytest.raises(StorageError, match="cannot look at"), store.local("a"):  # not that the object is missing
        pass
