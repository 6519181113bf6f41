"""Rows A1 to A6: audio files uploaded, confirmed, listed, fetched and removed."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import func, select
from steps import API, NOWHERE, all_pages, at_once, invalid, missing, refused

from relaylib.server.database.tables import AudioFileRow, JobRow

BYTES = b"RIFF, or so they say"


@pytest.fixture
def dataset_id(steps):
    return steps.dataset()


@pytest.fixture
def post(anonymous):
    """Give a function that uploads bytes as documented, and returns the status."""

    def upload(target, data=BYTES, filename="another name.bin"):
        return anonymous.post(target["upload_url"], data=target["fields"], files={"file": (filename, data)}).status_code

    return upload


def url(dataset_id, *rest):
    return "/".join([f"{API}/datasets/{dataset_id}/audio", *rest])


def wanted(**change):
    return {"filename": "sample_audio.wav", "content_type": "audio/wav", "file_size": 1048576, **change}


def confirm(client, dataset_id, audio_id):
    return client.post(url(dataset_id, "confirm"), json={"audio_id": audio_id})


@pytest.mark.row("A1")
def test_an_upload_target_has_everything_under_both_names(client, dataset_id):
    answer = client.post(url(dataset_id, "upload-url"), json=wanted())
    assert answer.status_code == 200, answer.text
    target = answer.json()
    assert {"upload_url", "fields", "key", "expires_in", "audio_id"} <= target.keys()
    assert target["fields"] == target["upload_fields"]
    assert target["key"] == target["s3_key"] == target["fields"]["key"]
    assert target["audio_id"] == target["file_id"]
    assert target["expires_in"] == 3600
    assert {"key", "policy", "x-amz-signature"} <= target["fields"].keys()


@pytest.mark.row("A1")
@pytest.mark.row("A4")
def test_a_record_waits_for_its_upload(client, dataset_id, seeds, steps):
    audio_id = client.post(url(dataset_id, "upload-url"), json=wanted()).json()["audio_id"]
    audio = steps.get(f"/datasets/{dataset_id}/audio/{audio_id}")
    created_at, updated_at = audio.pop("created_at"), audio.pop("updated_at")
    assert created_at.endswith("Z")
    assert updated_at.endswith("Z")
    assert audio == {
        "id": audio_id,
        "original_filename": "sample_audio.wav",
        "duration_ms": None,
        "processing_status": "pending",
        "processing_error": None,
        "dataset_id": dataset_id,
        "content_type": "audio/wav",
        "file_size_bytes": 1048576,
        "tenant_id": str(seeds.tenant_id),
    }


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"filename": ""}, ["filename"]),
        ({"filename": "n" * 501}, ["filename"]),
        ({"content_type": "text/plain"}, ["content_type"]),
        ({"file_size": 0}, ["file_size"]),
        ({"file_size": -1}, ["file_size"]),
        ({"file_size": 524_288_001}, ["file_size"]),
        ({"file_size": 1.5}, ["file_size"]),
        ({"file_size": None}, ["file_size"]),
        ({"file_size_bytes": 7}, ["file_size_bytes"]),
        ({"content_type": "audio/midi", "file_size": None}, ["content_type", "file_size"]),
        ({"filename": None, "content_type": None}, ["filename", "content_type"]),
    ],
)
def test_every_wrong_field_is_named_and_no_record_made(client, dataset_id, change, fields):
    assert invalid(client.post(url(dataset_id, "upload-url"), json=wanted(**change))) == [["body", f] for f in fields]
    assert client.get(url(dataset_id)).json()["total"] == 0


@pytest.mark.row("A1")
def test_the_largest_file_and_the_longest_name_are_taken(client, dataset_id):
    body = wanted(filename="ß" * 500, file_size=524_288_000, content_type="audio/x-wav; rate=8000")
    audio_id = client.post(url(dataset_id, "upload-url"), json=body).json()["audio_id"]
    audio = client.get(url(dataset_id, audio_id)).json()
    assert (audio["original_filename"], audio["file_size_bytes"]) == ("ß" * 500, 524_288_000)
    assert audio["content_type"] == "audio/wav"


@pytest.mark.row("A1")
@pytest.mark.parametrize("filename", ["../../etc/passwd", "a/b\\c.wav", 'quo"te.wav', "\r\nX: y", "空.wav", "%2e%2e"])
def test_keys_are_made_by_the_server_whatever_the_file_is_called(client, dataset_id, seeds, filename):
    target = client.post(url(dataset_id, "upload-url"), json=wanted(filename=filename)).json()
    ending = ".wav" if filename.endswith(".wav") else ""
    assert target["key"] == f"audio/{seeds.tenant_id}/{target['audio_id']}{ending}"
    assert client.get(url(dataset_id, target["audio_id"])).json()["original_filename"] == filename


@pytest.mark.row("A2")
@pytest.mark.row("U")
def test_a_confirmed_upload_is_queued_with_its_real_size(client, dataset_id, post, seeds, steps):
    target = steps.upload_target(dataset_id, size_bytes=1048576)
    assert post(target) == 204
    answer = confirm(client, dataset_id, target["audio_id"])
    assert answer.status_code == 200, answer.text
    confirmed = answer.json()
    assert confirmed.pop("message")
    assert confirmed == {
        "audio_id": target["audio_id"],
        "file_id": target["audio_id"],
        "status": "normalizing",
        "processing_status": "normalizing",
    }
    audio = client.get(url(dataset_id, target["audio_id"])).json()
    assert (audio["processing_status"], audio["file_size_bytes"]) == ("normalizing", len(BYTES))
    job = seeds.queued(UUID(target["audio_id"]))
    assert (job.kind, job.state, job.priority, job.tenant_id) == ("prepare_audio", "queued", 1, seeds.tenant_id)


@pytest.mark.row("A2")
def test_an_absent_file_stays_pending_until_it_has_arrived(client, dataset_id, post, seeds, steps):
    target = steps.upload_target(dataset_id)
    assert "not been uploaded" in refused(confirm(client, dataset_id, target["audio_id"]))
    assert client.get(url(dataset_id, target["audio_id"])).json()["processing_status"] == "pending"
    assert seeds.queued(UUID(target["audio_id"])) is None
    post(target)
    assert confirm(client, dataset_id, target["audio_id"]).json()["status"] == "normalizing"


@pytest.mark.row("A2")
def test_a_file_that_arrived_in_time_can_be_confirmed_when_its_url_has_expired(client, dataset_id, post, seeds, steps):
    target = steps.upload_target(dataset_id)
    post(target)
    expired = datetime.now(timezone.utc) - timedelta(minutes=30)
    seeds.change(AudioFileRow, UUID(target["audio_id"]), upload_expires_at=expired)
    assert confirm(client, dataset_id, target["audio_id"]).json()["status"] == "normalizing"


@pytest.mark.row("A2")
@pytest.mark.parametrize("status", ["normalizing", "embedding", "ready", "failed"])
def test_a_second_confirmation_only_tells_how_far_it_is(client, dataset_id, seeds, status):
    """The object is not even looked for: it may be gone."""
    audio_id = str(seeds.audio(UUID(dataset_id), status=status))
    answer = confirm(client, dataset_id, audio_id)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.json()["message"]
    assert seeds.queued(UUID(audio_id)) is None


@pytest.mark.row("A2")
def test_confirmations_at_once_start_one_processing(client, dataset_id, post, seeds, steps):
    target = steps.upload_target(dataset_id)
    post(target)
    answers = at_once(*[lambda: confirm(client, dataset_id, target["audio_id"])] * 10)
    assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "normalizing")] * 10
    assert seeds.write(lambda session: session.scalar(select(func.count()).select_from(JobRow))) == 1


@pytest.mark.row("A2")
def test_a_confirmation_takes_either_name_of_the_id(client, dataset_id, post, steps):
    target = steps.upload_target(dataset_id)
    post(target)
    assert invalid(client.post(url(dataset_id, "confirm"), json={})) == [["body", "audio_id"]]
    both = {"audio_id": target["audio_id"], "file_id": NOWHERE}
    assert invalid(client.post(url(dataset_id, "confirm"), json=both)) == [["body", "file_id"]]
    answer = client.post(url(dataset_id, "confirm"), json={"file_id": target["file_id"]})
    assert (answer.status_code, answer.json()["audio_id"]) == (200, target["audio_id"])


@pytest.mark.row("A3")
def test_files_are_listed_newest_first_and_by_status_under_either_name(client, dataset_id, seeds):
    statuses = ["pending", "ready", "failed", "ready", "embedding", "normalizing"]
    made = [str(seeds.audio(UUID(dataset_id), status=status)) for status in statuses]
    whole = client.get(url(dataset_id)).json()
    assert (whole["total"], whole["page"], whole["page_size"]) == (6, 1, 20)
    assert [item["id"] for item in whole["items"]] == made[::-1]
    for name in ("status", "processing_status"):
        ready = client.get(url(dataset_id), params={name: "ready"}).json()
        assert ([item["id"] for item in ready["items"]], ready["total"]) == ([made[3], made[1]], 2)
        assert invalid(client.get(url(dataset_id), params={name: "done"})) == [["query", name]]
    both = {"status": "ready", "processing_status": "failed"}
    assert client.get(url(dataset_id), params=both).json()["items"] == []
    for page_size in (1, 4, 6, 100):
        assert all_pages(client, url(dataset_id), page_size) == whole["items"]
        assert all_pages(client, url(dataset_id), page_size, status="ready") == ready["items"]


@pytest.mark.row("A5")
def test_a_removed_file_is_gone_with_its_draft_annotations_object_and_work(
    app, call, client, dataset_id, post, seeds, steps
):
    target = steps.upload_target(dataset_id)
    audio_id = target["audio_id"]
    post(target)
    confirm(client, dataset_id, audio_id)
    set_id = steps.annotation_set(dataset_id)
    steps.annotate(dataset_id, set_id, audio_id)
    kept = steps.annotate(dataset_id, set_id, steps.audio(dataset_id))
    answer = client.delete(url(dataset_id, audio_id))
    assert (answer.status_code, answer.content) == (204, b"")
    assert missing(client.get(url(dataset_id, audio_id))) == "Audio file not found"
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["annotations"] == [kept]
    assert call(app.state.context.store.info, target["key"]) is None
    assert seeds.queued(UUID(audio_id)) is None


@pytest.mark.row("A5")
def test_a_file_that_a_published_set_refers_to_stays(client, steps):
    dataset_id, _, audio_id = steps.published()
    assert "v1" in refused(client.delete(url(dataset_id, audio_id)))
    assert client.get(url(dataset_id, audio_id)).status_code == 200
    unrelated = steps.audio(dataset_id)
    assert client.delete(url(dataset_id, unrelated)).status_code == 204


@pytest.mark.row("A5")
def test_a_clean_file_that_a_training_is_to_read_stays(client, seeds):
    """Training reads every ready file of the dataset, annotated or not."""
    dataset_id, set_id, _ = seeds.labelled()
    clean = seeds.audio(dataset_id)
    config = {"artifact_types": ["glitch"]}
    body = {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id), "config": config}
    job_id = client.post(f"{API}/training-jobs", json=body).json()["id"]
    assert job_id in refused(client.delete(url(str(dataset_id), str(clean))))
    unread = seeds.audio(dataset_id, status="failed")
    assert client.delete(url(str(dataset_id), str(unread))).status_code == 204
    assert client.post(f"{API}/training-jobs/{job_id}/cancel").status_code == 200
    assert client.delete(url(str(dataset_id), str(clean))).status_code == 204


@pytest.mark.row("A6")
def test_an_uploaded_file_can_be_fetched_without_a_key(anonymous, client, dataset_id, post, steps):
    target = steps.upload_target(dataset_id, filename="my take.wav")
    assert "not been uploaded" in refused(client.get(url(dataset_id, target["audio_id"], "download-url")))
    post(target)
    confirm(client, dataset_id, target["audio_id"])
    answer = client.get(url(dataset_id, target["audio_id"], "download-url"))
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"download_url", "expires_in"}
    assert answer.json()["expires_in"] == 3600
    fetched = anonymous.get(answer.json()["download_url"])
    assert (fetched.status_code, fetched.content) == (200, BYTES)
    assert fetched.headers["Content-Type"].startswith("audio/wav")


@pytest.mark.row("A6")
def test_a_file_that_the_store_has_lost_is_not_called_one_that_never_came(app, client, dataset_id, post, steps):
    target = steps.upload_target(dataset_id)
    post(target)
    confirm(client, dataset_id, target["audio_id"])
    app.state.context.store.path(target["key"]).unlink()
    assert "no longer stored" in refused(client.get(url(dataset_id, target["audio_id"], "download-url")))


@pytest.mark.row("A6")
def test_a_file_from_before_the_limit_was_lowered_can_be_fetched(app, client, dataset_id, post, steps):
    target = steps.upload_target(dataset_id)
    post(target)
    confirm(client, dataset_id, target["audio_id"])
    context = app.state.context
    app.state.context = replace(context, settings=replace(context.settings, max_upload_bytes=1))
    assert client.get(url(dataset_id, target["audio_id"], "download-url")).status_code == 200


@pytest.mark.row("A1")
@pytest.mark.row("A2")
@pytest.mark.row("A3")
@pytest.mark.row("A4")
@pytest.mark.row("A5")
@pytest.mark.row("A6")
def test_files_are_only_found_in_their_dataset_and_by_their_tenant(client, dataset_id, other, steps):
    audio_id = steps.audio(dataset_id)
    elsewhere = steps.dataset()
    for who, dataset, audio, what in (
        (other, dataset_id, audio_id, "Dataset"),
        (client, NOWHERE, audio_id, "Dataset"),
        (client, elsewhere, audio_id, "Audio file"),
        (client, dataset_id, NOWHERE, "Audio file"),
    ):
        for answer in (
            who.get(url(dataset, audio)),
            who.get(url(dataset, audio, "download-url")),
            who.delete(url(dataset, audio)),
            confirm(who, dataset, audio),
        ):
            assert missing(answer) == f"{what} not found"
    for who, dataset in ((other, dataset_id), (client, NOWHERE)):
        assert missing(who.get(url(dataset))) == "Dataset not found"
        assert missing(who.post(url(dataset, "upload-url"), json=wanted())) == "Dataset not found"
    assert invalid(client.get(url(dataset_id, "a.wav"))) == [["path", "audio_id"]]
    assert client.get(url(dataset_id, audio_id)).status_code == 200


@pytest.mark.row("A1")
def test_the_upload_expires_when_it_says(client, dataset_id, seeds, steps):
    target = steps.upload_target(dataset_id)
    row = seeds.get(AudioFileRow, UUID(target["audio_id"]))
    left_s = (row.upload_expires_at - datetime.now(timezone.utc)).total_seconds()
    assert 3590 < left_s <= 3600


@pytest.mark.row("A2")
def test_what_is_confirmed_is_not_replaced_by_its_form(client, dataset_id, post, steps):
    """Until then the form may be sent again, and after a deletion no more."""
    target = steps.upload_target(dataset_id)
    audio_id = target["audio_id"]
    assert post(target, b"a mistake") == post(target) == 204
    assert confirm(client, dataset_id, audio_id).status_code == 200
    assert post(target, b"something else") == 403
    address = steps.get(f"/datasets/{dataset_id}/audio/{audio_id}/download-url")["download_url"]
    assert client.get(address).content == BYTES
    assert client.delete(url(dataset_id, audio_id)).status_code in (200, 204)
    assert post(target) == 403
