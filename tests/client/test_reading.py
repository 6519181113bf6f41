"""Bodies that differ from the reference as documented clients and pages do."""

import json
from uuid import UUID

import pytest
from api_bodies import AUDIO, DATASET, FILE, audio, dataset, inference_file, inference_job, model, training_job

from relaylib.api import (
    ApiKey,
    AudioFile,
    ConfirmedAudio,
    Dataset,
    DatasetSummary,
    InferenceFile,
    InferenceJobDetail,
    Model,
    Page,
    SetList,
    TrainingJob,
    UploadTarget,
)
from relaylib.client.errors import ResponseError
from relaylib.client.reading import read


def of(body, kind):
    return read(json.dumps(body).encode(), kind, what="GET /x")


@pytest.mark.parametrize("fields", ["fields", "upload_fields"])
@pytest.mark.parametrize("key", ["key", "s3_key", "absent"])
@pytest.mark.parametrize("record", ["audio_id", "file_id"])
def test_an_upload_target_may_use_either_name_of_everything(fields, key, record):
    body = {"upload_url": "u", fields: {"policy": "p"}, key: "k", "expires_in": 3600, record: str(FILE), "new": 1}
    target = of(body, UploadTarget)
    assert target.fields == target.upload_fields == {"policy": "p"}
    assert target.audio_id == target.file_id == FILE
    assert target.key == target.s3_key == (None if key == "absent" else "k")


def test_an_upload_target_without_url_is_useless():
    with pytest.raises(ResponseError, match="answer has no upload_url"):
        of({"fields": {}, "audio_id": str(FILE)}, UploadTarget)


def test_a_confirmation_may_use_either_name():
    assert of({"file_id": str(AUDIO), "processing_status": "normalizing"}, ConfirmedAudio).status == "normalizing"
    confirmed = of({"audio_id": str(AUDIO), "status": "pending"}, ConfirmedAudio)
    assert (confirmed.audio_id, confirmed.file_id, confirmed.message) == (AUDIO, AUDIO, None)


def test_optional_keys_may_be_absent():
    """As in the documented TypeScript types: no duration, description or colour."""
    body = dataset(artifact_types=[{"name": "glitch"}, {"name": "pop", "description": None, "color": None}])
    del body["description"]
    read_as = of(body, Dataset)
    assert read_as.description is None
    assert [t.color for t in read_as.artifact_types] == ["#FF0000", "#FF0000"]
    body = audio()
    del body["duration_ms"], body["processing_error"]
    assert of(body, AudioFile).duration_ms is None


@pytest.mark.parametrize("gone", [[], ["detections"], ["detections", "detection_count", "s3_key", "processed_at"]])
def test_detections_may_be_null_or_absent(gone):
    body = {name: value for name, value in inference_file().items() if name not in gone}
    assert not of(body, InferenceFile).detections


def test_a_job_may_have_the_fields_of_the_shortest_sample_alone():
    sample = {"id": str(FILE), "status": "completed", "total_files": 1, "processed_files": 1, "total_detections": 2}
    found = [{"artifact_type": "glitch", "start_ms": 1200, "end_ms": 1450, "confidence": 0.87}]
    files = [{"id": str(FILE), "original_filename": "test.wav", "status": "completed", "detections": found}]
    job = of(sample | {"files": files}, InferenceJobDetail)
    assert (job.status, job.total_files, job.tenant_id, job.failed_files) == ("completed", 1, None, None)
    assert job.files[0].detections[0].end_ms == 1450
    assert of(sample, InferenceJobDetail).files == []


def test_states_and_rules_that_are_not_known_here_are_read():
    """A new state, a short colour, a name that is too long, numbers of the other kind."""
    assert of(training_job(status="paused", progress_percent=5), TrainingJob).status == "paused"
    body = dataset(artifact_types=[{"name": "x" * 101, "color": "#F00"}])
    assert of(body, Dataset).artifact_types[0].color == "#F00"
    odd = {"epochs": 1000, "artifact_types": []}
    assert of(training_job(config=odd), TrainingJob).config.epochs == 1000
    assert of(audio(duration_ms=1000.0), AudioFile).duration_ms == 1000


def test_unknown_keys_are_ignored_in_every_depth():
    job = of(
        inference_job(new=1, config={"threshold": 0.3, "new": 2}, files=[inference_file(new=3)]), InferenceJobDetail
    )
    assert (job.config.threshold, job.config.merge_window_ms, len(job.files)) == (0.3, 200, 1)


def test_pages_may_leave_out_their_number_or_be_bare():
    items = [dataset(), dataset(description="x")]
    for body in ({"items": items, "total": 2}, items):
        page = of(body, Page[DatasetSummary])
        assert (len(page.items), page.total, page.items[0].audio_count) == (2, 2, 0)
    assert of([], SetList).total == 0


def test_keys_may_be_enveloped():
    key = {"id": str(FILE), "name": "n", "key_prefix": "rl_live_", "created_at": "2024-01-15T10:30:00+01:00"}
    for body in ([key], {"items": [key], "total": 1}):
        (found,) = of(body, list[ApiKey])
        assert (found.scopes, found.last_used_at) == ([], None)


def test_metrics_of_a_model_may_be_absent():
    body = model()
    body["eval_metrics"] = None
    assert of(body, Model).eval_metrics == {}


def test_what_cannot_be_read_is_named_with_its_place():
    bad = inference_job(files=[inference_file(), inference_file(duration_ms="long")])
    with pytest.raises(ResponseError, match=r"GET /x.*answer\.files\[1\]\.duration_ms.*int"):
        of(bad, InferenceJobDetail)
    with pytest.raises(ResponseError, match="answer is list, not dict"):
        of([], Dataset)
    with pytest.raises(ResponseError, match=r"answer\.id"):
        of(dataset(id="job-uuid"), Dataset)


def test_what_fits_is_read_as_it_is():
    assert of(dataset(), Dataset).id == DATASET
    assert isinstance(of(model(), Model).training_job_id, UUID)
