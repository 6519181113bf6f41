"""Files on their way to a storage and back."""

import hashlib
import os
import re
import threading
import tracemalloc

import pytest
from api_bodies import AUDIO, DATASET, FILE, JOB, audio, inference_file
from web_server import KEY, Answer

from relaylib.client import ConnectionFailedError, RefusedError, UploadError
from relaylib.client.storage import download
from relaylib.errors import ParameterError, RelayError

FILES = f"/datasets/{DATASET}/audio"
MB = 2**20


def target(web, **more):
    fields = {"key": "k/1", "policy": "cG9saWN5", "x-amz-signature": "5ecret"}
    body = {"upload_url": f"{web.url}/store?sig=5ecret", "fields": fields, "audio_id": str(AUDIO), "expires_in": 3600}
    return body | more


@pytest.fixture
def store(web):
    """Let the server take uploads of one audio file."""
    web.on(f"POST {FILES}/upload-url", Answer(200, target(web)))
    web.on(f"POST {FILES}/confirm", Answer(200, {"audio_id": str(AUDIO), "status": "normalizing", "message": "ok"}))
    web.on(f"GET {FILES}/{AUDIO}", Answer(200, audio(id=str(AUDIO), processing_status="normalizing")))
    return web


def sent(asked):
    """Return the parts of a form as name, filename and content."""
    boundary = re.search("boundary=(.+)", asked.headers["content-type"])[1].encode()
    parts = []
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)[1].decode()
        filename = re.search(rb'filename="([^"]*)"', head)
        parts.append((name, filename and filename[1].decode(), content))
    return parts


def test_an_upload_takes_its_four_steps(store, client, tmp_path):
    """The form has every field, then the file; only the API gets the key."""
    path = tmp_path / "folder" / "Ta\u0308ke 1.opus"
    path.parent.mkdir()
    path.write_bytes(b"OggS" * 100)
    store.on("POST //store", Answer(204))
    assert client.audio.upload(DATASET, path).processing_status == "normalizing"
    assert store.calls() == [
        f"POST {FILES}/upload-url",
        "POST /store",
        f"POST {FILES}/confirm",
        f"GET {FILES}/{AUDIO}",
    ]
    ask, form, confirm, _ = store.asked
    assert ask.json == {"filename": "T\u00e4ke 1.opus", "content_type": "audio/ogg", "file_size": 400}
    assert confirm.json == {"audio_id": str(AUDIO)}
    assert sent(form) == [
        ("key", None, b"k/1"),
        ("policy", None, b"cG9saWN5"),
        ("x-amz-signature", None, b"5ecret"),
        ("file", "T\u00e4ke 1.opus", b"OggS" * 100),
    ]
    assert int(form.headers["content-length"]) == form.n_bytes
    assert "transfer-encoding" not in form.headers  # storages refuse bodies without a length
    assert KEY not in str(form.headers)


def test_an_inference_file_is_uploaded_by_its_own_names(web, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    files = f"/inference-jobs/{JOB}/files"
    answer = target(web, file_id=str(FILE), upload_fields={"key": "k"})
    del answer["fields"], answer["audio_id"]
    web.on(f"POST {files}/upload-url", Answer(201, answer))
    web.on("POST //store", Answer(204))
    web.on(f"POST {files}/confirm", Answer(503), Answer(200, inference_file(id=str(FILE))))
    assert client.inference_files.upload(JOB, path, filename="x/b.wav").id == FILE
    assert web.asked[0].json == {"filename": "b.wav", "content_type": "audio/wav", "file_size_bytes": 4}
    assert web.asked[-1].json == {"file_id": str(FILE)}
    assert len(web.asked) == 4  # the confirmation went twice


def test_a_large_file_is_never_in_memory(store, client, tmp_path):
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        for _ in range(64):
            file.write(os.urandom(MB))
    store.on("POST //store", Answer(204))
    tracemalloc.start()
    client.audio.upload(DATASET, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert store.asked[1].n_bytes > 64 * MB
    assert peak < 4 * MB


def test_the_form_is_sent_again_whole_after_a_failure(store, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(os.urandom(300_000))
    store.on("POST //store", Answer(500), Answer(how="reset"), Answer(204))
    client.audio.upload(DATASET, path)
    forms = [asked for asked in store.asked if asked.path == "/store"]
    assert [form.n_bytes for form in forms] == [forms[0].n_bytes] * 3
    assert forms[0].n_bytes > 300_000


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            403,
            b"<Error><Code>AccessDenied</Code><Message>Policy expired</Message><Sign>5ecret</Sign></Error>",
            "403 (AccessDenied: Policy expired)",
        ),
        (400, b'{"detail": "too large"}', "400 (too large)"),
        (200, b"<html>hello</html>", "200"),
        (413, b"", "413"),
    ],
)
def test_a_refused_upload_says_why_without_signatures(store, client, tmp_path, status, body, said):
    """And it is not confirmed."""
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    store.on("POST //store", Answer(status, body))
    with pytest.raises(UploadError) as caught:
        client.audio.upload(DATASET, path)
    assert str(caught.value) == f"a.wav: the storage answered {said}."
    assert store.calls() == [f"POST {FILES}/upload-url", "POST /store"]


