"""Rows F1 to F6: files of inference jobs announced, uploaded, confirmed, read, fetched."""

from uuid import UUID, uuid4

import pytest
from seeding import NOW

from relaylib.server.database.tables import InferenceFileRow, JobRow
from relaylib.server.inference.processing import DetectionWork

URL = "/api/v1/inference-jobs"
WAV = {"filename": "test_audio.wav", "file_size_bytes": 2097152}


@pytest.fixture
def job(client):
    """Give a function that reads a job by the API."""
    return lambda job_id: client.get(f"{URL}/{job_id}").json()


@pytest.fixture
def announce(client):
    """Give a function that announces a file and returns its id."""

    def post(job_id, **body):
        answer = client.post(f"{URL}/{job_id}/files/upload-url", json={**WAV, **body})
        assert answer.status_code == 200, answer.text
        return answer.json()["file_id"]

    return post


@pytest.fixture
def deliver(seeds, app, tmp_path):
    """Give a function that puts bytes where the upload of a file would have put them."""

    def put(file_id, data=b"RIFF and so on"):
        (tmp_path / "upload").write_bytes(data)
        app.state.context.store.put_file(
            seeds.get(InferenceFileRow, UUID(str(file_id))).object_key, tmp_path / "upload"
        )
        return file_id

    return put


@pytest.fixture
def confirm(client):
    """Give a function that confirms a file."""
    return lambda job_id, file_id: client.post(f"{URL}/{job_id}/files/confirm", json={"file_id": str(file_id)})


def problems(answer):
    assert answer.status_code == 422, answer.text
    return [problem["loc"] for problem in answer.json()["detail"]]


@pytest.mark.row("F1")
def test_an_announced_file_is_pending_and_has_all_names_of_both_kinds_of_upload(client, seeds, job):
    job_id = seeds.inference_job()
    answer = client.post(f"{URL}/{job_id}/files/upload-url", json={**WAV, "content_type": "audio/wav"})
    assert answer.status_code == 200
    target = answer.json()
    assert set(target) == {
        *("file_id", "audio_id", "upload_url", "upload_fields", "fields", "key", "s3_key", "expires_in")
    }
    assert target["file_id"] == target["audio_id"]
    assert target["fields"] == target["upload_fields"]
    assert target["key"] == target["s3_key"] == target["fields"]["key"]
    assert target["key"].startswith(f"inference/{seeds.tenant_id}/")
    assert target["expires_in"] == 3600
    (file,) = job(job_id)["files"]
    assert file == {
        "id": target["file_id"],
        "file_id": target["file_id"],
        "inference_job_id": str(job_id),
        "original_filename": "test_audio.wav",
        "s3_key": target["s3_key"],
        "duration_ms": None,
        "status": "pending",
        "error_message": None,
        "detections": [],
        "detection_count": 0,
        "processed_at": None,
    }
    assert job(job_id)["status"] == "pending"
    assert job(job_id)["total_files"] == 0


@pytest.mark.row("F1")
def test_the_key_has_nothing_of_the_file_name_but_a_known_ending(seeds, announce):
    """Whatever the name: it is kept as it is, for people."""
    job_id = seeds.inference_job()
    for name, ending in (("../../etc/passwd", ""), ("a.FLAC", ".flac"), ("x.exe", ""), ('"é\u202e.mp3', ".mp3")):
        file_id = announce(job_id, filename=name)
        row = seeds.get(InferenceFileRow, UUID(file_id))
        assert row.original_filename == name
        assert row.object_key == f"inference/{seeds.tenant_id}/{file_id}{ending}"


@pytest.mark.row("F1")
def test_the_content_type_is_wav_unless_told(seeds, announce):
    job_id = seeds.inference_job()
    assert seeds.get(InferenceFileRow, UUID(announce(job_id))).content_type == "audio/wav"
    told = announce(job_id, content_type="audio/x-flac; rate=1")
    assert seeds.get(InferenceFileRow, UUID(told)).content_type == "audio/flac"


