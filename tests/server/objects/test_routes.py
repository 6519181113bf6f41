import asyncio
import concurrent.futures
import hashlib
import random
import shutil
import socket
import subprocess
import time
from urllib.parse import urlsplit

import httpx
import pytest
import requests

from relaylib.server.objects import open_store
from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.parts import PartFile
from relaylib.server.objects.routes import storage_router

KEY = "uploads/0190/speech.wav"


def form_of(store, base_url, *, key=KEY, max_bytes=1000, expires_in=60):
    return store.presign_upload(key, expires_in=expires_in, max_bytes=max_bytes, base_url=base_url)


def files_of(store):
    """Return what is stored, and what is on its way."""
    folder = store.root if isinstance(store, FolderStore) else store._uploads_dir
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return sorted(files | asyncio.run(keys_of(store)))


async def keys_of(store):
    return {info.key async for info in store.list()}


def content_of(store, key):
    with store.local(key) as path:
        return path.read_bytes()


def eventually_no_files(store):
    """Wait until nothing is there, and goes on being there: the server may still begin what it then gives up."""
    deadline = time.monotonic() + 10
    empty_since = None
    while time.monotonic() < deadline:
        now = time.monotonic()
        if files_of(store):
            empty_since = None
        elif empty_since is None:
            empty_since = now
        elif now - empty_since > 0.3:
            return True
        time.sleep(0.01)
    return False


def body_of(form, content, *, end=b"\r\n--edge--\r\n"):
    head = b"".join(
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in form.fields.items()
    )
    return head + b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + content + end


def connect(form):
    place = urlsplit(form.url)
    return socket.create_connection((place.hostname, place.port), 20)


def head_of(form, *lines):
    lines = ["POST /storage HTTP/1.1", f"Host: {urlsplit(form.url).netloc}", *lines]
    if not any(line.startswith("Content-Type") for line in lines):
        lines.append("Content-Type: multipart/form-data; boundary=edge")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer_to(form, *sent):
    """Send bytes by a bare socket; return the status of the answer."""
    with connect(form) as connection:
        for data in sent:
            connection.sendall(data)
        return int(connection.recv(1000).split()[1])


def chunked(body, size=1000):
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def test_a_bare_form_is_stored(landing, landing_url):
    form = form_of(landing, landing_url)
    body = body_of(form, b"abc")
    assert answer_to(form, head_of(form, f"Content-Length: {len(body)}"), body) == 204
    assert answer_to(form, head_of(form, "Transfer-Encoding: chunked"), *chunked(body)) == 204
    assert files_of(landing) == [KEY]


def test_too_much_without_a_length_is_refused_before_it_ends(landing, landing_url):
    """A chunked body announces nothing: the answer comes while the client still sends, and nothing is left."""
    form = form_of(landing, landing_url)
    with connect(form) as connection:
        connection.sendall(head_of(form, "Transfer-Encoding: chunked"))
        pieces = list(chunked(body_of(form, b"x" * 5000)))
        for piece in pieces[:-2]:
            connection.sendall(piece)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")
    assert eventually_no_files(landing)


def test_a_length_beyond_the_policy_is_refused_at_once(landing, landing_url):
    form = form_of(landing, landing_url)
    begun = body_of(form, b"x", end=b"")
    assert answer_to(form, head_of(form, "Content-Length: 500000000"), begun) == 400
    assert eventually_no_files(landing)


@pytest.mark.parametrize("announced", [10_000, 500_000])
def test_a_client_that_leaves_midway_leaves_nothing(landing, landing_url, announced):
    form = form_of(landing, landing_url, max_bytes=1_000_000)
    with connect(form) as connection:
        connection.sendall(head_of(form, f"Content-Length: {announced}") + body_of(form, b"x" * 100, end=b""))
        deadline = time.monotonic() + 10
        while not files_of(landing) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert files_of(landing)  # it has begun
    assert eventually_no_files(landing)


def test_a_length_that_is_too_short_stores_nothing(landing, landing_url):
    form = form_of(landing, landing_url)
    body = body_of(form, b"x" * 500)
    assert answer_to(form, head_of(form, f"Content-Length: {len(body) - 100}"), body) == 400
    assert eventually_no_files(landing)


