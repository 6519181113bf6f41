"""Rows T1 to T4: training jobs asked for, listed, read, cancelled."""

from datetime import datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest

from relaylib.server.database.tables import AudioFileRow, JobRow, TrainingJobRow
from relaylib.server.training.processing import TrainingWork

URL = "/api/v1/training-jobs"


def asked(dataset_id, set_id, types=("glitch", "long_pause"), **config):
    body = {"artifact_types": list(types), **config}
    return {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id), "config": body}


def problems(answer):
    assert answer.status_code == 422, answer.text
    return [problem["loc"] for problem in answer.json()["detail"]]


@pytest.mark.row("T1")
def test_a_training_is_created_pending_with_the_effective_configuration(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    answer = client.post(URL, json=asked(dataset_id, set_id, epochs=7, colour="red"))
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert UUID(job.pop("id"))
    assert job.pop("created_at").endswith("Z")
    assert job == {
        "status": "pending",
        "progress_percent": 0,
        "metrics": None,
        "error_message": None,
        "tenant_id": str(seeds.tenant_id),
        "dataset_id": str(dataset_id),
        "annotation_set_id": str(set_id),
        "config": {
            "artifact_types": ["glitch", "long_pause"],
            "epochs": 7,
            "validation_split": 0.2,
            "learning_rate": 0.001,
            "batch_size": 32,
            "chunk_size_ms": 500,
            "stride_ms": 250,
        },
        "model_id": None,
        "started_at": None,
        "completed_at": None,
        "history": [],
    }


@pytest.mark.row("T1")
def test_a_training_is_queued_behind_all_other_kinds_of_work(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    job_id = UUID(client.post(URL, json=asked(dataset_id, set_id)).json()["id"])
    queued = seeds.queued(job_id)
    assert (queued.kind, queued.state, queued.priority, queued.tenant_id) == (
        "train_model",
        "queued",
        2,
        seeds.tenant_id,
    )


@pytest.mark.row("T1")
def test_audio_that_a_clock_ahead_of_ours_has_dated_is_trained_on(client, seeds):
    dataset_id, set_id, audio_id = seeds.labelled()
    seeds.change(AudioFileRow, audio_id, created_at=datetime.now(timezone.utc) + timedelta(hours=1))
    answer = client.post(URL, json=asked(dataset_id, set_id))
    assert answer.status_code == 201
    task = seeds.start(TrainingWork(), UUID(answer.json()["id"]))
    assert [len(audio.spans) for audio in task.audio] == [2]


@pytest.mark.row("T1")
def test_a_subset_of_the_types_may_be_trained(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    answer = client.post(URL, json=asked(dataset_id, set_id, ["long_pause"]))
    assert answer.status_code == 201
    assert answer.json()["config"]["artifact_types"] == ["long_pause"]


@pytest.mark.row("T1")
@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("epochs", [1, 100], [0, 101, 1.5, "many", None]),
        ("validation_split", [0.1, 0.5], [0.09, 0.51]),
        ("learning_rate", [0.0001, 0.1], [0.00009, 0.11]),
        ("batch_size", [8, 256], [7, 257]),
        ("chunk_size_ms", [250, 60_000], [19, 60_001, -1]),
        ("stride_ms", [20, 500], [19, 60_001, 501, 0]),
    ],
)
def test_each_setting_is_taken_up_to_its_bounds_and_refused_beyond(client, seeds, field, inside, outside):
    dataset_id, set_id, _ = seeds.labelled()
    for value in inside:
        answer = client.post(URL, json=asked(dataset_id, set_id, **{field: value}))
        assert answer.status_code == 201, answer.text
        assert answer.json()["config"][field] == value
    for value in outside:
        answer = client.post(URL, json=asked(dataset_id, set_id, **{field: value}))
        assert problems(answer) == [["body", "config", field]], value


@pytest.mark.row("T1")
def test_a_step_longer_than_the_chunk_is_refused_and_an_equal_one_is_taken(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    long = client.post(URL, json=asked(dataset_id, set_id, chunk_size_ms=200))  # the default step is 250
    assert problems(long) == [["body", "config", "stride_ms"]]
    equal = client.post(URL, json=asked(dataset_id, set_id, chunk_size_ms=300, stride_ms=300))
    assert equal.status_code == 201


@pytest.mark.row("T1")
def test_types_that_are_unknown_or_repeated_are_each_named_by_their_place(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    types = ["glitch", "Glitch", "long_pause", "glitch"]
    answer = client.post(URL, json=asked(dataset_id, set_id, types, stride_ms=501))
    place = ["body", "config", "artifact_types"]
    assert problems(answer) == [[*place, 1], [*place, 3], ["body", "config", "stride_ms"]]


@pytest.mark.row("T1")
def test_a_message_names_twenty_types_of_many(client, seeds):
    dataset_id, set_id, _ = seeds.labelled([f"t{number}" for number in range(23)])
    answer = client.post(URL, json=asked(dataset_id, set_id, ["t23"]))
    (problem,) = answer.json()["detail"]
    assert problem["msg"].endswith("which has " + ", ".join(f"t{number}" for number in range(20)) + " and 3 more")


@pytest.mark.row("T1")
def test_what_is_missing_or_malformed_is_named(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    assert problems(client.post(URL, json={})) == [
        ["body", "dataset_id"],
        ["body", "annotation_set_id"],
        ["body", "config"],
    ]
    no_types = {**asked(dataset_id, set_id), "config": {}}
    assert problems(client.post(URL, json=no_types)) == [["body", "config", "artifact_types"]]
    assert problems(client.post(URL, json=asked(dataset_id, set_id, []))) == [["body", "config", "artifact_types"]]
    assert problems(client.post(URL, json=asked("x", set_id))) == [["body", "dataset_id"]]


@pytest.mark.row("T1")
def test_ids_are_looked_up_before_anything_else(client, other, seeds):
    """Even types that no dataset has come second."""
    dataset_id, set_id, _ = seeds.labelled()
    other_dataset, other_set, _ = seeds.labelled()
    for who, body, what in [
        (client, asked(uuid4(), set_id, ["x"]), "Dataset"),
        (client, asked(dataset_id, uuid4(), ["x"]), "Annotation set"),
        (client, asked(dataset_id, other_set, ["x"]), "Annotation set"),
        (client, asked(other_dataset, set_id, ["x"]), "Annotation set"),
        (other, asked(dataset_id, set_id, ["x"]), "Dataset"),
    ]:
        answer = who.post(URL, json=body)
        assert (answer.status_code, answer.json()) == (404, {"detail": f"{what} not found"})


@pytest.mark.row("T1")
def test_a_refused_training_leaves_nothing_behind(client, seeds):
    dataset_id, _, _ = seeds.labelled()
    draft = seeds.annotation_set(dataset_id, status="draft", version=2)
    assert client.post(URL, json=asked(dataset_id, draft)).status_code == 400
    assert client.get(URL).json()["total"] == 0


@pytest.mark.row("T2")
def test_a_job_is_read_by_its_id_and_only_by_its_tenant(client, other, seeds):
    job_id = seeds.training_job()
    assert client.get(f"{URL}/{job_id}").json()["id"] == str(job_id)
    for answer in (other.get(f"{URL}/{job_id}"), client.get(f"{URL}/{uuid4()}")):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Training job not found"})
    assert problems(client.get(f"{URL}/job-uuid")) == [["path", "job_id"]]


@pytest.mark.row("T3")
def test_jobs_are_listed_newest_first_a_page_at_a_time(client, other, seeds):
    ids = [str(seeds.training_job()) for _ in range(3)]
    first = client.get(URL, params={"page": 1, "page_size": 2}).json()
    second = client.get(URL, params={"page": 2, "page_size": 2}).json()
    assert [job["id"] for job in first["items"] + second["items"]] == ids[::-1]
    assert (first["total"], first["page"], first["page_size"]) == (3, 1, 2)
    assert other.get(URL).json() == {"items": [], "total": 0, "page": 1, "page_size": 20}


@pytest.mark.row("T3")
def test_jobs_are_filtered_by_status_and_dataset(client, seeds):
    done, waiting = seeds.training_job(status="completed"), seeds.training_job(status="queued")
    dataset_id = seeds.get(TrainingJobRow, waiting).dataset_id

    def listed(**query):
        return [job["id"] for job in client.get(URL, params=query).json()["items"]]

    assert listed(status="completed") == [str(done)]
    assert listed(dataset_id=str(dataset_id)) == [str(waiting)]
    assert listed(status="completed", dataset_id=str(dataset_id)) == []
    assert problems(client.get(URL, params={"status": "done"})) == [["query", "status"]]
    assert problems(client.get(URL, params={"dataset_id": "1"})) == [["query", "dataset_id"]]


@pytest.mark.row("T4")
def test_a_waiting_training_is_cancelled_together_with_its_work(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    job_id = client.post(URL, json=asked(dataset_id, set_id)).json()["id"]
    answer = client.post(f"{URL}/{job_id}/cancel")
    assert answer.status_code == 200
    assert answer.json()["status"] == client.get(f"{URL}/{job_id}").json()["status"] == "cancelled"
    assert answer.json()["completed_at"].endswith("Z")
    assert seeds.queued(UUID(job_id)).state == "cancelled"


@pytest.mark.row("T4")
def test_running_work_is_asked_to_stop(client, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    job_id = client.post(URL, json=asked(dataset_id, set_id)).json()["id"]
    seeds.change(JobRow, seeds.queued(UUID(job_id)).id, state="running")
    assert client.post(f"{URL}/{job_id}/cancel").json()["status"] == "cancelled"
    assert seeds.queued(UUID(job_id)).cancel_requested


@pytest.mark.row("T4")
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_training_that_is_over_is_not_cancelled(client, seeds, status):
    job_id = seeds.training_job(status=status)
    answer = client.post(f"{URL}/{job_id}/cancel")
    assert answer.status_code == 400
    assert status in answer.json()["detail"]
    assert client.get(f"{URL}/{job_id}").json()["status"] == status


@pytest.mark.row("T4")
def test_only_its_tenant_cancels_a_training(client, other, seeds):
    job_id = seeds.training_job()
    assert other.post(f"{URL}/{job_id}/cancel").status_code == 404
    assert client.get(f"{URL}/{job_id}").json()["status"] == "pending"
