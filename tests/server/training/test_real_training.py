"""Real work from end to end: speech, a training, a model, detections; by the API, the queue and worker processes."""

import dataclasses
import time
from uuid import UUID

import pytest

from relaylib import DecodeConfig, Detector
from relaylib.demo import load_demo
from relaylib.server.database.tables import AudioFileRow, ModelRow

pytestmark = [pytest.mark.slow, pytest.mark.workers]

TYPES = ["long_pause", "robotic"]
CONFIG = {"artifact_types": TYPES, "epochs": 2, "validation_split": 0.5}


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, workers=1)


@pytest.fixture
def speech(seeds, app):
    """Store all of the demo as a dataset that is ready, with a published set; give the ids of both."""
    train, test, root = load_demo()
    dataset_id, spans = seeds.dataset(TYPES), []
    for item in (*train, *test):
        audio_id = seeds.audio(dataset_id, item.duration_ms, original_filename=item.filename)
        app.state.context.store.put_file(seeds.get(AudioFileRow, audio_id).object_key, root / item.filename)
        found = [a for a in item.annotations if a.artifact_type in TYPES]
        spans += [(audio_id, a.artifact_type, a.start_ms, a.end_ms) for a in found]
    return dataset_id, seeds.annotation_set(dataset_id, spans)


def until_over(read, timeout_s=240):
    """Poll until a job is over; return all that was seen."""
    seen, give_up = [], time.monotonic() + timeout_s
    while not seen or seen[-1]["status"] in ("pending", "queued", "training", "processing"):
        assert time.monotonic() < give_up, seen[-1]
        time.sleep(0.2)
        seen.append(read())
    return seen


@pytest.mark.row("T1")
@pytest.mark.row("T2")
@pytest.mark.row("M1")
@pytest.mark.row("I1")
@pytest.mark.row("I2")
@pytest.mark.row("F1")
@pytest.mark.row("F2")
@pytest.mark.row("F3")
def test_speech_becomes_a_model_whose_detections_are_those_of_the_library(client, anonymous, seeds, app, speech):
    dataset_id, set_id = speech
    body = {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id), "config": CONFIG}
    job_url = f"/api/v1/training-jobs/{client.post('/api/v1/training-jobs', json=body).json()['id']}"
    seen = until_over(lambda: client.get(job_url).json())
    job = seen[-1]
    assert (job["status"], job["error_message"]) == ("completed", None)
    percents = [each["progress_percent"] for each in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert all(each["metrics"] is None and each["progress_percent"] < 100 for each in seen[:-1])
    assert {(epoch["fold"], epoch["epoch"]) for epoch in job["history"]} == {(f, e) for f in range(2) for e in (1, 2)}
    (model,) = client.get("/api/v1/models").json()["items"]
    assert model["id"] == job["model_id"]
    assert model["artifact_types"] == TYPES
    assert model["eval_metrics"] == job["metrics"]
    assert set(model["eval_metrics"]["per_class"]) == set(TYPES)

    _, test, root = load_demo()
    with app.state.context.store.local(seeds.get(ModelRow, UUID(model["id"])).object_key) as stored:
        detector = Detector.load(stored)
    found = {item: detector.detect(root / item.filename, DecodeConfig(0.1, 200, 20)) for item in test}
    item = max(found, key=lambda each: len(found[each]))
    path, expected = root / item.filename, found[item]
    config = {"threshold": 0.1, "min_duration_ms": 20}
    body = {"model_id": model["id"], "config": config}
    inference_url = f"/api/v1/inference-jobs/{client.post('/api/v1/inference-jobs', json=body).json()['id']}"
    for data in (path.read_bytes(), b"this is a letter, not a recording. " * 9):
        declared = {"filename": "speech.flac", "file_size_bytes": 1, "content_type": "audio/flac"}
        target = client.post(f"{inference_url}/files/upload-url", json=declared).json()
        sent = anonymous.post(target["upload_url"], data=target["upload_fields"], files={"file": ("f", data)})
        assert sent.status_code == 204
        assert client.post(f"{inference_url}/files/confirm", json={"file_id": target["file_id"]}).status_code == 200
    done = until_over(lambda: client.get(inference_url).json())[-1]
    good, bad = done["files"]
    assert (done["status"], done["processed_files"], done["failed_files"]) == ("completed", 1, 1)
    assert bad["status"] == "failed"
    assert "speech.flac" in bad["error_message"]
    spans = [(span["artifact_type"], span["start_ms"], span["end_ms"]) for span in good["detections"]]
    assert spans == [(span.artifact_type, span.start_ms, span.end_ms) for span in expected]
    confidences = [span["confidence"] for span in good["detections"]]
    assert confidences == pytest.approx([span.confidence for span in expected], abs=1e-5)  # threads may round apart
    assert good["duration_ms"] == item.duration_ms
    assert done["total_detections"] == good["detection_count"] == len(expected) > 0


@pytest.mark.row("T4")
def test_a_training_that_is_cancelled_at_work_makes_room_for_the_next(client, speech):
    """There is one worker; the second training starts as soon as the first has been stopped."""
    dataset_id, set_id = speech
    body = {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id), "config": {**CONFIG, "epochs": 100}}
    urls = [f"/api/v1/training-jobs/{client.post('/api/v1/training-jobs', json=body).json()['id']}" for _ in range(2)]

    def wait_for(url, status):
        give_up = time.monotonic() + 60
        while client.get(url).json()["status"] != status:
            assert time.monotonic() < give_up, client.get(url).json()
            time.sleep(0.1)

    wait_for(urls[0], "training")
    wait_for(urls[1], "queued")
    assert client.post(f"{urls[0]}/cancel").json()["status"] == "cancelled"
    wait_for(urls[1], "training")
    assert client.post(f"{urls[1]}/cancel").json()["status"] == "cancelled"
    assert [client.get(url).json()["status"] for url in urls] == ["cancelled", "cancelled"]
    assert client.get("/api/v1/models").json()["total"] == 0
