import asyncio

import pytest

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


@pytest.mark.parametrize("url", ["s3://absent", "s3://relay"])
def test_a_store_that_cannot_be_used_says_so(s3_url, tmp_path, url):
    """A bucket that isn't there; an address where nobody listens."""
    query = s3_url.partition("?")[2] if url == "s3://absent" else "endpoint=http://127.0.0.1:1"
    store = open_store(f"{url}?{query}", data_dir=tmp_path / "data")
    with pytest.raises(StorageError, match="cannot list"):
        asyncio.run(store.check())
    with pytest.raises(StorageError):
        store.put_file("a", __file__)
