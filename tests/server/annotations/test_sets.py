"""Rows S1 to S5: annotation sets made, listed, read, published and removed."""

from datetime import datetime

import pytest
from sqlalchemy import func, select
from steps import API, NOWHERE, at_once, counted_statements, invalid, missing, refused, span

from relaylib.server.database.tables import AnnotationRow


def sets_url(dataset_id, *rest):
    return "/".join([f"{API}/datasets/{dataset_id}/annotation-sets", *rest])


@pytest.fixture
def dataset_id(steps):
    return steps.dataset()


@pytest.mark.row("S1")
def test_a_set_is_an_empty_draft_with_all_nine_fields(client, dataset_id):
    answer = client.post(sets_url(dataset_id))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert datetime.fromisoformat(made["created_at"].replace("Z", "+00:00")).utcoffset().total_seconds() == 0
    assert made == {
        "id": made["id"],
        "dataset_id": dataset_id,
        "version": 1,
        "status": "draft",
        "total_annotations": 0,
        "total_positive_duration_ms": 0,
        "annotations_by_type": {},
        "created_at": made["created_at"],
        "published_at": None,
    }


@pytest.mark.row("S1")
@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"headers": {"Content-Type": "application/json"}},
        {"json": {}},
        {"content": b"not json", "headers": {"Content-Type": "text/plain"}},
    ],
)
def test_a_set_is_made_whatever_the_body(client, dataset_id, request_):
    assert client.post(sets_url(dataset_id), **request_).status_code == 201


@pytest.mark.row("S1")
@pytest.mark.row("S5")
def test_version_numbers_are_never_used_again(client, dataset_id, steps):
    for version in (1, 2):
        assert client.post(sets_url(dataset_id)).json()["version"] == version
    last = client.post(sets_url(dataset_id)).json()
    assert last["version"] == 3
    assert client.delete(sets_url(dataset_id, last["id"])).status_code == 204
    assert client.post(sets_url(dataset_id)).json()["version"] == 4
    assert client.post(sets_url(steps.dataset())).json()["version"] == 1


@pytest.mark.row("S1")
def test_sets_made_at_once_have_versions_of_their_own(client, dataset_id):
    answers = at_once(*[lambda: client.post(sets_url(dataset_id))] * 12)
    versions = [answer.json()["version"] for answer in answers]
    assert sorted(versions) == list(range(1, 13))


@pytest.mark.row("S1")
def test_a_new_set_does_not_change_its_dataset(client, dataset_id, steps):
    before = steps.get(f"/datasets/{dataset_id}")
    steps.annotation_set(dataset_id)
    assert steps.get(f"/datasets/{dataset_id}") == before


@pytest.mark.row("S2")
def test_without_a_page_the_list_is_complete_and_has_nothing_but_items_and_total(client, dataset_id):
    made = [client.post(sets_url(dataset_id)).json() for _ in range(25)]
    assert client.get(sets_url(dataset_id)).json() == {"items": made[::-1], "total": 25}


@pytest.mark.row("S2")
def test_pages_of_any_size_put_together_are_the_whole_list(client, dataset_id, steps):
    made = [steps.annotation_set(dataset_id) for _ in range(5)]
    for page_size in (1, 2, 5, 100):
        pages = [
            client.get(sets_url(dataset_id), params={"page": n, "page_size": page_size}).json() for n in range(1, 7)
        ]
        assert [item["id"] for page in pages for item in page["items"]] == made[::-1]
        assert {page["total"] for page in pages} == {5}


@pytest.mark.row("S2")
def test_either_half_of_a_page_will_do(client, dataset_id, steps):
    made = [steps.annotation_set(dataset_id) for _ in range(22)]
    first = client.get(sets_url(dataset_id), params={"page": 1}).json()["items"]
    assert [item["id"] for item in first] == made[:1:-1]  # 20 of 22: all but the two oldest
    small = client.get(sets_url(dataset_id), params={"page_size": 3}).json()["items"]
    assert [item["id"] for item in small] == made[:-4:-1]
    assert invalid(client.get(sets_url(dataset_id), params={"page": 0, "page_size": 101})) == [
        ["query", "page"],
        ["query", "page_size"],
    ]


@pytest.mark.row("S2")
def test_a_long_list_takes_no_more_statements_than_a_short_one(client, steps):
    dataset_id, _, audio_id = steps.draft()
    used = []
    for _ in range(2):
        with counted_statements() as statements:
            client.get(sets_url(dataset_id))
        used.append(len(statements))
        for _ in range(8):
            steps.annotate(dataset_id, steps.annotation_set(dataset_id), audio_id)
    assert used[0] == used[1] > 1


