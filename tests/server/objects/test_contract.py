"""What every store does, by the forms and URLs that clients get: a folder by a real server, S3 by a real gateway."""

import asyncio
import base64
import json
import time
from datetime import datetime, timedelta, timezone

import httpx
import pytest
import requests

from relaylib.errors import ParameterError
from relaylib.server.objects import ObjectMissingError, StorageError

KEY = "uploads/0190/speech.wav"


def keys_of(store, prefix=""):
    async def collect():
        return sorted([info.key async for info in store.list(prefix)])

    return asyncio.run(collect())


def form_of(store, store_url, *, key=KEY, expires_in=60, max_bytes=1000):
    return store.presign_upload(key, expires_in=expires_in, max_bytes=max_bytes, base_url=store_url)


def post(form, content=b"RIFF and more", **changes):
    return requests.post(form.url, data=form.fields | changes, files={"file": ("a.wav", content)}, timeout=30)


def test_an_uploaded_object_is_there_until_it_is_deleted(store, store_url):
    before = datetime.now(timezone.utc) - timedelta(seconds=5)
    assert asyncio.run(store.info(KEY)) is None
    answer = post(form_of(store, store_url))
    assert (answer.status_code, answer.content) == (204, b"")
    info = asyncio.run(store.info(KEY))
    assert (info.key, info.size_bytes) == (KEY, 13)
    assert before < info.modified_at < before + timedelta(seconds=60)
    with store.local(KEY) as path:
        assert path.read_bytes() == b"RIFF and more"
        assert path.suffix == ".wav"
    assert keys_of(store) == [KEY]
    asyncio.run(store.delete(KEY))
    asyncio.run(store.delete(KEY))
    assert asyncio.run(store.info(KEY)) is None
    assert keys_of(store) == []
    with pytest.raises(ObjectMissingError, match=KEY), store.local(KEY):
        pass


def test_a_form_can_be_posted_again(store, store_url):
    form = form_of(store, store_url)
    for content in (b"first", b"the second"):
        assert post(form, content).status_code == 204
        with store.local(KEY) as path:
            assert path.read_bytes() == content


def test_a_form_has_the_documented_fields(store, store_url):
    fields = form_of(store, store_url).fields
    assert {"key", "policy", "x-amz-signature", "x-amz-credential", "x-amz-algorithm", "x-amz-date"} <= set(fields)
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert "expiration" in json.loads(base64.b64decode(fields["policy"]))


@pytest.mark.parametrize("size", [1, 1000])
def test_sizes_at_the_limits_are_taken(store, store_url, size):
    assert post(form_of(store, store_url), b"x" * size).status_code == 204
    assert asyncio.run(store.info(KEY)).size_bytes == size


@pytest.mark.parametrize("size", [0, 1001, 3_000_000])
def test_sizes_beyond_the_limits_are_refused(store, store_url, size):
    assert post(form_of(store, store_url), b"x" * size).status_code == 400
    assert keys_of(store) == []


def test_an_expired_form_is_refused(store, store_url):
    form = form_of(store, store_url, expires_in=1)
    time.sleep(2.1)
    assert post(form).status_code == 403
    assert keys_of(store) == []


def tampered(policy, old, new):
    text = base64.b64decode(policy).decode()
    assert old in text
    return base64.b64encode(text.replace(old, new).encode()).decode()


def test_a_changed_form_is_refused(store, store_url):
    """More bytes, another key in the policy or beside it, another signature: none of it is stored."""
    form = form_of(store, store_url)
    signature = form.fields["x-amz-signature"]
    wrong = ("0" if signature[0] != "0" else "1") + signature[1:]
    full_key = form.fields["key"]
    other_key = full_key.replace("0190", "0191")
    aliases = {name: wrong for name in ("signature",) if name in form.fields}
    for changes in (
        {"policy": tampered(form.fields["policy"], "1000", "9999")},
        {"policy": tampered(form.fields["policy"], full_key, other_key), "key": other_key},
        {"key": other_key},
        {"x-amz-signature": wrong, **aliases},
    ):
        answer = post(form, **changes)
        assert answer.status_code == 403, changes
    assert keys_of(store) == []


@pytest.mark.parametrize(
    "filename", ["a.wav", 'q"uo\\te;.wav', "Straße 音.wav", "x\r\nSet-Cookie: a=b", "../../etc/passwd", ""]
)
def test_a_download_has_its_name_and_type(store, store_url, filename, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    store.put_file(KEY, source)
    url = store.presign_download(KEY, expires_in=60, filename=filename, content_type="audio/wav", base_url=store_url)
    answer = httpx.get(url)
    assert answer.content == b"0123456789"
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert "set-cookie" not in answer.headers
    part = httpx.get(url, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")


def test_a_changed_or_expired_download_is_refused(store, store_url, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"0123456789")
    store.put_file(KEY, source)
    store.put_file("models/secret", source)
    url = store.presign_download(KEY, expires_in=60, filename="a", content_type="audio/wav", base_url=store_url)
    assert httpx.get(url.replace(KEY, "models/secret")).status_code == 403
    assert httpx.get(url.replace("audio%2Fwav", "text%2Fhtml")).status_code == 403
    brief = store.presign_download(KEY, expires_in=1, filename="a", content_type="audio/wav", base_url=store_url)
    time.sleep(2.1)
    assert httpx.get(brief).status_code == 403


def test_a_list_is_of_the_keys_with_a_prefix(store, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"x")
    for key in ("a/b/1", "a/b/2", "a/bc/3", "d"):
        store.put_file(key, source)
    assert keys_of(store) == ["a/b/1", "a/b/2", "a/bc/3", "d"]
    assert keys_of(store, "a/b") == ["a/b/1", "a/b/2", "a/bc/3"]
    assert keys_of(store, "a/b/") == ["a/b/1", "a/b/2"]
    assert keys_of(store, "e/") == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", ".hidden", "a\0b", "a b", "é", "a\n"]
)
def test_a_key_that_could_lead_elsewhere_is_an_error(store, store_url, key, tmp_path):
    for use in (
        lambda: form_of(store, store_url, key=key),
        lambda: store.presign_download(key, expires_in=1, filename="a", content_type="a/b", base_url=store_url),
        lambda: asyncio.run(store.info(key)),
        lambda: asyncio.run(store.delete(key)),
        lambda: store.put_file(key, tmp_path / "x"),
        lambda: store.local(key).__enter__(),
    ):
        with pytest.raises(ParameterError, match="is not an object key"):
            use()


def test_a_usable_store_checks_well(store):
    asyncio.run(store.check())


def test_a_file_that_cannot_be_read_stores_nothing(store, tmp_path):
    with pytest.raises((StorageError, FileNotFoundError)):
        store.put_file(KEY, tmp_path / "missing")
    assert keys_of(store) == []
