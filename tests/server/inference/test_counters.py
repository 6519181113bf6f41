"""Laws of the counts: whatever happens in whatever order, they are those of the files, and a job ends with them."""

import asyncio
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relaylib.server.context import Caller
from relaylib.server.inference.processing import DetectionWork
from relaylib.server.inference.service import InferenceJobs
from relaylib.server.jobs.tasks import Detected

WORK = DetectionWork()
STEPS = st.sampled_from(["confirm", "start", "finish", "fail"])


@pytest.mark.row("I2")
@pytest.mark.row("I4")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(STEPS, st.integers(0, 2)), max_size=12), st.integers(0, 20))
def test_counts_are_those_of_the_files_in_any_order_of_events(client, seeds, app, tmp_path, steps, cancel_at):
    """Three files; the job is cancelled before step `cancel_at`, if it comes to that."""
    job_id = seeds.inference_job()
    url = f"/api/v1/inference-jobs/{job_id}"
    file_ids = [seeds.file(job_id, "pending", object_key=f"inference/{uuid4()}") for _ in range(3)]
    for file in client.get(url).json()["files"]:
        (tmp_path / "upload").write_bytes(b"RIFF")
        app.state.context.store.put_file(file["s3_key"], tmp_path / "upload")
    for number, (step, index) in enumerate(steps):
        if number == cancel_at:
            client.post(f"{url}/cancel")
        file_id = file_ids[index]
        if step == "confirm":
            client.post(f"{url}/files/confirm", json={"file_id": str(file_id)})
        elif step == "start":
            seeds.start(WORK, file_id)
        elif step == "finish":
            seeds.detect(file_id, n_detections=index + 1)
        else:
            seeds.fail(WORK, file_id, "no")
        check(client.get(url).json())


@pytest.mark.row("I2")
def test_files_that_end_side_by_side_end_their_job_once_and_for_all(client, seeds, app, call):
    """Each of four endings must see whether it is the last, although their transactions overlap."""
    job_id = seeds.inference_job(status="processing")
    file_ids = [seeds.file(job_id) for _ in range(4)]

    async def fail(file_id):
        async with app.state.context.db.write() as session:
            await WORK.failed(session, file_id, "no")
            await asyncio.sleep(0.1)

    async def fail_all():
        await asyncio.gather(*map(fail, file_ids))

    call(fail_all)
    job = client.get(f"/api/v1/inference-jobs/{job_id}").json()
    assert (job["status"], job["failed_files"]) == ("failed", 4)
    assert job["error_message"].startswith("All 4 files failed")


@pytest.mark.row("I4")
def test_cancelling_while_files_end_leaves_none_unfinished(client, seeds, app, call):
    """Whichever comes first, the counts are right in the end."""
    job_id = seeds.inference_job(status="processing")
    file_ids = [seeds.file(job_id) for _ in range(6)]
    caller = Caller(tenant_id=seeds.tenant_id, key_id=uuid4(), base_url="")

    async def detect(file_id):
        async with app.state.context.db.write() as session:
            await WORK.finished(session, file_id, None, Detected(1000, []))

    async def everything():
        first, *rest = file_ids
        cancel = InferenceJobs(app.state.context, caller).cancel(job_id)
        await asyncio.gather(detect(first), cancel, *map(detect, rest))

    call(everything)
    job = client.get(f"/api/v1/inference-jobs/{job_id}").json()
    assert job["status"] == "cancelled"
    check(job)


def check(job):
    files = [file for file in job["files"] if file["status"] != "pending"]
    states = [file["status"] for file in files]
    assert job["total_files"] == len(files)
    assert job["processed_files"] == states.count("completed")
    assert job["failed_files"] == states.count("failed")
    assert job["total_detections"] == sum(len(file["detections"]) for file in files)
    assert all(file["detection_count"] == len(file["detections"]) for file in job["files"])
    is_done = job["processed_files"] + job["failed_files"] == job["total_files"]
    if job["status"] == "cancelled":
        assert is_done
        return
    assert job["status"] == expected(states, is_done)
    assert (job["started_at"] is None) == (not files)
    assert (job["completed_at"] is None) == (job["status"] in ("pending", "processing"))
    assert (job["error_message"] is None) == (job["status"] != "failed")


def expected(states, is_done):
    if not states:
        return "pending"
    if not is_done:
        return "processing"
    return "completed" if "completed" in states else "failed"


@pytest.mark.row("I2")
@pytest.mark.row("I3")
def test_a_job_counts_the_same_by_itself_as_in_a_list(client, seeds):
    """The one is taken from its files, the other by a query for the whole page."""
    job_id = seeds.inference_job(status="processing")
    for status, n_detections in (("pending", 0), ("queued", 0), ("processing", 0), ("failed", 0), ("completed", 3)):
        seeds.file(job_id, status, detection_count=n_detections)
    seeds.file(job_id, "completed", detection_count=4)
    alone = client.get(f"/api/v1/inference-jobs/{job_id}").json()
    (listed,) = client.get("/api/v1/inference-jobs").json()["items"]
    del alone["files"]
    assert listed == alone
    assert (alone["total_files"], alone["processed_files"], alone["failed_files"]) == (5, 2, 1)
    assert alone["total_detections"] == 7