def test_a_body_without_an_end_stores_nothing(landing, landing_url):
    form = form_of(landing, landing_url)
    for end in (b"", b"\r\n--edge", b"\r\n--edge\r\n"):
        body = body_of(form, b"x" * 500, end=end)
        assert answer_to(form, head_of(form, f"Content-Length: {len(body)}"), body) == 400
    assert files_of(landing) == []


def test_a_refused_upload_keeps_what_was_there(landing, landing_url):
    form = form_of(landing, landing_url)
    assert requests.post(form.url, data=form.fields, files={"file": b"good"}, timeout=20).status_code == 204
    assert requests.post(form.url, data=form.fields, files={"file": b"x" * 2000}, timeout=20).status_code == 400
    assert content_of(landing, KEY) == b"good"
    assert files_of(landing) == [KEY]


@pytest.mark.parametrize("size", [30_000_000, 100_000_000])
def test_clients_that_send_before_they_listen_see_the_refusal(landing, landing_url, size, tmp_path):
    form = form_of(landing, landing_url)
    source = tmp_path / "large"
    with source.open("wb") as file:
        file.truncate(size)
    for post in (requests.post, httpx.post):
        with source.open("rb") as file:
            answer = post(form.url, data=form.fields, files={"file": file}, timeout=60)
        assert (answer.status_code, "too large" in answer.json()["detail"]) == (400, True)
    if shutil.which("curl"):
        words = [word for name, value in form.fields.items() for word in ("-F", f"{name}={value}")]
        command = ["curl", "-sS", "-w", "%{http_code}", *words, "-F", f"file=@{source}", form.url]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        assert answer.stdout.endswith("400")
    assert files_of(landing) == []


HOSTILE_FIELDS = [
    {"policy": "!!!! not base64"},
    {"policy": "WyJbW1tbW1tbW1tbW1tbW1tbW1tb" * 1000},
    {"policy": "\0"},
    {"policy": "W1tb" * 16_000},
    {"key": "../../../etc/passwd"},
    {"key": "a\0b"},
    {"key": "é" * 1000},
    {"x-amz-signature": "é", "signature": "\U0001f600"},
    {"x" * 5000: "y"},
    {"": ""},
    {"__proto__": "x", "file": "y"},
]


@pytest.mark.parametrize("fields", HOSTILE_FIELDS, ids=range(len(HOSTILE_FIELDS)))
def test_hostile_fields_are_refused_or_ignored(landing, landing_url, fields, tmp_path):
    form = form_of(landing, landing_url)
    answer = requests.post(form.url, data={**form.fields, **fields}, files={"file": b"x"}, timeout=20)
    assert answer.status_code in (204, 400, 403)
    if answer.status_code != 204:
        assert isinstance(answer.json()["detail"], str)
        assert files_of(landing) == []
    assert len([*tmp_path.iterdir()]) == 1  # the store's own folder


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Type: multipart/form-data; boundary=" + "x" * 20_000, "Content-Length: 3"),
        ("Content-Type: multipart/form-data; boundary=\xff\xfe", "Content-Length: 3"),
        ("Content-Type: \x01; boundary=a", "Content-Length: 3"),
        ("Content-Type: application/json", "Content-Length: 3"),
        ("X-Long: " + "x" * 30_000, "Content-Length: 3"),
        ("Content-Length: 99999999999999999999999999",),
        ("Content-Length: -1",),
        ("Transfer-Encoding: nonsense",),
    ],
)
def test_hostile_headers_are_refused(landing, landing_url, lines):
    form = form_of(landing, landing_url)
    assert 400 <= answer_to(form, head_of(form, *lines), b"abc") < 500
    assert files_of(landing) == []


def test_random_damage_of_a_request_is_never_an_error_of_the_server(landing, landing_url):
    """Bytes replaced, removed and repeated in the body of a good request: stored whole or refused."""
    rng = random.Random(7)
    form = form_of(landing, landing_url)
    good = body_of(form, b"x" * 200)
    for _ in range(150):
        body = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            body[at : at + rng.randint(0, 5)] = rng.randbytes(rng.randint(0, 5)) * rng.choice([1, 1, 50])
        assert answer_to(form, head_of(form, f"Content-Length: {len(body)}"), bytes(body)) in (204, 400, 403)
    assert set(files_of(landing)) <= {KEY}


