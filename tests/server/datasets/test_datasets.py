"""Rows D1 to D4: datasets made, listed, read and changed."""

from datetime import datetime
from uuid import UUID

import pytest
from steps import NOWHERE, all_pages, counted_statements, invalid, missing, refused

URL = "/api/v1/datasets"
QUICKSTART = {
    "name": "TTS Glitch Detection",
    "description": "Detect glitches and pauses in TTS output",
    "artifact_types": [
        {"name": "glitch", "description": "Audio pop or click", "color": "#FF4444"},
        {"name": "long_pause", "description": "Unnatural pause > 500ms", "color": "#4444FF"},
    ],
}


@pytest.mark.row("D1")
def test_the_dataset_of_the_quickstart_is_answered_as_documented(client, seeds):
    answer = client.post(URL, json=QUICKSTART)
    assert answer.status_code == 201, answer.text
    dataset = answer.json()
    assert UUID(dataset.pop("id"))
    created_at, updated_at = dataset.pop("created_at"), dataset.pop("updated_at")
    assert created_at == updated_at
    assert created_at.endswith("Z")
    assert dataset.pop("tenant_id") == str(seeds.tenant_id)
    assert dataset == QUICKSTART


@pytest.mark.row("D1")
def test_what_is_left_out_is_null_or_the_documented_default(client):
    dataset = client.post(URL, json={"name": "d", "artifact_types": [{"name": "glitch"}]}).json()
    assert dataset["description"] is None
    assert dataset["artifact_types"] == [{"name": "glitch", "description": None, "color": "#FF0000"}]
    assert client.post(URL, json={"name": "d"}).json()["artifact_types"] == []


@pytest.mark.row("D1")
@pytest.mark.parametrize(
    ("body", "locs"),
    [
        ({}, [["body", "name"]]),
        ({"name": ""}, [["body", "name"]]),
        ({"name": "n" * 256}, [["body", "name"]]),
        ({"name": "d", "artifact_types": [{}]}, [["body", "artifact_types", 0, "name"]]),
        ({"name": "d", "artifact_types": [{"name": "n" * 101}]}, [["body", "artifact_types", 0, "name"]]),
        (
            {"name": 1, "artifact_types": [{"name": "a"}, {"name": "b", "color": "red"}]},
            [["body", "name"], ["body", "artifact_types", 1, "color"]],
        ),
        (
            {"name": "d", "artifact_types": [{"name": t} for t in ("a", "b", "a", "c", "b")]},
            [["body", "artifact_types", 2, "name"], ["body", "artifact_types", 4, "name"]],
        ),
    ],
)
def test_every_wrong_field_is_named(client, body, locs):
    assert invalid(client.post(URL, json=body)) == locs
    assert client.get(URL).json()["total"] == 0


@pytest.mark.row("D1")
@pytest.mark.row("D3")
def test_names_at_their_longest_are_kept_to_the_letter(client):
    """255 and 100 characters, not bytes."""
    body = {"name": "ü" * 255, "description": "'; --\n\u2028", "artifact_types": [{"name": "空" * 100}]}
    made = client.post(URL, json=body).json()
    read = client.get(f"{URL}/{made['id']}").json()
    assert read == made
    assert (read["name"], read["description"]) == (body["name"], body["description"])
    assert read["artifact_types"][0]["name"] == "空" * 100


@pytest.mark.row("D2")
def test_a_list_counts_what_each_dataset_holds(client, steps):
    empty, full = steps.dataset(name="empty"), steps.dataset(name="full")
    for _ in range(3):
        steps.audio(full)
    for _ in range(2):
        steps.annotation_set(full)
    answer = client.get(URL).json()
    assert (answer["total"], answer["page"], answer["page_size"]) == (2, 1, 20)
    counts = [(item["id"], item["audio_count"], item["annotation_set_count"]) for item in answer["items"]]
    assert counts == [(full, 3, 2), (empty, 0, 0)]
    assert {"name", "description", "artifact_types", "created_at", "updated_at"} <= answer["items"][0].keys()


@pytest.mark.row("D2")
def test_a_long_list_takes_no_more_statements_than_a_short_one(client, steps):
    used = []
    for n_more in (1, 9):
        for _ in range(n_more):
            steps.audio(steps.dataset())
        with counted_statements() as statements:
            assert client.get(URL).json()["total"] in (1, 10)
        used.append(len(statements))
    assert used[0] == used[1] > 1


@pytest.mark.row("D2")
def test_pages_of_any_size_put_together_are_the_whole_list(client, steps):
    made = [steps.dataset(name=f"d{n}") for n in range(7)]
    for page_size in (1, 2, 3, 7, 100):
        assert [item["id"] for item in all_pages(client, URL, page_size)] == made[::-1]


@pytest.mark.row("D2")
def test_a_page_past_the_end_is_empty_and_knows_the_total(client, steps):
    steps.dataset()
    answer = client.get(URL, params={"page": 2**31 - 1, "page_size": 100}).json()
    assert answer == {"items": [], "total": 1, "page": 2**31 - 1, "page_size": 100}


