"""Waiting for audio and jobs."""

import time
from uuid import UUID

import pytest
from api_bodies import DATASET, JOB, audio, inference_job, training_job
from web_server import Answer

from relaylib.client import JobFailedError, WaitTimeoutError
from relaylib.client.waiting import poll

TRAINING, INFERENCE = f"/training-jobs/{JOB}", f"/inference-jobs/{JOB}"


def test_it_is_asked_soon_and_then_less_often(monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    answers = iter(range(12))
    assert poll(lambda: next(answers), ended=lambda n: n == 11, what="it", timeout=None, most_s=2.0) == 11
    assert slept[0] == pytest.approx(0.2)
    assert slept == sorted(slept)
    assert slept[-1] == 2.0


def test_a_training_is_waited_for_with_its_progress(web, client):
    web.on(
        f"GET {TRAINING}",
        Answer(200, training_job(status="queued")),
        Answer(503),
        Answer(200, training_job(status="training", progress_percent=40.5)),
        Answer(200, training_job(status="completed", progress_percent=100, metrics={"f1_score": 0.9})),
    )
    seen = []
    job = client.training_jobs.wait(JOB, on_update=lambda job: seen.append((job.status, job.progress_percent)))
    assert job.metrics == {"f1_score": 0.9}
    assert seen == [("queued", 0), ("training", 40.5), ("completed", 100)]


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (training_job(status="failed", error_message="out of memory"), f"training job {JOB} failed: out of memory"),
        (training_job(status="cancelled"), f"training job {JOB} was cancelled"),
    ],
)
def test_a_training_without_a_model_is_an_error(web, client, job, message):
    web.on(f"GET {TRAINING}", Answer(200, job))
    with pytest.raises(JobFailedError) as caught:
        client.training_jobs.wait(JOB, progress=False)
    assert str(caught.value) == message
    assert caught.value.subject.id == JOB


@pytest.mark.alone
def test_a_wait_that_takes_too_long_ends_with_what_is_known(web, client):
    web.on(f"GET {INFERENCE}", Answer(200, inference_job(status="processing", files=[])))
    with pytest.raises(WaitTimeoutError, match=r"inference job .* had not ended after 0\.3 s") as caught:
        client.inference_jobs.wait(JOB, timeout=0.3, progress=False)
    assert caught.value.subject.status == "processing"
    assert isinstance(caught.value, TimeoutError)
    assert len(web.asked) == 3


def test_one_file_is_waited_for_and_returned_as_one(web, client):
    path = f"/datasets/{DATASET}/audio/{UUID(int=1000)}"
    states = ["normalizing", "embedding", "ready"]
    web.on(f"GET {path}", *[Answer(200, audio(processing_status=state)) for state in states])
    assert client.audio.wait(DATASET, str(UUID(int=1000))).processing_status == "ready"
    assert len(web.asked) == 3


def test_many_files_are_waited_for_by_the_list(web, client):
    """Forty files cost one request a page, not forty; they come back in the order asked for."""
    path = f"/datasets/{DATASET}/audio"
    files = [audio(n) for n in range(300)]
    running = [audio(n, processing_status="embedding") for n in range(300)]
    web.on(
        f"GET {path}",
        Answer(200, {"items": running[:100], "total": 300}),
        Answer(200, {"items": files[:100], "total": 300}),
    )
    ids = [UUID(int=1000 + n) for n in range(39, -1, -1)]
    assert [file.id for file in client.audio.wait(DATASET, ids)] == ids
    assert len(web.asked) == 2


def test_files_that_cannot_be_used_are_named_once_all_have_ended(web, client):
    for n in range(3):
        failed = {"processing_status": "failed", "processing_error": "no audio"} if n else {}
        web.on(f"GET /datasets/{DATASET}/audio/{UUID(int=1000 + n)}", Answer(200, audio(n, **failed)))
    ids = [UUID(int=1000 + n) for n in range(3)]
    with pytest.raises(JobFailedError, match=r"^2 of 3 audio files cannot be used: take-1\.wav: no audio; take-2") as e:
        client.audio.wait(DATASET, ids, progress=False)
    assert [file.id for file in e.value.subject] == ids[1:]
    found = client.audio.wait(DATASET, ids, progress=False, check=False)
    assert [file.processing_status for file in found] == ["ready", "failed", "failed"]


def test_no_files_are_waited_for_in_no_time(web, client):
    assert client.audio.wait(DATASET, []) == []
    assert web.asked == []
