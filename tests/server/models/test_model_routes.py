"""Rows M1 to M4: models listed, read, renamed, switched off, deleted."""

from uuid import UUID, uuid4

import pytest

from relaylib.server.database.tables import ModelRow, TrainingJobRow

URL = "/api/v1/models"


@pytest.mark.row("M1")
@pytest.mark.row("M2")
def test_a_model_has_the_documented_fields(client, seeds):
    model_id = seeds.model()
    model = client.get(f"{URL}/{model_id}").json()
    row = seeds.get(ModelRow, model_id)
    assert client.get(URL).json() == {"items": [model], "total": 1, "page": 1, "page_size": 20}
    assert model.pop("created_at").endswith("Z")
    assert model == {
        "id": str(model_id),
        "name": None,
        "description": None,
        "artifact_types": ["glitch"],
        "training_job_id": str(row.training_job_id),
        "eval_metrics": row.eval_metrics,
        "is_active": True,
        "tenant_id": str(seeds.tenant_id),
    }


@pytest.mark.row("M1")
@pytest.mark.parametrize(
    ("spelled", "is_active"),
    [("True", True), ("true", True), ("1", True), ("False", False), ("false", False), ("0", False)],
)
def test_models_are_filtered_by_being_active_however_it_is_spelled(client, seeds, spelled, is_active):
    """``True`` is what a Python client sends for a Python boolean."""
    ids = {True: str(seeds.model(is_active=True)), False: str(seeds.model(is_active=False))}
    listed = client.get(URL, params={"is_active": spelled}).json()
    assert [model["id"] for model in listed["items"]] == [ids[is_active]]
    assert listed["total"] == 1
    assert client.get(URL).json()["total"] == 2


@pytest.mark.row("M1")
def test_filters_that_cannot_be_read_are_named(client):
    for name in ("is_active", "training_job_id", "page"):
        answer = client.get(URL, params={name: "perhaps"})
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["query", name]]


@pytest.mark.row("M1")
def test_models_are_filtered_by_their_training(client, seeds):
    ids = [seeds.model() for _ in range(2)]
    training = seeds.get(ModelRow, ids[0]).training_job_id
    listed = client.get(URL, params={"training_job_id": str(training)}).json()
    assert [model["id"] for model in listed["items"]] == [str(ids[0])]
    assert client.get(URL, params={"training_job_id": str(uuid4())}).json()["items"] == []


@pytest.mark.row("M2")
@pytest.mark.row("M3")
@pytest.mark.row("M4")
def test_models_of_others_are_not_found(client, other, seeds):
    model_id = seeds.model()
    for who, which in ((other, model_id), (client, uuid4())):
        for answer in (
            who.get(f"{URL}/{which}"),
            who.patch(f"{URL}/{which}", json={"name": "x"}),
            who.delete(f"{URL}/{which}"),
        ):
            assert (answer.status_code, answer.json()) == (404, {"detail": "Model not found"})
    assert other.get(URL).json()["total"] == 0
    assert client.get(f"{URL}/{model_id}").json()["name"] is None


@pytest.mark.row("M3")
def test_a_change_changes_what_is_sent_and_nothing_else(client, seeds):
    url = f"{URL}/{seeds.model()}"
    before = client.get(url).json()
    for change in ({}, {"name": "Nightly"}, {"description": "on all voices", "is_active": False}, {"name": None}):
        before |= change
        answer = client.patch(url, json=change)
        assert answer.status_code == 200
        assert answer.json() == client.get(url).json() == before


@pytest.mark.row("M3")
@pytest.mark.parametrize(
    ("change", "field"), [({"name": ""}, "name"), ({"name": "x" * 256}, "name"), ({"is_active": None}, "is_active")]
)
def test_a_change_that_breaks_a_rule_is_refused(client, seeds, change, field):
    answer = client.patch(f"{URL}/{seeds.model()}", json=change)
    assert answer.status_code == 422
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", field]]


@pytest.mark.row("M4")
def test_a_deleted_model_is_gone_with_its_object_and_its_training_stays(client, seeds, app, call, tmp_path):
    store = app.state.context.store
    job_id = seeds.training_job()
    key = seeds.train(job_id).model_key
    model_id = seeds.get(TrainingJobRow, job_id).model_id
    (tmp_path / "model").write_bytes(b"weights")
    store.put_file(key, tmp_path / "model")
    answer = client.delete(f"{URL}/{model_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"{URL}/{model_id}").status_code == 404
    assert call(store.info, key) is None
    assert client.get(f"/api/v1/training-jobs/{job_id}").json()["metrics"]["f1_score"] == 2 / 3


@pytest.mark.row("M4")
@pytest.mark.parametrize("status", ["pending", "completed", "failed", "cancelled"])
def test_a_model_that_nothing_works_with_is_deleted(client, seeds, status):
    """The inference job stays."""
    model_id = seeds.model()
    job_id = seeds.inference_job(model_id, status=status)
    seeds.inference_job(seeds.model(), status="processing")
    assert client.delete(f"{URL}/{model_id}").status_code == 204
    assert client.get(f"/api/v1/inference-jobs/{job_id}").json()["model_id"] == str(model_id)


@pytest.mark.row("M4")
def test_a_model_at_work_is_not_deleted(client, seeds):
    model_id = seeds.model()
    for _ in range(2):
        seeds.inference_job(model_id, status="processing")
    answer = client.delete(f"{URL}/{model_id}")
    assert answer.status_code == 400
    assert "2 inference jobs" in answer.json()["detail"]
    assert UUID(client.get(f"{URL}/{model_id}").json()["id"]) == model_id