def test_browsers_of_any_origin_may_post(landing, landing_url):
    form = form_of(landing, landing_url)
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = httpx.options(form.url, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    stored = httpx.post(form.url, data=form.fields, files={"file": b"x"}, headers={"Origin": "https://example.org"})
    assert (stored.status_code, stored.headers["access-control-allow-origin"]) == (204, "*")
    refused = httpx.post(form.url, data={"key": "x"}, files={"file": b"x"}, headers={"Origin": "https://example.org"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (400, "*")


def test_a_player_can_ask_for_parts(folder_store, base_url, tmp_path):
    content = random.Random(1).randbytes(700_000)
    (tmp_path / "source").write_bytes(content)
    folder_store.put_file(KEY, tmp_path / "source")
    url = folder_store.presign_download(
        KEY, expires_in=60, filename="a.wav", content_type="audio/wav", base_url=base_url
    )
    whole = httpx.get(url)
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, content, "bytes")
    head = httpx.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "700000")
    tail = httpx.get(url, headers={"Range": "bytes=-300000"})
    assert (tail.status_code, tail.content) == (206, content[-300_000:])
    beyond = httpx.get(url, headers={"Range": "bytes=700000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */700000")
    tag = whole.headers["etag"]
    assert httpx.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert httpx.get(url, headers={"Range": "bytes=0-0", "If-Range": tag}).status_code == 206
    assert httpx.get(url, headers={"Range": "bytes=0-0", "If-Range": '"other"'}).status_code == 200
    folder_store.path(KEY).unlink()
    assert httpx.get(url).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/storage/", "/storage/a", "/storage/../../etc/passwd", "/storage/%2e%2e/%2e%2e/etc/passwd", "/storage/a%00b",
     "/storage/a?expires=x&signature=y", "/storage/%ff?signature=%ff", "/storage/a?" + "x=1&" * 1000,
     "/storage/a?signature=%F0%9F%98%80&expires=" + "9" * 5000],
)  # fmt: skip
def test_unsigned_downloads_are_refused(base_url, path):
    with socket.create_connection((urlsplit(base_url).hostname, urlsplit(base_url).port), 20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert int(connection.recv(1000).split()[1]) in (400, 403, 404, 405)


def test_uploads_side_by_side_arrive_whole(landing, landing_url):
    contents = {f"uploads/{n}/a.wav": random.Random(n).randbytes(1_000_000 + 7919 * n) for n in range(32)}

    def upload(item):
        key, content = item
        form = form_of(landing, landing_url, key=key, max_bytes=5_000_000)
        return requests.post(form.url, data=form.fields, files={"file": content}, timeout=60).status_code

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        assert set(pool.map(upload, contents.items())) == {204}
    for key, content in contents.items():
        assert hashlib.sha256(content_of(landing, key)).digest() == hashlib.sha256(content).digest()
    assert files_of(landing) == sorted(contents)


def test_what_dead_servers_left_is_swept_and_what_is_at_work_is_not(folder_store):
    (folder_store.root / "a").mkdir()
    stale = folder_store.root / "a" / ".0123.part"
    stale.write_bytes(b"half")
    part = PartFile(folder_store.path("a/b"))
    folder_store.sweep()
    assert not stale.exists()
    part.write([b"whole"])
    part.commit()
    assert files_of(folder_store) == ["a/b"]


def test_a_client_that_stalls_is_given_up(landing, landing_url, monkeypatch):
    monkeypatch.setattr("relaylib.server.objects.upload._PATIENCE_S", 0.3)
    form = form_of(landing, landing_url)
    assert answer_to(form, head_of(form, "Content-Length: 2000"), body_of(form, b"x" * 100, end=b"")) == 400
    assert eventually_no_files(landing)


def test_a_file_that_the_disk_does_not_take_is_refused(landing, landing_url):
    """A limit on the size of files stands for a full disk."""
    resource = pytest.importorskip("resource")
    form = form_of(landing, landing_url, max_bytes=10_000_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, limits[1]))
    try:
        answer = requests.post(form.url, data=form.fields, files={"file": b"x" * 5_000_000}, timeout=20)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (answer.status_code, "cannot be stored now" in answer.json()["detail"]) == (503, True)
    assert files_of(landing) == []


