"""Rows N1 to N5: annotations made one by one and in bulk, listed, changed and removed."""

import json
import time
from itertools import count
from uuid import UUID

import pytest
from steps import API, NOWHERE, all_pages, at_once, invalid, missing, span

from relaylib.server.audio.processing import AudioPreparation
from relaylib.server.database.tables import AudioFileRow
from relaylib.server.jobs.tasks import Prepared


@pytest.fixture
def draft(steps):
    return steps.draft()


def url(draft, *rest):
    dataset_id, set_id, _ = draft
    return "/".join([f"{API}/datasets/{dataset_id}/annotation-sets/{set_id}/annotations", *rest])


def prepare(seeds, audio_id, duration_ms):
    """Do to a file what a worker would: its duration is known from now on."""
    seeds.change(AudioFileRow, UUID(audio_id), processing_status="normalizing")
    kind = AudioPreparation()
    seeds.write(lambda session: kind.finished(session, UUID(audio_id), None, Prepared(duration_ms)))


def total(client, draft):
    return client.get(url(draft)).json()["total"]


@pytest.mark.row("N1")
def test_an_annotation_is_answered_as_documented(client, draft):
    _, set_id, audio_id = draft
    body = span(audio_id, "glitch", 1200, 1450, confidence=0.9, extra_data={"note": "pop", "deep": [{"n": 1.5}, None]})
    answer = client.post(url(draft), json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert UUID(made["id"])
    assert made["created_at"].endswith("Z")
    assert made == {**body, "id": made["id"], "annotation_set_id": set_id, "created_at": made["created_at"]}


@pytest.mark.row("N1")
def test_confidence_is_one_and_extra_data_null_when_left_out(client, draft):
    made = client.post(url(draft), json=span(draft[2])).json()
    assert (made["confidence"], made["extra_data"]) == (1.0, None)


@pytest.mark.row("N1")
@pytest.mark.parametrize(
    "extra_data",
    [
        {},
        {"": {"": []}},
        {"z": 1, "a": [True, None, -0.5, "\U0001f600", "\u2028", "\\u0000"]},
        {"large": 2**63 - 1, "small": -(2**63), "tiny": 5e-324, "huge": 1.7976931348623157e308},
        {"deep": [[[[[[[[[[{"er": {}}]]]]]]]]]]},
    ],
)
def test_extra_data_is_any_object_and_comes_back_as_it_was(client, draft, extra_data):
    made = client.post(url(draft), json=span(draft[2], extra_data=extra_data)).json()
    assert made["extra_data"] == extra_data
    read = client.get(url(draft)).json()["items"][0]["extra_data"]
    assert (read, list(read)) == (extra_data, list(extra_data))


@pytest.mark.row("N1")
@pytest.mark.parametrize("text", ['{"a": "\\u0000"}', '{"a": 1e400}', '{"a": 9223372036854775808}', '{"a": "\\ud800"}'])
def test_extra_data_that_cannot_be_stored_is_invalid(client, draft, text):
    body = json.dumps(span(draft[2], extra_data="HERE")).replace('"HERE"', text)
    assert invalid(client.post(url(draft), content=body))
    assert total(client, draft) == 0


@pytest.mark.row("N1")
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"end_ms": 1000}, ["end_ms"]),
        ({"end_ms": 999}, ["end_ms"]),
        ({"start_ms": -1}, ["start_ms"]),
        ({"start_ms": 0.5, "end_ms": "x"}, ["start_ms", "end_ms"]),
        ({"artifact_type": "Glitch"}, ["artifact_type"]),
        ({"artifact_type": ""}, ["artifact_type"]),
        ({"artifact_type": "n" * 101}, ["artifact_type"]),
        ({"audio_file_id": NOWHERE}, ["audio_file_id"]),
        ({"audio_file_id": "a"}, ["audio_file_id"]),
        ({"confidence": 1.01}, ["confidence"]),
        ({"confidence": -0.01}, ["confidence"]),
        ({"extra_data": []}, ["extra_data"]),
        (
            {"audio_file_id": NOWHERE, "artifact_type": "echo", "end_ms": 1},
            ["audio_file_id", "artifact_type", "end_ms"],
        ),
    ],
)
def test_every_wrong_field_is_named(client, draft, change, fields):
    assert invalid(client.post(url(draft), json={**span(draft[2]), **change})) == [["body", f] for f in fields]
    assert total(client, draft) == 0


@pytest.mark.row("N1")
def test_required_fields_are_required(client, draft):
    fields = ["audio_file_id", "artifact_type", "start_ms", "end_ms"]
    assert invalid(client.post(url(draft), json={})) == [["body", field] for field in fields]


@pytest.mark.row("N1")
def test_the_range_of_one_millisecond_from_zero_is_allowed(client, draft):
    assert client.post(url(draft), json=span(draft[2], start_ms=0, end_ms=1)).status_code == 201


