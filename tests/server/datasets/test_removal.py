"""Row D5: a dataset goes with all that is in it, unless it is being trained on."""

from uuid import UUID

import pytest
from sqlalchemy import func, select
from steps import API, refused

from relaylib.server.database.tables import (
    AnnotationRow,
    AnnotationSetRow,
    AudioFileRow,
    DatasetRow,
    JobRow,
    ModelRow,
    TrainingJobRow,
)


def n_rows(seeds, table):
    return seeds.write(lambda session: session.scalar(select(func.count()).select_from(table)))


@pytest.fixture
def full(anonymous, client, steps):
    """Make a dataset with a confirmed file, a pending one and a published set; return its id and the file's key."""
    dataset_id, _, _ = steps.published()
    target = steps.upload_target(dataset_id)
    anonymous.post(target["upload_url"], data=target["fields"], files={"file": b"RIFF"})
    steps.post(f"/datasets/{dataset_id}/audio/confirm", 200, {"audio_id": target["audio_id"]})
    return dataset_id, target["key"]


@pytest.mark.row("D5")
def test_all_that_a_dataset_holds_goes_with_it(app, call, client, full, seeds, steps):
    dataset_id, key = full
    assert call(app.state.context.store.info, key) is not None
    kept_id, _, kept_audio_id = steps.published()
    answer = client.delete(f"{API}/datasets/{dataset_id}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert call(app.state.context.store.info, key) is None
    assert [item["id"] for item in steps.get("/datasets")["items"]] == [kept_id]
    for table, n_left in (
        (DatasetRow, 1),
        (AudioFileRow, 1),
        (AnnotationSetRow, 1),
        (AnnotationRow, 1),
        (JobRow, 0),
    ):
        assert n_rows(seeds, table) == n_left, table
    assert steps.get(f"/datasets/{kept_id}/audio/{kept_audio_id}")["id"] == kept_audio_id


@pytest.mark.row("D5")
@pytest.mark.parametrize("status", ["pending", "queued", "training"])
def test_a_dataset_that_is_trained_on_stays(app, call, client, full, seeds, status):
    dataset_id, key = full
    other_job = seeds.training_job(status="training")
    job_id = seeds.training_job(status=status)
    seeds.change(TrainingJobRow, job_id, dataset_id=UUID(dataset_id))
    assert str(job_id) in refused(client.delete(f"{API}/datasets/{dataset_id}"))
    assert call(app.state.context.store.info, key) is not None
    assert client.get(f"{API}/datasets/{dataset_id}").status_code == 200
    seeds.change(TrainingJobRow, job_id, status="cancelled")
    assert client.delete(f"{API}/datasets/{dataset_id}").status_code == 204
    assert seeds.get(TrainingJobRow, other_job).status == "training"


@pytest.mark.row("D5")
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_trainings_that_have_ended_and_their_models_survive(client, full, seeds, status):
    dataset_id, _ = full
    job_id = seeds.training_job(status=status)
    seeds.change(TrainingJobRow, job_id, dataset_id=UUID(dataset_id))
    model_id = seeds.model(training_job_id=job_id)
    assert client.delete(f"{API}/datasets/{dataset_id}").status_code == 204
    assert seeds.get(ModelRow, model_id) is not None
    assert seeds.get(TrainingJobRow, job_id).status == status


@pytest.mark.row("D5")
def test_an_object_that_cannot_be_removed_is_left_to_the_sweep(app, caplog, client, full, monkeypatch, seeds):
    async def refuse(_):
        raise OSError("read-only")

    monkeypatch.setattr(app.state.context.store, "delete", refuse)
    assert client.delete(f"{API}/datasets/{full[0]}").status_code == 204
    assert n_rows(seeds, DatasetRow) == 0
    assert f"object {full[1]} could not be removed" in caplog.text