def test_a_form_may_name_another_status_of_success(store, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    store._answers.clear()
    fields = {"key": "k", "success_action_status": "201"}
    store.on(f"POST {FILES}/upload-url", Answer(200, target(store, fields=fields, upload_url="/store")))
    store.on("POST //store", Answer(201))
    store.on(f"POST {FILES}/confirm", Answer(400, {"detail": "not there"}))
    with pytest.raises(RefusedError, match="not there"):
        client.audio.upload(DATASET, path)


def test_a_form_follows_the_storage_to_where_its_bucket_is(store, client, tmp_path):
    """The file goes along whole."""
    path = tmp_path / "a.wav"
    path.write_bytes(os.urandom(200_000))
    store.on("POST //store", Answer(307, headers={"Location": f"{store.url}/region"}))
    store.on("POST //region", Answer(204))
    client.audio.upload(DATASET, path)
    first, second = store.asked[1:3]
    assert (first.path, second.path) == ("/store", "/region")
    assert first.sha256 == second.sha256


def test_a_storage_that_is_gone_is_told_without_its_signature(store, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    store.on("POST //store", Answer(how="silence"))
    with pytest.raises(ConnectionFailedError, match=r"upload of a\.wav") as caught:
        client.audio.upload(DATASET, path)
    assert "5ecret" not in str(caught.value)


def test_files_that_cannot_be_uploaded_ask_for_nothing(web, client, tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(ParameterError, match="an empty file"):
        client.audio.upload(DATASET, tmp_path / "empty.wav")
    with pytest.raises(ParameterError, match="not a file"):
        client.audio.upload(DATASET, tmp_path)
    with pytest.raises(FileNotFoundError):
        client.audio.upload(DATASET, tmp_path / "none.wav")
    assert web.asked == []


def test_an_upload_ends_when_it_is_told_to_stop(store, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF")
    stop = threading.Event()
    stop.set()
    with pytest.raises(UploadError, match="stopped"):
        client.audio.upload(DATASET, path, stop=stop)
    assert store.calls()[-1] != f"POST {FILES}/confirm"


@pytest.mark.parametrize("content", [b"RI", b"RIFF" * 100_000])
def test_a_file_that_changes_while_it_is_sent_is_not_confirmed(store, client, tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" * 50_000)

    class Changing(threading.Event):
        def is_set(self):
            path.write_bytes(content)
            return False

    store.on("POST //store", Answer(204))
    with pytest.raises(UploadError, match=r"a\.wav: changed"):
        client.audio.upload(DATASET, path, stop=Changing())
    assert f"POST {FILES}/confirm" not in store.calls()


def test_a_download_is_whole_after_broken_tries(web, client, tmp_path):
    content = os.urandom(200_000)
    web.on(f"GET {FILES}/{AUDIO}/download-url", Answer(200, {"download_url": "/get?sig=1", "expires_in": 60}))
    web.on("GET //get", Answer(200, content, how="short"), Answer(503), Answer(302, headers={"Location": "/moved"}))
    web.on("GET //moved", Answer(200, content))
    path = client.audio.download(DATASET, AUDIO, tmp_path / "new" / "a.wav")
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    assert [p.name for p in path.parent.iterdir()] == ["a.wav"]
    assert all("x-api-key" not in asked.headers for asked in web.asked if asked.path in ("/get", "/moved"))


def test_a_download_that_fails_leaves_the_old_file(web, client, tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"old")
    web.on("GET //get", Answer(403, b"<Code>Expired</Code>"))
    web.on("GET //broken", Answer(200, b"x" * 1000, how="short"))
    with pytest.raises(RelayError, match=r"/get: the storage answered 403 \(Expired\)\.$"):
        download(client._http, f"{web.url}/get?sig=5ecret", path)
    with pytest.raises(RelayError, match=r"download of a\.wav"):
        download(client._http, f"{web.url}/broken", path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.wav", b"old")]
