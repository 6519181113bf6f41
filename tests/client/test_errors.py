"""Answers that are errors, as exceptions."""

import pytest
from api_bodies import DATASET, annotation_set
from web_server import KEY, Answer

from relaylib.client import (
    ApiError,
    AuthenticationError,
    NotFoundError,
    RefusedError,
    ResponseError,
    ServerError,
    ValidationError,
)
from relaylib.errors import RelayError

ONE = f"/datasets/{DATASET}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, AuthenticationError),
        (403, ApiError),
        (404, NotFoundError),
        (405, ApiError),
        (422, ValidationError),
        (501, ServerError),
    ],
)
def test_each_status_has_its_exception(web, client, status, kind):
    web.on(f"GET {ONE}", Answer(status, {"detail": "Dataset not found"}, {"X-Request-ID": "r-7"}))
    with pytest.raises(RelayError) as caught:
        client.datasets.get(DATASET)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.detail, error.request_id) == (status, "Dataset not found", "r-7")
    assert (error.method, error.path, error.problems) == ("GET", f"/api/v1{ONE}", [])
    assert str(error) == f"GET /api/v1{ONE}: {status} Dataset not found (request r-7)"


def test_problems_name_their_fields(web, client):
    problems = [
        {"loc": ["body", "name"], "msg": "field required", "type": "value_error.missing"},
        {"loc": ["body", "artifact_types", 1, "color"], "msg": "not a colour", "type": "value_error", "ctx": {}},
        {"msg": "no place"},
        "not a problem",
    ]
    web.on("POST /datasets", Answer(422, {"detail": problems}))
    with pytest.raises(ValidationError) as caught:
        client.datasets.create("")
    assert [(p.loc, p.msg) for p in caught.value.problems] == [
        (["body", "name"], "field required"),
        (["body", "artifact_types", 1, "color"], "not a colour"),
        ([], "no place"),
    ]
    assert "body.name: field required; body.artifact_types.1.color: not a colour; no place" in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"\xff\xfe", b"[]", b"{}", b'{"detail": 5}', b'{"detail": []}', b"nul"]
)
def test_an_error_without_the_usual_body_has_the_reason_of_http(web, client, body):
    web.on(f"GET {ONE}", Answer(403, body))
    with pytest.raises(ApiError, match="403 "):
        client.datasets.get(DATASET)


def test_a_long_detail_is_cut(web, client):
    web.on(f"GET {ONE}", Answer(400, {"detail": "x" * 100_000}))
    with pytest.raises(RefusedError) as caught:
        client.datasets.get(DATASET)
    assert len(str(caught.value)) < 1000


def test_a_key_that_the_server_repeats_is_not_told(web, client):
    web.on(f"GET {ONE}", Answer(401, {"detail": f"unknown key {KEY}"}))
    with pytest.raises(AuthenticationError) as caught:
        client.datasets.get(DATASET)
    assert KEY not in f"{caught.value!s}{caught.value!r}{caught.value.detail}"
    assert "unknown key ***" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"", b"[1, 2]", b'{"name": "no id"}', b"5", b'{"id": "x"}'])
def test_success_that_is_not_of_the_api_is_an_error(web, client, body):
    web.on(f"GET {ONE}", Answer(200, body))
    with pytest.raises(ResponseError, match="the answer is not"):
        client.datasets.get(DATASET)


def test_a_redirect_is_not_followed_with_the_key(web, client):
    """It is said where to go instead."""
    web.on(f"GET {ONE}", Answer(301, headers={"Location": "https://elsewhere.example/api?signature=s"}))
    with pytest.raises(ResponseError, match=r"https://elsewhere\.example/api; give") as caught:
        client.datasets.get(DATASET)
    assert "signature" not in str(caught.value)


def test_calls_without_a_body_send_none(web, client):
    """Neither a content type nor a key in the address."""
    web.on(f"POST {ONE}/annotation-sets", Answer(201, annotation_set()))
    client.annotation_sets.create(DATASET)
    asked = web.asked[0]
    assert asked.n_bytes == 0
    assert "content-type" not in asked.headers
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["user-agent"].startswith("relaylib/")
