"""Requests that break rules: every field is named, whatever else is wrong."""

import pytest

from relaylib.api import CreateAnnotations, CreateDataset, CreateTrainingJob, UpdateAnnotation
from relaylib.server.errors import InvalidError
from relaylib.server.fields import MAX_DEPTH, field_problems, is_too_deep, text_problems
from relaylib.server.validation import read_body


def problems(body, kind):
    with pytest.raises(InvalidError) as caught:
        read_body(body, kind)
    return {tuple(problem.loc): (problem.msg, problem.type) for problem in caught.value.problems}


def test_all_fields_that_fail_are_named():
    body = b"""{"description": 5, "artifact_types": [
        {"name": "ok"}, {"name": "", "color": "red"}, {"color": null}, 3, {"name": "z", "description": []}]}"""
    found = problems(body, CreateDataset)
    assert set(found) == {
        ("body", "name"),
        ("body", "description"),
        ("body", "artifact_types", 1, "name"),
        ("body", "artifact_types", 1, "color"),
        ("body", "artifact_types", 2, "name"),
        ("body", "artifact_types", 2, "color"),
        ("body", "artifact_types", 3),
        ("body", "artifact_types", 4, "description"),
    }
    assert found["body", "name"] == ("field required", "value_error.missing")
    assert found["body", "description"] == ("Expected `str | null`, got `int`", "type_error")
    assert found["body", "artifact_types", 1, "name"] == ("Expected `str` of length >= 1", "value_error")


def test_rules_of_a_list_and_of_numbers_are_checked():
    assert set(problems(b'{"annotations": []}', CreateAnnotations)) == {("body", "annotations")}
    config = b'{"config": {"artifact_types": [""], "epochs": 0, "validation_split": "0.2", "batch_size": 8.5}}'
    assert set(problems(config, CreateTrainingJob)) == {
        ("body", "dataset_id"),
        ("body", "annotation_set_id"),
        ("body", "config", "artifact_types", 0),
        ("body", "config", "epochs"),
        ("body", "config", "validation_split"),
        ("body", "config", "batch_size"),
    }


def test_a_body_that_is_not_there_is_required(client):
    for body in (b"", b"null", b"  null "):
        answer = client.post("/api/v1/datasets", content=body)
        assert answer.status_code == 422
        assert answer.json() == {"detail": [{"loc": ["body"], "msg": "field required", "type": "value_error.missing"}]}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"name=3",
        b'{"name": "a"} x',
        b"\xef\xbb\xbf{}",
        '{"name": "a"}'.encode("utf-16"),
        b'{"name": "\xff"}',
        b'{"name": "a\x00b"}',
        b'{"name": "\\ud800"}',
        b'{"name": NaN}',
        b'{"name": "a", "description": Infinity}',
        b"[" * 100_000,
        b'{"name": "a", "x": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused_as_a_whole(body):
    found = problems(body, CreateDataset)
    assert set(found) == {("body",)}
    assert found["body",][1] == "value_error.jsondecode"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"name": "\\ud800x"}', "without its other half"),
        (b'{"name": "\\uDBFF"}', "without its other half"),
        (b'{"name": "\\ud83d', "truncated"),
        (b'{"name": "\\ud83d\\ude00', "truncated"),
    ],
)
def test_half_a_surrogate_pair_is_not_taken_for_a_body_that_is_cut_off(body, reason):
    assert reason in problems(body, CreateDataset)["body",][0]


def test_the_character_nul_is_refused_wherever_it_stands():
    """PostgreSQL cannot store it."""
    span = '{"audio_file_id": "456e7890-e89b-12d3-a456-426614174001", "artifact_type": "%s", "start_ms": 0, "end_ms": 1'
    nul, extra = "a\\u0000", ', "extra_data": {"k": ["\\u0000"], "\\u0000": 1}}'
    body = f'{{"annotations": [{span % "a"}}}, {span % nul}{extra}]}}'
    assert set(problems(body.encode(), CreateAnnotations)) == {
        ("body", "annotations", 1, "artifact_type"),
        ("body", "annotations", 1, "extra_data", "k", 0),
        ("body", "annotations", 1, "extra_data"),
    }


