"""Input made to break the server: a documented 4xx, never 5xx, and nothing outside of its folder."""

import json

import pytest

from relaylib.server.fields import MAX_DEPTH
from relaylib.server.validation import MAX_BODY_BYTES

FILENAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\windows\\system32",
    "a/b/c.wav",
    "quo\"te's.wav",
    "line\r\nbreak: x.wav",
    "späße 😀 \u202egnp.wav",
    "%00%2e%2e%2f.wav",
    "; rm -rf ~ #.wav",
    "' OR 1=1 --.wav",
    "<script>alert(1)</script>.wav",
    "x" * 500,
    ".",
    "..",
    " ",
]


@pytest.fixture
def dataset(client):
    return client.post("/api/v1/datasets", json={"name": "d", "artifact_types": [{"name": "glitch"}]}).json()["id"]


def ask_for_upload(client, dataset, filename):
    body = {"filename": filename, "content_type": "audio/wav", "file_size": 10}
    return client.post(f"/api/v1/datasets/{dataset}/audio/upload-url", json=body)


def test_a_filename_never_becomes_a_path(client, dataset, tmp_path):
    """It is kept as it is; the object's key is of the server's making, and nothing lies outside of the folder."""
    before = {path for path in tmp_path.iterdir() if path.name != "data"}
    for filename in FILENAMES:
        target = ask_for_upload(client, dataset, filename).json()
        assert ".." not in target["key"]
        assert set(target["key"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_./")
        posted = client.post(target["upload_url"], data=target["fields"], files={"file": (filename or "x", b"12345")})
        assert posted.status_code == 204
        shown = client.get(f"/api/v1/datasets/{dataset}/audio/{target['audio_id']}").json()
        assert shown["original_filename"] == filename
        url = client.get(f"/api/v1/datasets/{dataset}/audio/{target['audio_id']}/download-url").json()["download_url"]
        assert client.get(url).content == b"12345"
    assert {path for path in tmp_path.iterdir() if path.name != "data"} == before
    stored = [path for path in (tmp_path / "data" / "objects").rglob("*") if path.is_file()]
    assert len(stored) == len(FILENAMES)


def test_a_filename_that_breaks_its_rule_is_refused(client, dataset):
    for filename in ("", "x" * 501, "a\0b.wav", None, 3, ["a.wav"], {"a": 1}):
        answer = ask_for_upload(client, dataset, filename)
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", "filename"]]


def test_text_comes_back_as_it_was_sent(client):
    texts = ("späße 😀", "'; DROP TABLE datasets; --", '"', "\\", "\u202e", "{{7*7}}", "%s%n", "\x7f\x01", "x" * 255)
    for text in texts:
        made = client.post("/api/v1/datasets", json={"name": text, "description": text * 50})
        assert made.status_code == 201
        shown = client.get(f"/api/v1/datasets/{made.json()['id']}").json()
        assert (shown["name"], shown["description"]) == (text, text * 50)


def test_a_malformed_id_is_refused_and_named(client):
    """An encoded slash makes another path of it, where nothing is."""
    no_ids = (
        "nonsense",
        "1",
        "%00",
        "123e4567-e89b-12d3-a456-42661417400",
        "é",
        "null",
        "{dataset_id}",
        "%ff",
        "a" * 5000,
    )
    for method in ("GET", "PATCH", "DELETE"):
        for bad in no_ids:
            answer = client.request(method, f"/api/v1/datasets/{bad}", json={"name": "d"})
            assert answer.status_code == 422
            assert [problem["loc"] for problem in answer.json()["detail"]] == [["path", "dataset_id"]]
        answer = client.request(method, "/api/v1/datasets/..%2f..%2fhealthz", json={"name": "d"})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_a_body_too_large_is_refused(client):
    """Whether its length is told or not."""

    def pieces():
        yield b'{"name": "'
        for _ in range(17):
            yield b"a" * 1_000_000

    for content in (b'{"name": "' + b"a" * MAX_BODY_BYTES + b'"}', pieces()):
        answer = client.post("/api/v1/datasets", content=content)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body"]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_extra_data_comes_back_or_is_refused(client, dataset, opening):
    """The body's own levels are three."""
    made = client.post(f"/api/v1/datasets/{dataset}/annotation-sets").json()
    path = f"/api/v1/datasets/{dataset}/annotation-sets/{made['id']}/annotations/bulk"
    audio_id = ask_for_upload(client, dataset, "a.wav").json()["audio_id"]
    span = {"audio_file_id": audio_id, "artifact_type": "glitch", "start_ms": 0, "end_ms": 1, "extra_data": "DEEP"}
    body = json.dumps({"annotations": [span]})
    closing = "]" if opening == "[" else "}"
    for depth in (1, MAX_DEPTH - 4, MAX_DEPTH - 3, 500, 990, 1000, 5000, 1_000_000):
        deep = '{"a": ' + opening * depth + "1" + closing * depth + "}"
        answer = client.post(path, content=body.replace('"DEEP"', deep))
        assert (depth, answer.status_code) == (depth, 201 if depth <= MAX_DEPTH - 4 else 422)
        if answer.status_code == 201:
            assert answer.json()["annotations"][0]["extra_data"] == json.loads(deep)


def test_json_of_another_shape_is_refused(client):
    shapes = (b"[]", b"3", b'"x"', b"true", b'{"name": {"$ne": 1}}', b'{"name": ["a"]}', b'{"name": 1e400}')
    for content in (*shapes, b'{"name":"a","name":3}'):
        assert client.post("/api/v1/datasets", content=content).status_code == 422


def test_a_body_of_another_kind_is_refused(client):
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "application/msgpack", "\xff"):
        headers = {"Content-Type": kind.encode("latin-1")}
        assert client.post("/api/v1/datasets", content=b"--x\r\n\r\n--x--", headers=headers).status_code == 422


def test_a_query_of_nonsense_is_refused(client):
    for query in (
        "page=%00",
        "page=-1",
        "page=99999999999999999999",
        "page_size=é",
        "page=%ff",
        "page=",
        "page_size=1.5",
    ):
        answer = client.get(f"/api/v1/datasets?{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_a_filter_of_nonsense_finds_nothing(client, dataset):
    """Text that no database may store is no reason to fail."""
    made = client.post(f"/api/v1/datasets/{dataset}/annotation-sets").json()
    path = f"/api/v1/datasets/{dataset}/annotation-sets/{made['id']}/annotations"
    for value in ("%00", "%ff", "'", "x" * 5000):
        answer = client.get(f"{path}?artifact_type={value}")
        assert answer.status_code in (200, 422)


def test_a_page_far_beyond_the_end_is_empty(client):
    assert client.get("/api/v1/datasets?page=2147483647&page_size=100").json()["items"] == []


@pytest.mark.parametrize("method", ["PUT", "TRACE", "PROPFIND", "GETT"])
def test_other_methods_are_not_allowed(client, method):
    answer = client.request(method, "/api/v1/datasets")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
