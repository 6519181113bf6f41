"""Rows I1 to I4: inference jobs asked for, read, listed, cancelled."""

from uuid import UUID, uuid4

import pytest
from steps import counted_statements

from relaylib.server.database.tables import InferenceFileRow
from relaylib.server.inference.processing import DetectionWork

URL = "/api/v1/inference-jobs"
DEFAULTS = {"threshold": 0.5, "merge_window_ms": 200, "min_duration_ms": 50}


def problems(answer):
    assert answer.status_code == 422, answer.text
    return [problem["loc"] for problem in answer.json()["detail"]]


@pytest.mark.row("I1")
def test_a_job_is_created_pending_and_empty(client, seeds):
    model_id = seeds.model()
    answer = client.post(URL, json={"model_id": str(model_id), "config": {**DEFAULTS, "threshold": 0.7}})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert UUID(job.pop("id"))
    assert job.pop("created_at").endswith("Z")
    assert job == {
        "tenant_id": str(seeds.tenant_id),
        "model_id": str(model_id),
        "config": {**DEFAULTS, "threshold": 0.7},
        "status": "pending",
        "total_files": 0,
        "processed_files": 0,
        "failed_files": 0,
        "total_detections": 0,
        "error_message": None,
        "started_at": None,
        "completed_at": None,
    }


@pytest.mark.row("I1")
@pytest.mark.parametrize(
    ("body", "config"),
    [
        ({}, DEFAULTS),
        ({"config": None}, DEFAULTS),
        ({"config": {}}, DEFAULTS),
        ({"config": {"threshold": 0.3}}, {**DEFAULTS, "threshold": 0.3}),
        ({"config": {"min_duration_ms": 0, "other": 1}}, {**DEFAULTS, "min_duration_ms": 0}),
    ],
)
def test_what_the_configuration_leaves_out_has_its_default(client, seeds, body, config):
    answer = client.post(URL, json={"model_id": str(seeds.model()), **body})
    assert answer.status_code == 201, answer.text
    assert answer.json()["config"] == config


@pytest.mark.row("I1")
@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        ("threshold", [0, 1, 0.5], [-0.01, 1.01, "high"]),
        ("merge_window_ms", [0, 5000], [-1, 5001]),
        ("min_duration_ms", [0, 1000], [-1, 1001]),
    ],
)
def test_each_setting_is_taken_up_to_its_bounds_and_refused_beyond(client, seeds, field, inside, outside):
    model_id = str(seeds.model())
    for value in inside:
        answer = client.post(URL, json={"model_id": model_id, "config": {field: value}})
        assert (answer.status_code, answer.json()["config"][field]) == (201, value)
    for value in outside:
        answer = client.post(URL, json={"model_id": model_id, "config": {field: value}})
        assert problems(answer) == [["body", "config", field]]


@pytest.mark.row("I1")
def test_a_model_that_is_unknown_foreign_or_inactive_is_refused(client, other, seeds):
    for who, model_id in ((client, uuid4()), (other, seeds.model())):
        answer = who.post(URL, json={"model_id": str(model_id)})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Model not found"})
    answer = client.post(URL, json={"model_id": str(seeds.model(is_active=False))})
    assert answer.status_code == 400
    assert "not active" in answer.json()["detail"]
    assert problems(client.post(URL, json={})) == [["body", "model_id"]]
    assert client.get(URL).json()["total"] == 0


@pytest.mark.row("I2")
def test_a_job_has_its_files_in_order_and_counts_the_confirmed_ones(client, seeds):
    job_id = seeds.inference_job(status="processing")
    one = seeds.file(job_id, "completed", detection_count=2, detections=[detection(0), detection(500)])
    two = seeds.file(job_id, "pending")
    three = seeds.file(job_id, "failed", error_message="it is text")
    four = seeds.file(job_id, "queued")
    five = seeds.file(job_id, "completed", detection_count=1, detections=[detection(0)])
    job = client.get(f"{URL}/{job_id}").json()
    assert [file["id"] for file in job["files"]] == [str(i) for i in (one, two, three, four, five)]
    assert [file["status"] for file in job["files"]] == ["completed", "pending", "failed", "queued", "completed"]
    assert counts(job) == (4, 2, 1, 3)
    assert job["files"][0]["detections"] == [detection(0), detection(500)]
    assert job["files"][1]["detections"] == []


@pytest.mark.row("I2")
@pytest.mark.row("I4")
def test_jobs_of_others_are_not_found(client, other, seeds):
    job_id = seeds.inference_job()
    for who, which in ((other, job_id), (client, uuid4())):
        for answer in (who.get(f"{URL}/{which}"), who.post(f"{URL}/{which}/cancel")):
            assert (answer.status_code, answer.json()) == (404, {"detail": "Inference job not found"})
    assert problems(client.get(f"{URL}/job-uuid")) == [["path", "job_id"]]