@pytest.mark.row("N1")
@pytest.mark.row("N4")
def test_the_end_is_checked_against_the_duration_once_that_is_known(client, draft, seeds):
    """Drawn before it was known, 5000 of 3000 ms stay; afterwards 3000 is the last that is allowed."""
    audio_id = draft[2]
    early = client.post(url(draft), json=span(audio_id, end_ms=5000)).json()
    prepare(seeds, audio_id, 3000)
    assert client.get(url(draft)).json()["items"] == [early]
    assert client.post(url(draft), json=span(audio_id, end_ms=3000)).status_code == 201
    assert invalid(client.post(url(draft), json=span(audio_id, end_ms=3001))) == [["body", "end_ms"]]
    assert invalid(client.patch(url(draft, early["id"]), json={"end_ms": 4000})) == [["body", "end_ms"]]
    assert client.patch(url(draft, early["id"]), json={"end_ms": 2000}).json()["end_ms"] == 2000


@pytest.mark.row("N1")
def test_audio_of_another_dataset_cannot_be_annotated(client, draft, other, steps):
    foreign = steps.audio(steps.dataset())
    assert invalid(client.post(url(draft), json=span(foreign))) == [["body", "audio_file_id"]]


@pytest.mark.row("N1")
def test_overlaps_and_duplicates_are_allowed(client, draft):
    for _ in range(2):
        assert client.post(url(draft), json=span(draft[2])).status_code == 201
    assert total(client, draft) == 2


@pytest.mark.row("N2")
def test_many_annotations_come_back_in_their_order(client, draft, steps):
    dataset_id, set_id, audio_id = draft
    bodies = [span(audio_id, name, n, n + 10) for n, name in zip(count(), ["glitch", "long_pause"] * 20, strict=False)]
    answer = client.post(url(draft, "bulk"), json={"annotations": bodies})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["created"] == 40
    sent = [{name: each[name] for name in bodies[0]} for each in made["annotations"]]
    assert sent == bodies
    stored = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")["annotations"]
    assert stored == made["annotations"]  # by file and time, which is how they were sent


@pytest.mark.row("N2")
def test_one_wrong_annotation_keeps_all_out_and_all_wrong_fields_are_named(client, draft, seeds):
    audio_id = draft[2]
    prepare(seeds, audio_id, 3000)
    bodies = [
        span(audio_id),
        span(NOWHERE, "echo", 5, 5),
        span(audio_id),
        span(audio_id, start_ms=0, end_ms=3001),
    ]
    assert invalid(client.post(url(draft, "bulk"), json={"annotations": bodies})) == [
        ["body", "annotations", 1, "audio_file_id"],
        ["body", "annotations", 1, "artifact_type"],
        ["body", "annotations", 1, "end_ms"],
        ["body", "annotations", 3, "end_ms"],
    ]
    bodies[2]["confidence"] = "high"
    assert invalid(client.post(url(draft, "bulk"), json={"annotations": bodies})) == [
        ["body", "annotations", 2, "confidence"]
    ]
    assert total(client, draft) == 0


@pytest.mark.row("N2")
@pytest.mark.parametrize("body", [{"annotations": []}, {}, {"annotations": None}])
def test_a_bulk_of_nothing_is_invalid(client, draft, body):
    assert invalid(client.post(url(draft, "bulk"), json=body)) == [["body", "annotations"]]


@pytest.mark.row("N2")
@pytest.mark.row("S3")
def test_ten_thousand_annotations_are_stored_in_one_go(client, draft, steps):
    """The bound is ten times what it takes: a statement for each annotation would break it."""
    dataset_id, set_id, first = draft
    files = [first, *(steps.audio(dataset_id) for _ in range(9))]
    bodies = [span(files[n % 10], "glitch", n, n + 7) for n in range(10_000)]
    started = time.perf_counter()
    answer = client.post(url(draft, "bulk"), json={"annotations": bodies})
    took_s = time.perf_counter() - started
    assert answer.status_code == 201, answer.text[:1000]
    assert took_s < 10
    detail = steps.get(f"/datasets/{dataset_id}/annotation-sets/{set_id}")
    assert len(detail["annotations"]) == detail["total_annotations"] == 10_000
    assert detail["total_positive_duration_ms"] == 70_000


@pytest.mark.row("N3")
def test_pages_of_any_size_put_together_are_the_whole_list(client, draft):
    bodies = [span(draft[2], start_ms=n, end_ms=n + 1) for n in range(7)]
    client.post(url(draft, "bulk"), json={"annotations": bodies})
    newest = [client.post(url(draft), json=body).json()["id"] for body in bodies[:2]]
    whole = client.get(url(draft), params={"page_size": 100}).json()
    assert whole["total"] == 9
    assert [item["id"] for item in whole["items"]][:2] == newest[::-1]
    for page_size in (1, 2, 4, 9, 100):
        assert all_pages(client, url(draft), page_size) == whole["items"]


