"""What becomes of a file and its job while it is worked on, driven as the dispatcher drives it."""

from uuid import uuid4

import pytest

from relaylib.api import InferenceConfig
from relaylib.server.database.tables import InferenceFileRow, ModelRow
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.jobs.tasks import DetectArtifacts, Detected, Progress

WORK = DetectionWork()


@pytest.fixture
def job(client):
    """Give a function that reads a job by the API."""
    return lambda job_id: client.get(f"/api/v1/inference-jobs/{job_id}").json()


@pytest.mark.row("F4")
def test_the_task_names_the_objects_the_configuration_and_the_file(seeds):
    model_id = seeds.model()
    job_id = seeds.inference_job(model_id, status="processing", config={"threshold": 0.25})
    file_id = seeds.file(job_id, original_filename="née.wav")
    assert seeds.start(WORK, file_id) == DetectArtifacts(
        key=seeds.get(InferenceFileRow, file_id).object_key,
        model_key=seeds.get(ModelRow, model_id).object_key,
        config=InferenceConfig(threshold=0.25, merge_window_ms=200, min_duration_ms=50),
        filename="née.wav",
    )


@pytest.mark.row("F4")
def test_a_file_is_processing_while_it_is_worked_on_and_may_be_taken_again(seeds, job):
    """The second time its worker, or the whole server, had died."""
    job_id = seeds.inference_job(status="processing")
    file_id = seeds.file(job_id)
    seeds.write(lambda session: WORK.waiting(session, file_id))
    assert job(job_id)["files"][0]["status"] == "queued"
    task = seeds.start(WORK, file_id)
    seeds.write(lambda session: WORK.progressed(session, file_id, [Progress(0.1, "detecting")]))
    assert job(job_id)["files"][0]["status"] == "processing"
    assert seeds.start(WORK, file_id) == task


@pytest.mark.parametrize("status", ["pending", "completed", "failed"])
def test_there_is_nothing_to_do_for_a_file_that_is_unconfirmed_or_over(seeds, status):
    assert seeds.start(WORK, seeds.file(seeds.inference_job(status="processing"), status)) is None


def test_work_on_a_file_that_is_gone_does_nothing(seeds):
    file_id = uuid4()
    assert seeds.start(WORK, file_id) is None
    seeds.fail(WORK, file_id, "gone")
    seeds.write(lambda session: WORK.finished(session, file_id, None, Detected(1, [])))


@pytest.mark.row("I2")
def test_the_job_is_completed_with_its_last_confirmed_file(seeds, job):
    """A file that is announced but not confirmed does not hold it up; one failure among others does not fail it."""
    job_id = seeds.inference_job(status="processing")
    one, two, _ = seeds.file(job_id), seeds.file(job_id), seeds.file(job_id, "pending")
    seeds.fail(WORK, one, "it is text")
    assert (job(job_id)["status"], job(job_id)["completed_at"]) == ("processing", None)
    seeds.detect(two, n_detections=2)
    found = job(job_id)
    assert (found["status"], found["error_message"]) == ("completed", None)
    assert found["completed_at"] == found["files"][1]["processed_at"]
    assert (found["total_files"], found["processed_files"], found["failed_files"]) == (2, 1, 1)
    assert found["total_detections"] == 2


@pytest.mark.row("I2")
def test_a_job_fails_only_if_every_file_has_failed_and_says_why(seeds, job):
    job_id = seeds.inference_job(status="processing")
    one, two = seeds.file(job_id), seeds.file(job_id)
    seeds.fail(WORK, one, "a.wav: it is text")
    assert job(job_id)["status"] == "processing"
    seeds.fail(WORK, two, "b.wav: is empty")
    found = job(job_id)
    assert found["status"] == "failed"
    assert found["error_message"] == "All 2 files failed; the last of them: b.wav: is empty"
    assert [file["error_message"] for file in found["files"]] == ["a.wav: it is text", "b.wav: is empty"]
    assert found["completed_at"].endswith("Z")


@pytest.mark.row("I2")
def test_a_job_with_one_file_fails_for_the_reason_of_the_file(seeds, job):
    job_id = seeds.inference_job(status="processing")
    seeds.fail(WORK, seeds.file(job_id), "a.wav: it is text")
    assert (job(job_id)["status"], job(job_id)["error_message"]) == ("failed", "a.wav: it is text")


@pytest.mark.row("F4")
def test_a_file_in_which_nothing_is_found_is_completed_with_an_empty_list(seeds, job):
    job_id = seeds.inference_job(status="processing")
    seeds.detect(seeds.file(job_id), n_detections=0)
    (file,) = job(job_id)["files"]
    assert (file["status"], file["detections"], file["detection_count"]) == ("completed", [], 0)
    assert job(job_id)["status"] == "completed"


@pytest.mark.row("F4")
def test_a_result_or_failure_that_comes_twice_changes_nothing(seeds, job):
    job_id = seeds.inference_job(status="processing")
    file_id = seeds.file(job_id)
    seeds.detect(file_id, n_detections=1)
    before = job(job_id)
    seeds.detect(file_id, n_detections=5)
    seeds.fail(WORK, file_id, "late")
    assert job(job_id) == before


@pytest.mark.row("M4")
def test_a_file_whose_model_has_gone_all_the_same_fails(seeds, job):
    """Deletion is refused while the job is at work; this is what a row that vanished otherwise comes to."""
    job_id = seeds.inference_job(uuid4(), status="processing")
    assert seeds.start(WORK, seeds.file(job_id)) is None
    assert (job(job_id)["status"], job(job_id)["error_message"]) == ("failed", "The model has been deleted")