def test_text_that_only_looks_like_nul_is_taken():
    assert read_body(b'{"name": "\\\\u0000"}', CreateDataset).name == "\\u0000"
    assert read_body('{"name": "é😀\\u00e9"}'.encode(), CreateDataset).name == "é😀é"


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_an_integer_beyond_64_bits_is_refused(number):
    body = f'{{"extra_data": {{"n": [1, {number}]}}}}'.encode()
    assert set(problems(body, UpdateAnnotation)) == {("body", "extra_data", "n", 1)}
    assert not text_problems(2**63 - 1, ())


def test_a_whole_number_may_be_written_with_a_point():
    """JSON knows one kind of number; text is none, however it looks."""
    assert read_body(b'{"end_ms": 1500.0, "confidence": 1}', UpdateAnnotation) == UpdateAnnotation(
        end_ms=1500, confidence=1.0
    )
    assert set(problems(b'{"start_ms": 1.5, "end_ms": "1500"}', UpdateAnnotation)) == {
        ("body", "start_ms"),
        ("body", "end_ms"),
    }


def test_unknown_fields_are_ignored():
    assert read_body(b'{"name": "a", "\\u0000": "\\u0000", "n": 9999999999999999999999}', CreateDataset).name == "a"
    assert read_body(b'{"name": "a", "shape": {"of": ["things", 1.5, null]}}', CreateDataset).name == "a"


def test_depth_is_measured_along_the_deepest_branch():
    value = []
    for _ in range(MAX_DEPTH - 1):
        value = [1, value, {"a": 2}]
    assert not is_too_deep(value)
    assert is_too_deep([value])
    assert not is_too_deep("x")


def test_a_dict_of_typed_values_is_walked():
    assert [problem.loc for problem in field_problems({"a": 1, "b": "x"}, dict[str, int], ("body",))] == [["body", "b"]]


def test_path_query_and_body_are_reported_together(client):
    answer = client.post("/api/v1/datasets/nonsense/audio/upload-url", json={"content_type": 3})
    assert answer.status_code == 422
    found = [problem["loc"] for problem in answer.json()["detail"]]
    assert found == [["path", "dataset_id"], ["body", "filename"], ["body", "content_type"]]
    answer = client.get("/api/v1/training-jobs?page=0&page_size=101&status=lost&dataset_id=1")
    assert sorted(problem["loc"] for problem in answer.json()["detail"]) == [
        ["query", "dataset_id"],
        ["query", "page"],
        ["query", "page_size"],
        ["query", "status"],
    ]


def test_json_is_read_whatever_it_is_called(client):
    """``curl -d`` without a header calls it a form."""
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain", "x", ""):
        answer = client.post("/api/v1/datasets", content=b'{"name": "d"}', headers={"Content-Type": kind})
        assert answer.status_code == 201


@pytest.mark.row("S1")
def test_calls_without_a_body_take_any(client):
    """The TypeScript client sends a content type with every call, curl none."""
    headers = {"Content-Type": "application/json"}
    for content in (b"", b"null", b"{}", b"{", b"x" * 100):
        assert client.request("GET", "/api/v1/datasets", content=content, headers=headers).status_code == 200
        made = client.post("/api/v1/datasets", json={"name": "d"}).json()
        path = f"/api/v1/datasets/{made['id']}"
        assert client.post(f"{path}/annotation-sets", content=content, headers=headers).status_code == 201
        assert client.post(f"{path}/annotation-sets", content=content).status_code == 201
        assert client.request("DELETE", path, content=content, headers=headers).status_code == 204


@pytest.mark.row("M1")
def test_booleans_of_a_query_are_spelled_in_several_ways(client):
    for value in ("True", "true", "1", "False", "false", "0"):
        assert client.get(f"/api/v1/models?is_active={value}").status_code == 200
    for value in ("x", "", "null", "Null", "2"):
        answer = client.get(f"/api/v1/models?is_active={value}")
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "is_active"])