@pytest.mark.row("N3")
def test_annotations_are_listed_by_file_and_by_type(client, draft, steps):
    dataset_id, _, first = draft
    second = steps.audio(dataset_id)
    for audio_id, name in ((first, "glitch"), (first, "long_pause"), (second, "glitch"), (second, "glitch")):
        client.post(url(draft), json=span(audio_id, name))

    def listed(**query):
        answer = client.get(url(draft), params=query).json()
        assert answer["total"] == len(answer["items"])
        return [(item["audio_file_id"], item["artifact_type"]) for item in answer["items"]]

    assert listed(audio_file_id=second) == [(second, "glitch")] * 2
    assert listed(artifact_type="long_pause") == [(first, "long_pause")]
    assert listed(audio_file_id=first, artifact_type="glitch") == [(first, "glitch")]
    assert listed(audio_file_id=NOWHERE) == listed(artifact_type="echo") == []
    assert invalid(client.get(url(draft), params={"audio_file_id": "x"})) == [["query", "audio_file_id"]]


@pytest.mark.row("N3")
def test_a_filter_that_no_database_could_hold_is_invalid(client, draft):
    assert invalid(client.get(url(draft) + "?artifact_type=%00")) == [["query", "artifact_type"]]


@pytest.mark.row("N4")
@pytest.mark.parametrize(
    "change",
    [
        {"artifact_type": "long_pause"},
        {"start_ms": 1499},
        {"end_ms": 1001},
        {"start_ms": 2000, "end_ms": 2001},
        {"confidence": 0.0},
        {"extra_data": {"by": "ear"}},
        {"extra_data": None},
        {},
    ],
)
def test_a_change_is_kept_and_leaves_the_rest(client, draft, change):
    made = client.post(url(draft), json=span(draft[2], extra_data={"a": 1})).json()
    answer = client.patch(url(draft, made["id"]), json=change)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {**made, **change}
    assert client.get(url(draft)).json()["items"] == [answer.json()]


@pytest.mark.row("N4")
@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"start_ms": 1500}, ["end_ms"]),
        ({"end_ms": 1000}, ["end_ms"]),
        ({"start_ms": 1600, "end_ms": 1600}, ["end_ms"]),
        ({"artifact_type": "echo", "confidence": 0.5}, ["artifact_type"]),
        ({"artifact_type": None, "start_ms": None}, ["artifact_type", "start_ms"]),
        ({"confidence": 2}, ["confidence"]),
    ],
)
def test_a_change_that_breaks_a_rule_together_with_the_rest_is_not_kept(client, draft, change, fields):
    made = client.post(url(draft), json=span(draft[2])).json()
    assert invalid(client.patch(url(draft, made["id"]), json=change)) == [["body", field] for field in fields]
    assert client.get(url(draft)).json()["items"] == [made]


@pytest.mark.row("N4")
def test_changes_at_once_do_not_break_a_rule_together(client, draft):
    """A start at 1400 and an end at 1100 are each right with 1000 to 1500, but not with each other."""
    made = client.post(url(draft), json=span(draft[2])).json()
    answers = at_once(
        lambda: client.patch(url(draft, made["id"]), json={"start_ms": 1400}),
        lambda: client.patch(url(draft, made["id"]), json={"end_ms": 1100}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 422]


@pytest.mark.row("N4")
def test_an_annotation_stays_with_its_file(client, draft, steps):
    made = client.post(url(draft), json=span(draft[2])).json()
    elsewhere = steps.audio(draft[0])
    assert client.patch(url(draft, made["id"]), json={"audio_file_id": elsewhere}).json() == made


@pytest.mark.row("N5")
def test_a_removed_annotation_is_gone_and_the_others_are_not(client, draft):
    kept, removed = (client.post(url(draft), json=span(draft[2])).json() for _ in range(2))
    answer = client.delete(url(draft, removed["id"]))
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(url(draft)).json()["items"] == [kept]
    assert missing(client.delete(url(draft, removed["id"]))) == "Annotation not found"


@pytest.mark.row("N1")
@pytest.mark.row("N2")
@pytest.mark.row("N3")
@pytest.mark.row("N4")
@pytest.mark.row("N5")
def test_annotations_are_only_found_in_their_set_and_by_their_tenant(client, draft, other, steps):
    dataset_id, set_id, audio_id = draft
    made = client.post(url(draft), json=span(audio_id)).json()
    another_set = steps.annotation_set(dataset_id)
    another_dataset = steps.dataset()
    for who, place, what in (
        (other, draft, "Dataset"),
        (client, (another_dataset, set_id, None), "Annotation set"),
        (client, (dataset_id, NOWHERE, None), "Annotation set"),
    ):
        for answer in (
            who.get(url(place)),
            who.post(url(place), json=span(audio_id)),
            who.post(url(place, "bulk"), json={"annotations": [span(audio_id)]}),
            who.patch(url(place, made["id"]), json={}),
            who.delete(url(place, made["id"])),
        ):
            assert missing(answer) == f"{what} not found"
    for place, annotation_id in (((dataset_id, another_set, None), made["id"]), (draft, NOWHERE)):
        assert missing(client.patch(url(place, annotation_id), json={})) == "Annotation not found"
        assert missing(client.delete(url(place, annotation_id))) == "Annotation not found"
    assert client.get(url(draft)).json()["items"] == [made]
