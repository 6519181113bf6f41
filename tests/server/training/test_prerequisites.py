"""What T1 asks of the data, in its order, with the figures that it names."""

import pytest

from relaylib.server.database.tables import AudioFileRow

URL = "/api/v1/training-jobs"


@pytest.fixture
def ask(client):
    """Give a function that asks for a training and returns the status and the detail."""

    def post(dataset_id, set_id, types=("glitch", "long_pause")):
        config = {"artifact_types": list(types)}
        ids = {"dataset_id": str(dataset_id), "annotation_set_id": str(set_id)}
        answer = client.post(URL, json={**ids, "config": config})
        return answer.status_code, answer.json().get("detail")

    return post


@pytest.mark.row("T1")
def test_shortfalls_are_told_one_by_one_in_the_documented_order(ask, seeds):
    """Everything is wrong at first; each step puts right what was told, and the next shortfall shows."""
    dataset_id = seeds.dataset()
    short = seeds.audio(dataset_id, 100_000)
    draft = seeds.annotation_set(dataset_id, [(short, "glitch", 0, 10)], status="draft")
    unready = seeds.audio(dataset_id, status="embedding")
    status, detail = ask(dataset_id, draft)
    assert status == 400
    assert "v1 is a draft" in detail

    published = seeds.annotation_set(dataset_id, [(short, "glitch", 0, 10)], version=2)
    status, detail = ask(dataset_id, published)
    assert status == 400
    assert "1 of 2 audio files are not ready (1 embedding)" in detail

    ready(seeds, unready, 199_999)
    status, detail = ask(dataset_id, published)
    assert status == 400
    assert "299999 ms" in detail
    assert "at least 300000 ms" in detail
    assert "1 ms more" in detail

    ready(seeds, unready, 200_000)
    status, detail = ask(dataset_id, published)
    assert status == 400
    assert "1 of 2 artifact types have no annotation in set v2: long_pause" in detail

    assert ask(dataset_id, published, ["glitch"])[0] == 201
    complete = seeds.annotation_set(dataset_id, [(short, "glitch", 0, 10), (unready, "long_pause", 0, 10)], version=3)
    assert ask(dataset_id, complete)[0] == 201


@pytest.mark.row("T1")
@pytest.mark.parametrize("status", ["pending", "normalizing", "embedding", "failed"])
def test_a_single_file_that_is_not_ready_blocks(ask, seeds, status):
    dataset_id, set_id, _ = seeds.labelled()
    seeds.audio(dataset_id, status=status)
    code, detail = ask(dataset_id, set_id)
    assert code == 400
    assert f"1 of 2 audio files are not ready (1 {status})" in detail


@pytest.mark.row("T1")
def test_a_failed_file_that_nobody_can_delete_does_not_block(ask, client, seeds):
    """A published set refers to it; without one, or with a draft, it is to be deleted."""
    dataset_id, set_id, _ = seeds.labelled()
    failed = seeds.audio(dataset_id, status="failed")
    seeds.annotation_set(dataset_id, [(failed, "glitch", 0, 10)], status="draft", version=2)
    assert "delete those that failed" in ask(dataset_id, set_id)[1]
    seeds.annotation_set(dataset_id, [(failed, "glitch", 0, 10)], version=3)
    assert client.delete(f"/api/v1/datasets/{dataset_id}/audio/{failed}").status_code == 400
    assert ask(dataset_id, set_id)[0] == 201


@pytest.mark.row("T1")
def test_files_that_are_not_ready_are_counted_by_state(ask, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    for status in ("failed", "normalizing", "failed"):
        seeds.audio(dataset_id, status=status)
    assert "3 of 4 audio files are not ready (2 failed, 1 normalizing)" in ask(dataset_id, set_id)[1]


@pytest.mark.row("T1")
def test_an_upload_that_was_never_confirmed_in_time_does_not_block(ask, seeds):
    dataset_id, set_id, _ = seeds.labelled()
    seeds.audio(dataset_id, status="pending", expires_in_s=-1)
    assert ask(dataset_id, set_id)[0] == 201


@pytest.mark.row("T1")
def test_a_dataset_without_audio_has_too_little(ask, seeds):
    dataset_id = seeds.dataset()
    code, detail = ask(dataset_id, seeds.annotation_set(dataset_id))
    assert code == 400
    assert "0 ms of audio" in detail


@pytest.mark.row("T1")
def test_audio_and_annotations_of_others_do_not_count(ask, seeds):
    """Nor does another set of the same dataset."""
    seeds.labelled()
    dataset_id = seeds.dataset()
    audio_id = seeds.audio(dataset_id, 299_999)
    set_id = seeds.annotation_set(dataset_id)
    assert "299999 ms" in ask(dataset_id, set_id)[1]
    seeds.audio(dataset_id, 1)
    seeds.annotation_set(dataset_id, [(audio_id, "glitch", 0, 1)], version=2)
    assert "2 of 2 artifact types have no annotation" in ask(dataset_id, set_id)[1]


def ready(seeds, audio_id, duration_ms):
    seeds.change(AudioFileRow, audio_id, processing_status="ready", duration_ms=duration_ms)