@pytest.mark.row("D2")
@pytest.mark.parametrize("query", [{"page": 0}, {"page": -1}, {"page": "x"}, {"page_size": 0}, {"page_size": 101}])
def test_a_page_out_of_range_is_invalid(client, query):
    assert invalid(client.get(URL, params=query)) == [["query", *query]]


@pytest.mark.row("D2")
@pytest.mark.row("D3")
@pytest.mark.row("D4")
@pytest.mark.row("D5")
def test_datasets_of_another_tenant_are_not_there(client, other, steps):
    dataset_id = steps.dataset()
    assert other.get(URL).json() == {"items": [], "total": 0, "page": 1, "page_size": 20}
    assert missing(other.get(f"{URL}/{dataset_id}")) == "Dataset not found"
    assert missing(other.patch(f"{URL}/{dataset_id}", json={"name": "mine"})) == "Dataset not found"
    assert missing(other.delete(f"{URL}/{dataset_id}")) == "Dataset not found"
    assert client.get(f"{URL}/{dataset_id}").json()["name"] == "speech"


@pytest.mark.row("D3")
def test_an_unknown_dataset_is_missing_and_a_malformed_id_invalid(client):
    assert missing(client.get(f"{URL}/{NOWHERE}")) == "Dataset not found"
    assert invalid(client.get(f"{URL}/17")) == [["path", "dataset_id"]]


@pytest.mark.row("D4")
def test_a_change_of_the_name_leaves_the_rest_and_moves_updated_at(client):
    before = client.post(URL, json=QUICKSTART).json()
    answer = client.patch(f"{URL}/{before['id']}", json={"name": "new"})
    assert answer.status_code == 200, answer.text
    after = answer.json()
    first, last = (datetime.fromisoformat(dataset["updated_at"].replace("Z", "+00:00")) for dataset in (before, after))
    assert last > first
    assert after == {**before, "name": "new", "updated_at": after["updated_at"]}
    assert client.get(f"{URL}/{before['id']}").json() == after


@pytest.mark.row("D4")
def test_a_description_can_be_taken_back_and_a_name_cannot(client):
    dataset_id = client.post(URL, json=QUICKSTART).json()["id"]
    assert client.patch(f"{URL}/{dataset_id}", json={"description": None}).json()["description"] is None
    assert invalid(client.patch(f"{URL}/{dataset_id}", json={"name": None})) == [["body", "name"]]


@pytest.mark.row("D4")
def test_artifact_types_are_replaced_as_a_whole(client):
    dataset_id = client.post(URL, json=QUICKSTART).json()["id"]
    types = [{"name": "echo", "color": "#00ff00"}, {"name": "glitch"}]
    changed = client.patch(f"{URL}/{dataset_id}", json={"artifact_types": types}).json()
    assert changed["artifact_types"] == [
        {"name": "echo", "description": None, "color": "#00ff00"},
        {"name": "glitch", "description": None, "color": "#FF0000"},
    ]
    twice = {"artifact_types": [{"name": "a"}, {"name": "a"}]}
    assert invalid(client.patch(f"{URL}/{dataset_id}", json=twice)) == [["body", "artifact_types", 1, "name"]]
    assert client.get(f"{URL}/{dataset_id}").json() == changed


@pytest.mark.row("D4")
def test_a_type_that_annotations_use_cannot_be_dropped(client, steps):
    """Neither can the name be changed with it: nothing of a refused request is kept."""
    dataset_id, set_id, audio_id = steps.draft("glitch", "long_pause", "echo")
    used = [steps.annotate(dataset_id, set_id, audio_id, name)["id"] for name in ("glitch", "long_pause", "glitch")]
    drop_all = {"name": "new", "artifact_types": [{"name": "echo"}]}
    assert "glitch, long_pause" in refused(client.patch(f"{URL}/{dataset_id}", json=drop_all))
    assert steps.get(f"/datasets/{dataset_id}")["name"] == "speech"
    keep_used = {"artifact_types": [{"name": "long_pause", "color": "#123456"}, {"name": "glitch"}]}
    assert client.patch(f"{URL}/{dataset_id}", json=keep_used).status_code == 200
    client.delete(f"{URL}/{dataset_id}/annotation-sets/{set_id}/annotations/{used[1]}")
    assert client.patch(f"{URL}/{dataset_id}", json={"artifact_types": [{"name": "glitch"}]}).status_code == 200


@pytest.mark.row("D4")
def test_a_type_in_use_elsewhere_can_be_dropped(client, steps):
    dataset_id, set_id, audio_id = steps.draft()
    steps.annotate(dataset_id, set_id, audio_id)
    unused = steps.dataset()
    assert client.patch(f"{URL}/{unused}", json={"artifact_types": []}).json()["artifact_types"] == []
