"""Requests that get in each other's way, at the same moment: each is answered as if it were first or last."""

import pytest
from steps import API, at_once, span


def annotating(client, dataset_id, set_id, body):
    return lambda: client.post(f"{API}/datasets/{dataset_id}/annotation-sets/{set_id}/annotations", json=body)


@pytest.mark.row("N1")
@pytest.mark.row("D4")
@pytest.mark.parametrize("_", range(5))
def test_a_type_is_not_dropped_while_it_comes_into_use(client, steps, _):
    dataset_id, set_id, audio_id = steps.draft("glitch")
    added, dropped = at_once(
        annotating(client, dataset_id, set_id, span(audio_id)),
        lambda: client.patch(f"{API}/datasets/{dataset_id}", json={"artifact_types": []}),
    )
    assert (added.status_code, dropped.status_code) in {(201, 400), (422, 200)}


@pytest.mark.row("N1")
@pytest.mark.row("A5")
@pytest.mark.parametrize("_", range(5))
def test_a_file_is_not_annotated_while_it_goes(client, steps, _):
    dataset_id, set_id, audio_id = steps.draft()
    added, removed, added_too = at_once(
        annotating(client, dataset_id, set_id, span(audio_id)),
        lambda: client.delete(f"{API}/datasets/{dataset_id}/audio/{audio_id}"),
        annotating(client, dataset_id, set_id, span(audio_id)),
    )
    assert removed.status_code == 204
    assert {added.status_code, added_too.status_code} <= {201, 422}
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["annotations"] == []


@pytest.mark.row("S4")
@pytest.mark.row("A5")
@pytest.mark.parametrize("_", range(5))
def test_a_file_does_not_go_while_a_set_with_it_is_published(client, steps, _):
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id)
    published, removed = at_once(
        lambda: client.post(f"{API}/datasets/{dataset_id}/annotation-sets/{set_id}/publish"),
        lambda: client.delete(f"{API}/datasets/{dataset_id}/audio/{audio_id}"),
    )
    assert (published.status_code, removed.status_code) in {(200, 400), (400, 204)}
    n_left = len(steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["annotations"])
    assert n_left == (1 if published.status_code == 200 else 0)


@pytest.mark.row("D5")
@pytest.mark.parametrize("_", range(5))
def test_nothing_comes_into_a_dataset_that_goes(client, steps, _):
    dataset_id, set_id, audio_id = steps.draft()
    upload = {"filename": "a.wav", "content_type": "audio/wav", "file_size": 1}
    deleted, *answers = at_once(
        lambda: client.delete(f"{API}/datasets/{dataset_id}"),
        annotating(client, dataset_id, set_id, span(audio_id)),
        lambda: client.post(f"{API}/datasets/{dataset_id}/audio/upload-url", json=upload),
        lambda: client.post(f"{API}/datasets/{dataset_id}/annotation-sets"),
        lambda: client.patch(f"{API}/datasets/{dataset_id}", json={"name": "n"}),
        lambda: client.delete(f"{API}/datasets/{dataset_id}/annotation-sets/{set_id}"),
        lambda: client.delete(f"{API}/datasets/{dataset_id}/audio/{audio_id}"),
    )
    assert deleted.status_code == 204
    for answer in answers:
        assert answer.status_code in {200, 201, 204, 404, 422}, answer.text
    assert steps.get("/datasets")["total"] == 0
