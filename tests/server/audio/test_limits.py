"""Rows A1, A2 and U of a server that takes small files only."""

import dataclasses

import pytest
from steps import API, invalid, refused

MOST = 1000


@pytest.fixture
def settings(settings):
    return dataclasses.replace(settings, max_upload_bytes=MOST)


@pytest.mark.row("A1")
@pytest.mark.parametrize("name", ["file_size", "file_size_bytes"])
def test_the_declared_size_is_held_against_the_servers_own_limit(client, steps, name):
    url = f"{API}/datasets/{steps.dataset()}/audio/upload-url"
    body = {"filename": "a.wav", "content_type": "audio/wav"}
    assert client.post(url, json={**body, name: MOST}).status_code == 200
    assert invalid(client.post(url, json={**body, name: MOST + 1})) == [["body", name]]


@pytest.mark.row("U")
@pytest.mark.row("A2")
def test_a_file_that_is_larger_than_declared_is_taken_up_to_the_limit(anonymous, client, steps):
    dataset_id = steps.dataset()
    for n_bytes, status, confirmed in ((MOST, 204, 200), (MOST + 1, 400, 400)):
        target = steps.upload_target(dataset_id, size_bytes=1)
        files = {"file": b"r" * n_bytes}
        assert anonymous.post(target["upload_url"], data=target["fields"], files=files).status_code == status
        answer = client.post(f"{API}/datasets/{dataset_id}/audio/confirm", json={"audio_id": target["audio_id"]})
        assert answer.status_code == confirmed
    sizes = [audio["file_size_bytes"] for audio in steps.get(f"/datasets/{dataset_id}/audio")["items"]]
    assert sizes == [1, MOST]


@pytest.mark.row("A2")
def test_an_object_that_is_too_large_is_refused_even_if_the_store_took_it(app, client, steps, tmp_path):
    dataset_id = steps.dataset()
    target = steps.upload_target(dataset_id)
    path = tmp_path / "large"
    path.write_bytes(b"r" * (MOST + 1))
    app.state.context.store.put_file(target["key"], path)
    answer = client.post(f"{API}/datasets/{dataset_id}/audio/confirm", json={"audio_id": target["audio_id"]})
    assert "1001 bytes" in refused(answer)
    assert steps.get(f"/datasets/{dataset_id}/audio/{target['audio_id']}")["processing_status"] == "pending"