@pytest.mark.row("F1")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"filename": ""}, "filename"),
        ({"filename": "x" * 501}, "filename"),
        ({"file_size_bytes": 0}, "file_size_bytes"),
        ({"file_size_bytes": -1}, "file_size_bytes"),
        ({"file_size_bytes": 524_288_001}, "file_size_bytes"),
        ({"file_size_bytes": None}, "file_size_bytes"),
        ({"file_size": 5}, "file_size_bytes"),
        ({"content_type": "text/plain"}, "content_type"),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_by_field(client, seeds, job, change, field):
    job_id = seeds.inference_job()
    answer = client.post(f"{URL}/{job_id}/files/upload-url", json={**WAV, **change})
    assert problems(answer) == [["body", field]]
    assert job(job_id)["files"] == []


@pytest.mark.row("F1")
def test_the_size_goes_by_either_name_up_to_the_limit(client, seeds):
    job_id = seeds.inference_job()
    for size in ({"file_size": 5}, {"file_size": 5, "file_size_bytes": 5}, {"file_size_bytes": 524_288_000}):
        answer = client.post(f"{URL}/{job_id}/files/upload-url", json={"filename": "a", **size})
        assert answer.status_code == 200, answer.text


@pytest.mark.row("F1")
@pytest.mark.row("F3")
def test_a_cancelled_job_takes_no_files(client, seeds, confirm):
    """Nor does it tell of those that it has, when they are confirmed."""
    job_id = seeds.inference_job(status="cancelled")
    answer = client.post(f"{URL}/{job_id}/files/upload-url", json=WAV)
    assert answer.status_code == 400
    assert "cancelled" in answer.json()["detail"]
    for status in ("pending", "completed"):
        assert confirm(job_id, seeds.file(job_id, status)).status_code == 400


@pytest.mark.row("F1")
@pytest.mark.row("F3")
def test_a_job_whose_model_was_deleted_takes_no_files(client, seeds, announce, deliver, confirm, job):
    model_id = seeds.model()
    job_id = seeds.inference_job(model_id)
    file_id = deliver(announce(job_id))
    assert client.delete(f"/api/v1/models/{model_id}").status_code == 204
    for answer in (client.post(f"{URL}/{job_id}/files/upload-url", json=WAV), confirm(job_id, file_id)):
        assert answer.status_code == 400
        assert "model" in answer.json()["detail"]
    assert job(job_id)["status"] == "pending"


@pytest.mark.row("F3")
def test_the_first_confirmation_queues_the_file_and_starts_the_job(seeds, announce, deliver, confirm, job):
    job_id = seeds.inference_job()
    file_id = deliver(announce(job_id), b"x" * 77)
    answer = confirm(job_id, file_id)
    assert answer.status_code == 200
    assert answer.json() == job(job_id)["files"][0]
    assert answer.json()["status"] == "queued"
    assert (job(job_id)["status"], job(job_id)["total_files"]) == ("processing", 1)
    assert job(job_id)["started_at"].endswith("Z")
    assert seeds.get(InferenceFileRow, UUID(file_id)).file_size_bytes == 77
    queued = seeds.queued(UUID(file_id))
    assert (queued.kind, queued.state, queued.priority, queued.tenant_id) == (
        "detect_artifacts",
        "queued",
        0,
        seeds.tenant_id,
    )


@pytest.mark.row("F3")
def test_a_file_that_was_not_uploaded_stays_pending_and_can_be_confirmed_later(seeds, announce, deliver, confirm, job):
    job_id = seeds.inference_job()
    file_id = announce(job_id)
    answer = confirm(job_id, file_id)
    assert answer.status_code == 400
    assert "not been uploaded" in answer.json()["detail"]
    assert (job(job_id)["status"], job(job_id)["files"][0]["status"]) == ("pending", "pending")
    assert seeds.queued(UUID(file_id)) is None
    assert confirm(job_id, deliver(file_id)).status_code == 200