def test_a_form_needs_three_fields_and_the_file(landing, landing_url, tmp_path):
    """As the documentation has it, by curl."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    form = form_of(landing, landing_url)
    (tmp_path / "speech.wav").write_bytes(b"RIFF and more")
    words = [word for name in ("key", "policy", "x-amz-signature") for word in ("-F", f"{name}={form.fields[name]}")]
    command = ["curl", "-sS", "-w", "%{http_code}", *words, "-F", f"file=@{tmp_path}/speech.wav", form.url]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "204"
    assert content_of(landing, KEY) == b"RIFF and more"
    assert files_of(landing) == [KEY]


def test_any_server_with_the_key_takes_a_form(s3_store, s3_url, serve, tmp_path):
    """Another server of the bucket stores what this one signed; one with a key of its own refuses it."""
    url = s3_url.replace("?", f"/{s3_store._prefix}?")
    shutil.copytree(tmp_path / "data", tmp_path / "same")
    for name, status in (("other", 403), ("same", 204)):
        store = open_store(url, data_dir=tmp_path / name)
        with serve(store) as url_of_server:
            form = form_of(s3_store, url_of_server)
            assert requests.post(form.url, data=form.fields, files={"file": b"x"}, timeout=20).status_code == status
    assert files_of(s3_store) == [KEY]


@pytest.mark.parametrize("bucket", ["s3://absent", "s3://relay?endpoint=http://127.0.0.1:1&region=x"])
def test_an_upload_that_the_bucket_does_not_take_can_be_sent_again(s3_url, serve, tmp_path, bucket):
    """A bucket that isn't there; an address where nobody listens."""
    url = bucket if "?" in bucket else f"{bucket}?{s3_url.partition('?')[2]}"
    store = open_store(url, data_dir=tmp_path)
    with serve(store) as url_of_server:
        form = form_of(store, url_of_server)
        answer = requests.post(form.url, data=form.fields, files={"file": b"x"}, timeout=60)
    assert (answer.status_code, "send the form again" in answer.json()["detail"]) == (503, True)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "storage.key"]


def test_a_start_sweeps_what_uploads_to_a_bucket_left(tmp_path):
    store = open_store("s3://bucket", data_dir=tmp_path)
    (tmp_path / "uploads").mkdir()
    stale = tmp_path / "uploads" / ".0123.part"
    stale.write_bytes(b"half")
    part = store.begin_upload("a/b")
    try:
        storage_router(store, wanted=lambda key: True)
        assert [path.name for path in (tmp_path / "uploads").iterdir()] == [part.path.name]
    finally:
        part.discard()


@pytest.mark.parametrize("n_questions", [0, 1])
def test_what_is_not_wanted_is_refused_before_and_after_it_came(landing, serve, n_questions):
    """Asked when the file begins, and again when it is there; what was stored before stays as it is."""
    answers = [True, True, *[True] * n_questions, False]

    async def wanted(key):
        return answers.pop(0)

    with serve(landing, wanted) as url:
        form = form_of(landing, url)
        for data, status in ((b"first", 204), (b"second", 403)):
            answer = requests.post(form.url, data=form.fields, files={"file": data}, timeout=20)
            assert answer.status_code == status
    assert "confirmed already" in answer.json()["detail"]
    assert answers == []
    with landing.local(form.fields["key"]) as path:
        assert path.read_bytes() == b"first"


@pytest.mark.parametrize(("options", "status"), [("", 400), ("?uploads=server", 400), ("?uploads=direct", 404)])
def test_a_bucket_has_no_routes_but_for_uploads_that_come_through(serve, tmp_path, options, status):
    store = open_store(f"s3://bucket{options}", data_dir=tmp_path)
    with serve(store) as url:
        posted = requests.post(f"{url}/storage", data={"key": "a"}, files={"file": b"x"}, timeout=20)
        assert (posted.status_code, isinstance(posted.json()["detail"], str)) == (status, True)
        for method in ("GET", "HEAD", "OPTIONS"):
            assert requests.request(method, f"{url}/storage/a/b", timeout=20).status_code == 404
        assert isinstance(requests.get(f"{url}/storage/a/b", timeout=20).json()["detail"], str)
