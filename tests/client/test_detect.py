"""From files to detections, by a server that has its troubles."""

import _thread
from pathlib import Path
from uuid import UUID

import pytest
from api_bodies import JOB, MODEL, inference_file, inference_job
from web_server import Answer

from relaylib.api import DetectionBody, InferenceConfig, InferenceFile
from relaylib.client import JobFailedError, RefusedError
from relaylib.client.results import file_result
from relaylib.errors import ParameterError
from relaylib.types import DecodeConfig, Detection, FileResult

ONE = f"/inference-jobs/{JOB}"
FOUND = [
    {"artifact_type": "pop", "start_ms": 500, "end_ms": 600, "confidence": 0.7},
    {"artifact_type": "glitch", "start_ms": 100, "end_ms": 200, "confidence": 0.9},
]


@pytest.fixture
def jobs(web):
    """Let the server take three files of a job."""

    def target(asked):
        number = int(asked.json["filename"].split(".")[0])
        body = {"upload_url": f"/store/{number}", "upload_fields": {}, "file_id": str(UUID(int=4000 + number))}
        return Answer(200, body)

    web.on("POST /inference-jobs", Answer(201, inference_job()))
    web.on(f"POST {ONE}/files/upload-url", target)
    web.on(f"POST {ONE}/files/confirm", lambda asked: Answer(200, inference_file(id=asked.json["file_id"])))
    web.on(f"POST {ONE}/cancel", Answer(200, inference_job(status="cancelled")))
    for n in range(3):
        web.on(f"POST //store/{n}", Answer(204))
    return web


@pytest.fixture
def paths(tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.wav").write_bytes(b"RIFF")
    return [tmp_path / f"{n}.wav" for n in (2, 0, 1)]


def files(*statuses):
    more = {"completed": {"detections": FOUND}, "failed": {"error_message": "no audio"}}
    return [inference_file(n, status=status, **more.get(status, {})) for n, status in enumerate(statuses)]


def test_results_come_in_the_order_of_the_files(jobs, client, paths):
    """It is not enough that the job is over after the first file: each has to be."""
    jobs.on(
        f"GET {ONE}",
        Answer(200, inference_job(status="processing", files=files("completed", "queued", "queued"), total_files=3)),
        Answer(502),
        Answer(200, inference_job(status="completed", files=files("completed", "failed", "completed")[::-1])),
    )
    found = (Detection(100, 200, "glitch", 0.9), Detection(500, 600, "pop", 0.7))
    assert client.inference_jobs.detect(MODEL, paths, DecodeConfig(0.3, 100, 20)) == [
        FileResult("2.wav", 1000, "completed", found),
        FileResult("0.wav", 1000, "completed", found),
        FileResult("1.wav", 1000, "failed", (), "no audio"),
    ]
    config = {"threshold": 0.3, "merge_window_ms": 100, "min_duration_ms": 20}
    assert jobs.asked[0].json == {"model_id": str(MODEL), "config": config}


def test_files_that_do_not_arrive_are_failed_results(jobs, client, paths):
    """A job whose every file failed is told by its files, not by an exception."""
    jobs._answers["POST", "/store/1"][:] = [Answer(403)]
    paths[0].unlink()
    jobs.on(f"GET {ONE}", Answer(200, inference_job(status="failed", files=files("failed", "pending"))))
    results = client.inference_jobs.detect(MODEL, paths, {"threshold": 0.3}, progress=False)
    assert [r.status for r in results] == ["failed"] * 3
    assert "No such file" in results[0].error_message
    assert results[1].error_message == "no audio"
    assert results[2].error_message == "1.wav: the storage answered 403."


def test_a_job_that_no_file_reaches_is_cancelled(jobs, client, tmp_path):
    results = client.inference_jobs.detect(MODEL, [tmp_path / "none.wav"], progress=False)
    assert results[0].status == "failed"
    assert jobs.calls()[-1] == f"POST {ONE}/cancel"


def test_a_job_that_ends_before_its_files_leaves_them_failed(jobs, client, paths):
    jobs.on(f"GET {ONE}", Answer(200, inference_job(status="cancelled", files=files("completed", "processing"))))
    results = client.inference_jobs.detect(MODEL, paths, progress=False)
    assert [r.status for r in results] == ["failed", "completed", "failed"]
    assert results[2].error_message == "the job ended before this file did (processing)"


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_cancels_the_job(jobs, client, paths):
    def interrupted(_):
        _thread.interrupt_main()
        return Answer(200, inference_job(status="processing", files=[]), after_s=0.1)

    jobs.on(f"GET {ONE}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.inference_jobs.detect(MODEL, paths, progress=False)
    assert jobs.calls()[-1] == f"POST {ONE}/cancel"


def test_no_files_make_no_job(web, client):
    assert client.inference_jobs.detect(MODEL, []) == []
    assert web.asked == []


def test_a_model_that_cannot_be_used_is_an_error(web, client, paths):
    web.on("POST /inference-jobs", Answer(400, {"detail": "Model is not active"}))
    with pytest.raises(RefusedError, match="Model is not active"):
        client.inference_jobs.detect(MODEL, paths)


@pytest.mark.parametrize("config", [None, InferenceConfig(threshold=0.4), {"threshold": 0.4}])
def test_a_config_is_sent_as_it_is_given(jobs, client, config):
    client.inference_jobs.create(str(MODEL), config)
    assert jobs.asked[0].json.get("config", {}).get("threshold") == (0.4 if config else None)


def test_a_config_that_the_api_does_not_know_is_refused(jobs, client):
    with pytest.raises(ParameterError, match=r"low_threshold=0\.2"):
        client.inference_jobs.create(MODEL, DecodeConfig(low_threshold=0.2))


def test_waiting_for_a_failed_job_raises(jobs, client):
    jobs.on(f"GET {ONE}", Answer(200, inference_job(status="failed", error_message="every file failed", files=[])))
    with pytest.raises(JobFailedError, match="failed: every file failed"):
        client.inference_jobs.wait(JOB, progress=False)


def test_detections_of_no_length_cover_a_millisecond():
    """Others may round; a span of the library has a length and a confidence up to 1."""
    body = DetectionBody("glitch", 100, 100, 1.0000001)
    file = InferenceFile(UUID(int=1), JOB, "a.wav", "k", 200, "completed", None, [body], 1, None)
    assert file_result(Path("x/b.wav"), file) == FileResult(
        "b.wav", 200, "completed", (Detection(100, 101, "glitch", 1.0),)
    )