@pytest.mark.row("F3")
def test_a_second_confirmation_tells_the_present_state_and_does_nothing(
    seeds, app, call, announce, deliver, confirm, job
):
    """Not even a look whether the object is still there."""
    job_id = seeds.inference_job()
    file_id = deliver(announce(job_id))
    confirm(job_id, file_id)
    seeds.detect(UUID(file_id), n_detections=2)
    seeds.change(JobRow, seeds.queued(UUID(file_id)).id, state="done")
    before = job(job_id)
    call(app.state.context.store.delete, before["files"][0]["s3_key"])
    answer = confirm(job_id, file_id)
    assert (answer.status_code, answer.json()) == (200, before["files"][0])
    assert answer.json()["status"] == "completed"
    assert job(job_id) == before
    assert seeds.queued(UUID(file_id)).state == "done"


@pytest.mark.row("F3")
def test_confirming_after_the_upload_expired_works_if_the_file_is_there(seeds, deliver, confirm):
    job_id = seeds.inference_job()
    file_id = deliver(seeds.file(job_id, "pending", upload_expires_at=NOW))
    assert confirm(job_id, file_id).json()["status"] == "queued"


@pytest.mark.row("F3")
@pytest.mark.parametrize(("n_found", "status"), [(1, "completed"), (None, "failed")])
def test_another_file_puts_a_job_that_was_over_back_to_work(seeds, announce, deliver, confirm, job, n_found, status):
    job_id = seeds.inference_job()
    first, second = (deliver(announce(job_id)) for _ in range(2))
    confirm(job_id, first)
    if n_found is None:
        seeds.fail(DetectionWork(), UUID(first), "no")
    else:
        seeds.detect(UUID(first), n_found)
    over = job(job_id)
    assert over["status"] == status
    confirm(job_id, second)
    again = job(job_id)
    assert (again["status"], again["completed_at"], again["error_message"]) == ("processing", None, None)
    assert again["started_at"] == over["started_at"]
    seeds.detect(UUID(second), 1)
    assert (job(job_id)["status"], job(job_id)["total_files"]) == ("completed", 2)


@pytest.mark.row("F3")
def test_a_file_goes_by_either_name_of_its_id(client, seeds, announce, deliver):
    job_id = seeds.inference_job()
    url = f"{URL}/{job_id}/files/confirm"
    file_id = deliver(announce(job_id))
    assert problems(client.post(url, json={})) == [["body", "file_id"]]
    assert problems(client.post(url, json={"file_id": file_id, "audio_id": str(uuid4())})) == [["body", "file_id"]]
    assert problems(client.post(url, json={"file_id": "7"})) == [["body", "file_id"]]
    assert client.post(url, json={"audio_id": file_id}).json()["id"] == file_id