@pytest.mark.row("I3")
def test_jobs_are_listed_newest_first_with_their_own_counts_and_without_files(client, other, seeds):
    ids = [seeds.inference_job() for _ in range(3)]
    seeds.file(ids[0], "completed", detection_count=5)
    seeds.file(ids[1], "failed")
    listed = client.get(URL, params={"page_size": 2}).json()
    assert [job["id"] for job in listed["items"]] == [str(ids[2]), str(ids[1])]
    assert [counts(job) for job in listed["items"]] == [(0, 0, 0, 0), (1, 0, 1, 0)]
    assert (listed["total"], listed["page"], listed["page_size"]) == (3, 1, 2)
    (last,) = client.get(URL, params={"page_size": 2, "page": 2}).json()["items"]
    assert counts(last) == (1, 1, 0, 5)
    assert "files" not in last
    assert other.get(URL).json()["total"] == 0


@pytest.mark.row("I3")
def test_jobs_are_filtered_by_status(client, seeds):
    done, _ = seeds.inference_job(status="completed"), seeds.inference_job()
    listed = client.get(URL, params={"status": "completed"}).json()
    assert ([job["id"] for job in listed["items"]], listed["total"]) == ([str(done)], 1)
    assert problems(client.get(URL, params={"status": "done"})) == [["query", "status"]]


@pytest.mark.row("I3")
def test_a_longer_list_takes_no_more_queries(client, seeds):
    """Counts come by one query for the page, not one for each job."""
    used = []
    for n_jobs in (1, 5):
        for _ in range(n_jobs):
            seeds.file(seeds.inference_job(), "completed")
        with counted_statements() as statements:
            assert client.get(URL).status_code == 200
        used.append(len(statements))
    assert used[0] == used[1] > 1


@pytest.mark.row("I4")
def test_cancelling_fails_what_is_not_finished_and_keeps_the_rest(client, seeds):
    """A file that was never confirmed stays what it is, and uncounted."""
    job_id = seeds.inference_job(status="processing")
    states = ("queued", "processing", "queued", "pending")
    done, at_work, waiting, announced = (seeds.file(job_id, status) for status in states)
    seeds.detect(done, n_detections=2)
    answer = client.post(f"{URL}/{job_id}/cancel")
    assert answer.status_code == 200
    assert "files" not in answer.json()
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["completed_at"].endswith("Z")
    assert counts(answer.json()) == (3, 1, 2, 2)
    files = {UUID(file["id"]): file for file in client.get(f"{URL}/{job_id}").json()["files"]}
    assert [(files[i]["status"], files[i]["error_message"]) for i in (done, at_work, waiting, announced)] == [
        ("completed", None),
        ("failed", "cancelled"),
        ("failed", "cancelled"),
        ("pending", None),
    ]
    assert files[done]["detection_count"] == len(files[done]["detections"]) == 2
    assert files[at_work]["processed_at"].endswith("Z")


@pytest.mark.row("I4")
def test_a_pending_job_is_cancelled(client, seeds):
    job_id = seeds.inference_job()
    assert client.post(f"{URL}/{job_id}/cancel").json()["status"] == "cancelled"


@pytest.mark.row("I4")
@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_a_job_that_is_over_is_not_cancelled(client, seeds, status):
    job_id = seeds.inference_job(status=status)
    answer = client.post(f"{URL}/{job_id}/cancel")
    assert answer.status_code == 400
    assert status in answer.json()["detail"]


@pytest.mark.row("I4")
def test_what_comes_after_a_cancellation_changes_nothing(client, seeds):
    """The dispatcher may have been on its way with the result."""
    job_id = seeds.inference_job(status="processing")
    file_id = seeds.file(job_id)
    assert seeds.start(DetectionWork(), file_id) is not None
    client.post(f"{URL}/{job_id}/cancel")
    before = client.get(f"{URL}/{job_id}").json()
    assert seeds.start(DetectionWork(), file_id) is None
    seeds.detect(file_id, n_detections=3)
    seeds.fail(DetectionWork(), file_id, "late")
    assert client.get(f"{URL}/{job_id}").json() == before
    assert seeds.get(InferenceFileRow, file_id).duration_ms is None


def detection(start_ms):
    return {"artifact_type": "glitch", "start_ms": start_ms, "end_ms": start_ms + 100, "confidence": 0.9}


def counts(job):
    return tuple(job[name] for name in ("total_files", "processed_files", "failed_files", "total_detections"))