@pytest.mark.row("S2")
@pytest.mark.row("S3")
def test_statistics_are_kept_current_for_drafts(client, steps):
    """Spans of 500, 250 and 500 ms; two that overlap count in full."""
    dataset_id, set_id, audio_id = steps.draft("long_pause", "glitch", "echo")
    steps.annotate(dataset_id, set_id, audio_id, "long_pause", 0, 500)
    steps.annotate(dataset_id, set_id, audio_id, "glitch", 250, 500)
    steps.annotate(dataset_id, set_id, audio_id, "long_pause", 0, 500)
    empty = steps.annotation_set(dataset_id)
    numbers = [
        [item["id"], item["total_annotations"], item["total_positive_duration_ms"], item["annotations_by_type"]]
        for item in steps.get(f"/datasets/{dataset_id}/annotation-sets")["items"]
    ]
    assert numbers == [[empty, 0, 0, {}], [set_id, 3, 1250, {"glitch": 1, "long_pause": 2}]]
    detail = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")
    assert (detail["total_annotations"], detail["total_positive_duration_ms"]) == (3, 1250)
    assert detail["annotations_by_type"] == {"glitch": 1, "long_pause": 2}


@pytest.mark.row("S3")
def test_a_set_comes_with_all_its_annotations_by_file_and_time(client, steps):
    dataset_id, set_id, first = steps.draft()
    second = steps.audio(dataset_id)
    made = [
        steps.annotate(dataset_id, set_id, audio_id, "glitch", start_ms, start_ms + 10)
        for start_ms in (300, 100, 200)
        for audio_id in (second, first)
    ]
    detail = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")
    assert detail["annotations"] == sorted(made, key=lambda each: (each["audio_file_id"], each["start_ms"]))
    assert len(detail) == 10
    empty = steps.annotation_set(dataset_id)
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{empty}")["annotations"] == []


@pytest.mark.row("S4")
def test_a_published_set_keeps_its_numbers_and_says_when(client, steps):
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id, "glitch", 1200, 1450)
    before = steps.get(f"/datasets/{dataset_id}/annotation-sets")["items"][0]
    answer = client.post(sets_url(dataset_id, set_id, "publish"), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    made, published = (
        datetime.fromisoformat(after[key].replace("Z", "+00:00")) for key in ("created_at", "published_at")
    )
    assert published > made
    assert after == {**before, "status": "published", "published_at": after["published_at"]}
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets")["items"] == [after]


@pytest.mark.row("S4")
def test_an_empty_set_cannot_be_published(client, steps):
    dataset_id, set_id, _ = steps.draft()
    assert "no annotations" in refused(client.post(sets_url(dataset_id, set_id, "publish")))
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["status"] == "draft"


@pytest.mark.row("S4")
@pytest.mark.row("S5")
@pytest.mark.row("N1")
@pytest.mark.row("N2")
@pytest.mark.row("N4")
@pytest.mark.row("N5")
def test_nothing_in_a_published_set_changes(client, steps):
    dataset_id, set_id, audio_id = steps.published()
    before = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")
    annotations = sets_url(dataset_id, set_id, "annotations")
    annotation = f"{annotations}/{before['annotations'][0]['id']}"
    for answer in (
        client.post(sets_url(dataset_id, set_id, "publish")),
        client.delete(sets_url(dataset_id, set_id)),
        client.post(annotations, json=span(audio_id)),
        client.post(f"{annotations}/bulk", json={"annotations": [span(audio_id)]}),
        client.patch(annotation, json={"confidence": 0.5}),
        client.delete(annotation),
    ):
        assert "v1 is published" in refused(answer)
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}") == before


@pytest.mark.row("S4")
@pytest.mark.row("N1")
def test_publishing_and_adding_at_once_leaves_no_late_annotation(client, steps):
    """What was answered with 201 was in time: the set has it, and no other."""
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id)
    add = [lambda: client.post(sets_url(dataset_id, set_id, "annotations"), json=span(audio_id))] * 10
    *answers, published = at_once(*add, lambda: client.post(sets_url(dataset_id, set_id, "publish")))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {201, 400}
    total = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["total_annotations"]
    assert total == 1 + statuses.count(201) == published.json()["total_annotations"]


@pytest.mark.row("S5")
def test_a_draft_goes_with_its_annotations(client, seeds, steps):
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id)
    answer = client.delete(sets_url(dataset_id, set_id), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets") == {"items": [], "total": 0}
    assert seeds.write(lambda session: session.scalar(select(func.count()).select_from(AnnotationRow))) == 0
    assert steps.get(f"/datasets/{dataset_id}/audio/{audio_id}")["id"] == audio_id


@pytest.mark.row("S1")
@pytest.mark.row("S2")
@pytest.mark.row("S3")
@pytest.mark.row("S4")
@pytest.mark.row("S5")
def test_sets_are_only_found_in_their_dataset_and_by_their_tenant(client, other, steps):
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id)
    elsewhere = steps.dataset()
    for who, dataset, of_set, what in (
        (other, dataset_id, set_id, "Dataset"),
        (client, NOWHERE, set_id, "Dataset"),
        (client, elsewhere, set_id, "Annotation set"),
        (client, dataset_id, NOWHERE, "Annotation set"),
    ):
        url = sets_url(dataset, of_set)
        for answer in (who.get(url), who.post(f"{url}/publish"), who.delete(url)):
            assert missing(answer) == f"{what} not found"
    for who, dataset in ((other, dataset_id), (client, NOWHERE)):
        assert missing(who.get(sets_url(dataset))) == "Dataset not found"
        assert missing(who.post(sets_url(dataset))) == "Dataset not found"
    assert invalid(client.get(sets_url(dataset_id, "v1"))) == [["path", "annotation_set_id"]]
    assert steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["status"] == "draft"
