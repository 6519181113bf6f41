"""Who may do what: every operation with every kind of key, taken from the table of routes so that none is left out."""

from datetime import datetime, timedelta, timezone

import pytest
from litestar import Litestar
from seeding import Seeds

from relaylib.server.app import api_router
from relaylib.server.examples import EXAMPLES

SHUT = {"detail": "Invalid or missing API key"}


def table_of_routes():
    """Return (method, path, name of the body's type) of every operation."""
    found = []
    for route in Litestar([api_router()], openapi_config=None, logging_config=None).routes:
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                field = handler.parsed_data_field
                found.append((method, route.path_format, None if field is None else field.annotation.__name__))
    return sorted(found, key=str)


OPERATIONS = table_of_routes()


@pytest.fixture
def settings(settings):
    """Leave the work alone: rows stay as they are made."""
    return settings.__class__(data_dir=settings.data_dir, database_url=settings.database_url, workers=0)


@pytest.fixture
def ids(app, anonymous, call, client):
    """Give the ids of a resource of each kind of tenant one, by the name of the parameter in the path."""
    seeds = Seeds(app, call)
    dataset_id = seeds.dataset()
    audio_id = seeds.audio(dataset_id)
    set_id = seeds.annotation_set(dataset_id, [(audio_id, "glitch", 0, 10)], status="draft")
    detail = client.get(f"/api/v1/datasets/{dataset_id}/annotation-sets/{set_id}").json()
    inference_job_id = seeds.inference_job(model_id := seeds.model())
    return {
        "key_id": client.get("/api/v1/auth/api-keys").json()[0]["id"],
        "dataset_id": dataset_id,
        "audio_id": audio_id,
        "annotation_set_id": set_id,
        "annotation_id": detail["annotations"][0]["id"],
        "model_id": model_id,
        "training-jobs/{job_id}": seeds.training_job(),
        "inference-jobs/{job_id}": inference_job_id,
        "file_id": seeds.file(inference_job_id),
    }


def address(path, ids):
    """Return the path with the ids in it; a parameter of which nothing is known is a mistake of this test."""
    for name in sorted(ids, key=len, reverse=True):
        path = path.replace(name, f"{name.rpartition('/{')[0]}/{ids[name]}") if "{" in name else path
    path = path.format_map({name: value for name, value in ids.items() if "{" not in name})
    assert "{" not in path
    return path


def body(name, ids):
    """Return a body that is right in itself, and names resources of tenant one."""
    example = dict(EXAMPLES[name])
    for field in ("dataset_id", "annotation_set_id", "model_id", "audio_id", "file_id"):
        if field in example:
            example[field] = str(ids[field])
    return example


def statuses(client, ids, **options):
    """Return the answer's status of every operation, and its body where that is an error."""
    found = {}
    for method, path, kind in OPERATIONS:
        content = {} if kind is None else {"json": body(kind, ids)}
        answer = client.request(method, address(path, ids), **content, **options)
        found[method, path] = (answer.status_code, answer.json() if answer.status_code >= 400 else None)
    return found


def test_there_are_all_operations_of_the_contract():
    """Keys, datasets, audio, sets, annotations, trainings, models, inference jobs and their files."""
    assert len(OPERATIONS) == 3 + 5 + 6 + 5 + 5 + 4 + 4 + 4 + 5


@pytest.mark.parametrize("key", [None, "", "nonsense", "rl_live_", "rl_live_" + "a" * 43, "rl_live_\x7fé"])
def test_without_a_known_key_every_operation_answers_401(anonymous, ids, key):
    """Missing, malformed and unknown keys are told the same."""
    headers = {} if key is None else {"X-API-Key": key.encode("latin-1")}
    found = statuses(anonymous, ids, headers=headers)
    assert found == dict.fromkeys(found, (401, SHUT))


def test_with_a_revoked_key_every_operation_answers_401(anonymous, ids, client_of):
    client = client_of("one")
    made = client.post("/api/v1/auth/api-keys", json={"name": "short-lived"}).json()
    headers = {"X-API-Key": made["key"]}
    assert anonymous.get("/api/v1/datasets", headers=headers).status_code == 200
    assert client.delete(f"/api/v1/auth/api-keys/{made['id']}").status_code == 204
    found = statuses(anonymous, ids, headers=headers)
    assert found == dict.fromkeys(found, (401, SHUT))


def test_with_an_expired_key_every_operation_answers_401(anonymous, ids, key_of):
    key = key_of("one", expires_at=datetime.now(timezone.utc) - timedelta(seconds=1))
    found = statuses(anonymous, ids, headers={"X-API-Key": key})
    assert found == dict.fromkeys(found, (401, {"detail": "API key expired"}))


def test_without_a_key_malformed_ids_and_bodies_are_not_looked_at(anonymous):
    for method, path, _ in OPERATIONS:
        nonsense = path.replace("{", "").replace("}", "")
        assert anonymous.request(method, nonsense, content=b"{").status_code == 401


def test_another_tenant_finds_nothing(client, other, ids):
    """Every operation on an id, in the path or in the body, answers 404; lists are empty."""
    for (method, path), (status, detail) in statuses(other, ids).items():
        if "{" in path or (method == "POST" and path.endswith("-jobs")):
            assert (method, path, status) == (method, path, 404)
            assert detail["detail"].endswith(" not found")
        else:
            assert (method, path, status) == (method, path, 200 if method == "GET" else 201)
    theirs = {ids["dataset_id"], ids["model_id"], ids["training-jobs/{job_id}"], ids["inference-jobs/{job_id}"]}
    for path in ("datasets", "models", "training-jobs", "inference-jobs"):
        assert not {str(i) for i in theirs} & {item["id"] for item in other.get(f"/api/v1/{path}").json()["items"]}
    assert str(ids["key_id"]) not in other.get("/api/v1/auth/api-keys").text


def test_the_owner_finds_everything(client, ids):
    """The ids of the tests above are real."""
    for method, path, _ in OPERATIONS:
        if method == "GET":
            assert (path, client.get(address(path, ids)).status_code) in {(path, 200), (path, 400)}


def test_an_unknown_id_answers_404(client, ids):
    unknown = dict.fromkeys(ids, "00000000-0000-4000-8000-000000000000")
    for (method, path), (status, _) in statuses(client, unknown).items():
        assert "{" not in path or (method, path, status) == (method, path, 404)


def test_a_body_is_checked_before_ids_are_looked_up(other, ids):
    """Which of the two errors comes first does not tell whether a resource exists."""
    for method, path, kind in OPERATIONS:
        if kind not in (None, "CreateDataset") and not kind.startswith(("Update", "Confirm")):
            assert other.request(method, address(path, ids), json={}).status_code == 422
