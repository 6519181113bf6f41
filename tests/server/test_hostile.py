"""Input made to break the server: a documented 4xx, never 5xx, and nothing outside of its folder."""

import json

import pytest

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
    return client.post("/api/v1/datasets", json={"name": "d"}).json()["id"]


@pytest.mark.parametrize("filename", FILENAMES)
def test_a_filename_never_becomes_a_path(client, dataset, filename, tmp_path):
    """It is kept as it is; the object's key is of the server's making."""
    before = {path for path in tmp_path.iterdir() if path.name != "data"}
    answer = client.post(
        f"/api/v1/datasets/{dataset}/audio/upload-url",
        json={"filename": filename, "content_type": "audio/wav", "file_size": 10},
    )
    assert answer.status_code == 200
    target = answer.json()
    assert ".." not in target["key"]
    assert set(target["key"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_./")
    shown = client.get(f"/api/v1/datasets/{dataset}/audio/{target['audio_id']}").json()
    assert shown["original_filename"] == filename
    assert {path for path in tmp_path.iterdir() if path.name != "data"} == before


@pytest.mark.parametrize("filename", ["", "x" * 501, "a\0b.wav", None, 3, ["a.wav"], {"a": 1}])
def test_a_filename_that_breaks_its_rule_is_refused(client, dataset, filename):
    answer = client.post(
        f"/api/v1/datasets/{dataset}/audio/upload-url",
        json={"filename": filename, "content_type": "audio/wav", "file_size": 10},
    )
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", "filename"]]


@pytest.mark.parametrize(
    "name", ["späße 😀", "'; DROP TABLE datasets; --", '"', "\\", "\u202e", "{{7*7}}", "%s%n", "\x7f\x01", "x" * 255]
)
def test_text_comes_back_as_it_was_sent(client, name):
    made = client.post("/api/v1/datasets", json={"name": name, "description": name * 50})
    assert made.status_code == 201
    shown = client.get(f"/api/v1/datasets/{made.json()['id']}").json()
    assert (shown["name"], shown["description"]) == (name, name * 50)


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "1",
        "%00",
        "..%2f..",
        "123e4567-e89b-12d3-a456-42661417400",
        "é",
        "null",
        "{dataset_id}",
        "%ff",
        "a" * 5000,
    ],
)
def test_a_malformed_id_is_refused_and_named(client, bad):
    for method in ("GET", "PATCH", "DELETE"):
        answer = client.request(method, f"/api/v1/datasets/{bad}", json={"name": "d"})
        assert answer.status_code in (404, 422) if "%2f" in bad else answer.status_code == 422
        assert answer.json()["detail"]


def test_a_body_too_large_is_refused(client):
    body = b'{"name": "' + b"a" * MAX_BODY_BYTES + b'"}'
    answer = client.post("/api/v1/datasets", content=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


def test_a_body_too_large_in_pieces_is_refused(client):
    def pieces():
        yield b'{"name": "'
        for _ in range(17):
            yield b"a" * 1_000_000

    assert client.post("/api/v1/datasets", content=pieces()).status_code == 422


@pytest.mark.parametrize("depth", [63, 64, 65, 500, 990, 1000, 5000, 1_000_000])
def test_deep_extra_data_is_refused_or_comes_back(client, dataset, depth):
    created = client.post(f"/api/v1/datasets/{dataset}/annotation-sets").json()
    span = {"audio_file_id": dataset, "artifact_type": "glitch", "start_ms": 0, "end_ms": 1, "extra_data": "DEEP"}
    body = json.dumps({"annotations": [span]}).replace('"DEEP"', '{"a": ' + "[" * depth + "]" * depth + "}")
    answer = client.post(f"/api/v1/datasets/{dataset}/annotation-sets/{created['id']}/annotations/bulk", content=body)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"3",
        b'"x"',
        b"true",
        b'{"name": {"$ne": 1}}',
        b'{"name": ["a"]}',
        b'{"name": 1e400}',
        b'{"name":"a","name":3}',
    ],
)
def test_json_of_another_shape_is_refused(client, body):
    assert client.post("/api/v1/datasets", content=body).status_code == 422


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/msgpack"])
def test_a_body_of_another_kind_is_refused(client, kind):
    answer = client.post("/api/v1/datasets", content=b"--x\r\n\r\n--x--", headers={"Content-Type": kind})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "query", ["page=%00", "page=1e9", "page=-1", "page=99999999999999999999", "page_size=é", "page=%ff"]
)
def test_a_query_of_nonsense_is_refused(client, query):
    answer = client.get(f"/api/v1/datasets?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "query"


def test_a_page_far_beyond_the_end_is_empty(client):
    assert client.get("/api/v1/datasets?page=2147483647&page_size=100").json()["items"] == []
