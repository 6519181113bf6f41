"""What becomes of a training while it is worked on, driven as the dispatcher drives it."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.server.database.tables import ModelRow, TrainingJobRow
from relaylib.server.jobs.tasks import Progress, Span, Trained
from relaylib.server.training.processing import TrainingWork

WORK = TrainingWork()
METRICS = {
    "precision": 0.89,
    "recall": 0.85,
    "f1_score": 0.87,
    "per_class": {"glitch": {"precision": 0.92, "recall": 0.88, "f1_score": 0.9, "support": 150}},
    "false_alarms_per_hour": 3.5,
}


@pytest.fixture
def job(client):
    """Give a function that reads a job by the API."""
    return lambda job_id: client.get(f"/api/v1/training-jobs/{job_id}").json()


@pytest.mark.row("T2")
def test_a_training_goes_from_pending_by_queued_and_training_to_completed(seeds, job):
    job_id = seeds.training_job()
    seen = [job(job_id)["status"]]
    seeds.write(lambda session: WORK.waiting(session, job_id))
    seen.append(job(job_id)["status"])
    assert job(job_id)["started_at"] is None
    seeds.start(WORK, job_id)
    seen.append(job(job_id)["status"])
    assert job(job_id)["started_at"].endswith("Z")
    assert job(job_id)["progress_percent"] == 0
    seeds.train(job_id, METRICS)
    seen.append(job(job_id)["status"])
    assert seen == ["pending", "queued", "training", "completed"]
    assert job(job_id)["progress_percent"] == 100
    assert job(job_id)["completed_at"].endswith("Z")


@pytest.mark.row("T2")
def test_progress_grows_to_99_and_the_epochs_are_kept(seeds, job):
    """Metrics and the model stay null meanwhile."""
    job_id = seeds.training_job()
    seeds.start(WORK, job_id)
    seeds.progress(job_id, 0.1, (0.254, 1))
    assert job(job_id)["progress_percent"] == 25.4
    seeds.progress(job_id, (0.2, 2), (0.24, 3))
    assert job(job_id)["progress_percent"] == 25.4
    seeds.progress(job_id, 1.0)
    found = job(job_id)
    assert found["progress_percent"] == 99
    assert [epoch["epoch"] for epoch in found["history"]] == [1, 2, 3]
    assert found["history"][0] == {
        "fold": 0,
        "epoch": 1,
        "train_loss": 0.5,
        "validation_loss": 0.6,
        "validation_f1": 0.7,
    }
    assert (found["metrics"], found["model_id"]) == (None, None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), max_size=4), max_size=8))
def test_progress_never_goes_back_and_never_says_done(batches):
    """Whatever a worker tells, in batches, across attempts."""

    class OneRow:
        row = TrainingJobRow(status="training", progress_percent=0.0, history=[])

        async def scalar(self, _):
            return self.row

    session, seen = OneRow(), [0.0]
    for batch in batches:
        asyncio.run(WORK.progressed(session, uuid4(), [Progress(fraction, "training") for fraction in batch]))
        seen.append(session.row.progress_percent)
    assert seen == sorted(seen)
    assert seen[-1] <= 99


@pytest.mark.row("T2")
def test_a_second_attempt_starts_the_history_anew_and_keeps_the_percentage(seeds, job):
    job_id = seeds.training_job()
    first = seeds.start(WORK, job_id)
    seeds.progress(job_id, (0.5, 1))
    began = job(job_id)["started_at"]
    second = seeds.start(WORK, job_id)
    seeds.progress(job_id, (0.3, 1))
    found = job(job_id)
    assert (found["status"], found["progress_percent"], len(found["history"])) == ("training", 50, 1)
    assert found["started_at"] == began
    assert first.model_key != second.model_key


@pytest.mark.row("T2")
@pytest.mark.row("M1")
@pytest.mark.row("M2")
def test_completion_makes_one_model_with_the_metrics_of_the_job(seeds, job, client):
    job_id = seeds.training_job()
    task = seeds.train(job_id, METRICS)
    found = job(job_id)
    listed = client.get("/api/v1/models", params={"training_job_id": str(job_id)}).json()
    assert listed["total"] == 1
    (model,) = listed["items"]
    assert model["id"] == found["model_id"]
    assert client.get(f"/api/v1/models/{model['id']}").json() == model
    assert (model["name"], model["description"], model["is_active"]) == (None, None, True)
    assert model["artifact_types"] == ["glitch", "long_pause"]
    assert model["eval_metrics"] == found["metrics"]
    assert model["eval_metrics"] == {
        **METRICS,
        "per_class": {
            **METRICS["per_class"],
            "long_pause": {"precision": 0.0, "recall": 0.0, "f1_score": 0.0, "support": 0},
        },
    }
    assert seeds.get(ModelRow, UUID(model["id"])).object_key == task.model_key


@pytest.mark.row("T2")
def test_a_failed_training_says_why_and_has_no_model(seeds, job, client):
    job_id = seeds.training_job()
    seeds.start(WORK, job_id)
    seeds.progress(job_id, 0.4)
    seeds.fail(WORK, job_id, "too little of it")
    found = job(job_id)
    assert (found["status"], found["error_message"], found["progress_percent"]) == ("failed", "too little of it", 40)
    assert (found["metrics"], found["model_id"]) == (None, None)
    assert found["completed_at"].endswith("Z")
    assert client.get("/api/v1/models").json()["total"] == 0


@pytest.mark.row("T4")
def test_what_comes_after_a_cancellation_changes_nothing(seeds, job, client):
    """The dispatcher may have been on its way with the result."""
    job_id = seeds.training_job()
    task = seeds.start(WORK, job_id)
    cancelled = client.post(f"/api/v1/training-jobs/{job_id}/cancel").json()
    assert seeds.start(WORK, job_id) is None
    seeds.progress(job_id, (0.9, 9))
    seeds.fail(WORK, job_id, "late")
    seeds.write(lambda session: WORK.waiting(session, job_id))
    finish(seeds, job_id, task)
    assert job(job_id) == cancelled
    assert client.get("/api/v1/models").json()["total"] == 0


@pytest.mark.row("T2")
def test_a_result_that_comes_twice_makes_one_model(seeds, client):
    job_id = seeds.training_job()
    task = seeds.train(job_id)
    finish(seeds, job_id, task)
    assert client.get("/api/v1/models").json()["total"] == 1


def test_work_on_a_job_that_is_gone_does_nothing(seeds):
    job_id = uuid4()
    assert seeds.start(WORK, job_id) is None
    seeds.write(lambda session: WORK.waiting(session, job_id))
    seeds.progress(job_id, 0.5)
    seeds.fail(WORK, job_id, "gone")


@pytest.mark.row("T1")
def test_the_task_has_all_ready_audio_with_the_spans_of_its_set(seeds):
    """A recording without spans is clean and comes too; other states, sets, datasets and later audio stay out."""
    dataset_id = seeds.dataset()
    one = seeds.audio(dataset_id, 200_000, original_filename="one.wav")
    two = seeds.audio(dataset_id, 100_000, original_filename="two.wav")
    seeds.audio(dataset_id, status="failed")
    seeds.audio(dataset_id, status="pending", expires_in_s=-1)
    seeds.labelled()
    seeds.annotation_set(dataset_id, [(two, "glitch", 5, 6)], version=1)
    spans = [(one, "long_pause", 4000, 4700), (one, "glitch", 1200, 1450)]
    set_id = seeds.annotation_set(dataset_id, spans, version=2)
    config = {"artifact_types": ["glitch"], "epochs": 3}
    job_id = seeds.training_job(dataset_id=dataset_id, annotation_set_id=set_id, config=config)
    seeds.audio(dataset_id, original_filename="later.wav")
    task = seeds.start(WORK, job_id)
    assert [(a.filename, a.duration_ms) for a in task.audio] == [("one.wav", 200_000), ("two.wav", 100_000)]
    assert task.audio[0].spans == [Span("glitch", 1200, 1450, 1.0), Span("long_pause", 4000, 4700, 1.0)]
    assert task.audio[1].spans == []
    assert (task.config.artifact_types, task.config.epochs, task.config.batch_size) == (["glitch"], 3, 32)
    assert task.model_key.startswith(f"models/{seeds.tenant_id}/")
    assert task.model_key.endswith(".safetensors")


@pytest.mark.row("T1")
def test_spans_are_cut_to_the_recording(seeds):
    """They may have been drawn before its length was known: 999–1001 loses a ms, 1000–1100 all of it."""
    dataset_id = seeds.dataset()
    audio_id = seeds.audio(dataset_id, 1000)
    spans = [(audio_id, "glitch", 999, 1001), (audio_id, "glitch", 1000, 1100)]
    set_id = seeds.annotation_set(dataset_id, spans)
    job_id = seeds.training_job(dataset_id=dataset_id, annotation_set_id=set_id)
    assert seeds.start(WORK, job_id).audio[0].spans == [Span("glitch", 999, 1000, 1.0)]


def finish(seeds, job_id, task):
    seeds.write(lambda session: WORK.finished(session, job_id, task, Trained(["glitch"], METRICS)))