@pytest.mark.row("F1")
@pytest.mark.row("F3")
@pytest.mark.row("F4")
@pytest.mark.row("F5")
@pytest.mark.row("F6")
def test_files_of_other_tenants_and_other_jobs_are_not_found(client, other, seeds, confirm):
    job_id, second_job = seeds.inference_job(), seeds.inference_job()
    file_id = seeds.file(job_id, "completed")
    for who, which, what in (
        (other, f"{job_id}/files/{file_id}", "Inference job"),
        (client, f"{second_job}/files/{file_id}", "Inference file"),
        (client, f"{job_id}/files/{uuid4()}", "Inference file"),
        (client, f"{uuid4()}/files/{file_id}", "Inference job"),
    ):
        for answer in (who.get(f"{URL}/{which}"), who.get(f"{URL}/{which}/download-url")):
            assert (answer.status_code, answer.json()) == (404, {"detail": f"{what} not found"})
    assert confirm(second_job, file_id).status_code == 404
    for answer in (
        other.get(f"{URL}/{job_id}/files"),
        other.post(f"{URL}/{job_id}/files/upload-url", json=WAV),
        other.post(f"{URL}/{job_id}/files/confirm", json={"file_id": str(file_id)}),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Inference job not found"})


@pytest.mark.row("F4")
def test_a_finished_file_has_its_detections(client, seeds):
    job_id = seeds.inference_job(status="processing")
    file_id = seeds.file(job_id)
    seeds.detect(file_id, n_detections=2, duration_ms=1234)
    file = client.get(f"{URL}/{job_id}/files/{file_id}").json()
    assert (file["status"], file["duration_ms"], file["detection_count"]) == ("completed", 1234, 2)
    assert file["detections"] == [
        {"artifact_type": "glitch", "start_ms": 0, "end_ms": 60, "confidence": 0.9},
        {"artifact_type": "glitch", "start_ms": 100, "end_ms": 160, "confidence": 0.9},
    ]
    assert file["processed_at"].endswith("Z")
    assert file["error_message"] is None


@pytest.mark.row("F5")
def test_the_original_audio_is_fetched_without_a_key(client, anonymous, seeds, announce, deliver, confirm):
    job_id = seeds.inference_job()
    file_id = announce(job_id)
    url = f"{URL}/{job_id}/files/{file_id}/download-url"
    answer = client.get(url)
    assert answer.status_code == 400
    assert "not been uploaded" in answer.json()["detail"]
    confirm(job_id, deliver(file_id, b"the very bytes"))
    answer = client.get(url)
    assert answer.status_code == 200
    assert set(answer.json()) == {"download_url", "expires_in"}
    assert answer.json()["expires_in"] == 3600
    fetched = anonymous.get(answer.json()["download_url"])
    assert (fetched.status_code, fetched.content) == (200, b"the very bytes")


@pytest.mark.row("F2")
def test_a_file_is_uploaded_by_its_form_without_a_key(client, anonymous, seeds, confirm):
    """Only the three fields that the shortest documented client sends come back."""
    job_id = seeds.inference_job()
    target = client.post(f"{URL}/{job_id}/files/upload-url", json=WAV).json()
    fields = {name: target["upload_fields"][name] for name in ("key", "policy", "x-amz-signature")}
    sent = anonymous.post(target["upload_url"], data=fields, files={"file": ("other.wav", b"RIFF")})
    assert (sent.status_code, sent.content) == (204, b"")
    assert confirm(job_id, target["file_id"]).json()["status"] == "queued"


@pytest.mark.row("F6")
def test_files_are_listed_newest_first_a_page_at_a_time(client, seeds):
    job_id = seeds.inference_job()
    ids = [str(seeds.file(job_id, "pending")) for _ in range(3)]
    first = client.get(f"{URL}/{job_id}/files", params={"page_size": 2}).json()
    assert [file["id"] for file in first["items"]] == [ids[2], ids[1]]
    assert (first["total"], first["page"], first["page_size"]) == (3, 1, 2)
    (last,) = client.get(f"{URL}/{job_id}/files", params={"page_size": 2, "page": 2}).json()["items"]
    assert last == client.get(f"{URL}/{job_id}/files/{ids[0]}").json()
    assert client.get(f"{URL}/{job_id}/files", params={"page": 9}).json()["items"] == []


@pytest.mark.row("F3")
def test_a_file_is_taken_until_it_is_confirmed(client, anonymous, confirm, seeds):
    job_id = seeds.inference_job()
    target = client.post(f"{URL}/{job_id}/files/upload-url", json=WAV).json()

    def send(data):
        return anonymous.post(target["upload_url"], data=target["fields"], files={"file": data}).status_code

    assert send(b"RIFF") == send(b"RIFF again") == 204
    assert confirm(job_id, target["file_id"]).status_code == 200
    assert send(b"something else") == 403
