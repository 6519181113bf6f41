"""Annotations in parts."""

from uuid import UUID

import pytest
from api_bodies import DATASET, SET, annotation
from web_server import Answer

from relaylib.api import CreateAnnotation
from relaylib.client import ValidationError
from relaylib.errors import ParameterError

BULK = f"/datasets/{DATASET}/annotation-sets/{SET}/annotations/bulk"
SPANS = [CreateAnnotation(UUID(int=1000), "glitch", n, n + 10, extra_data={"n": n} if n else None) for n in range(25)]


def made(asked):
    bodies = [annotation(a["start_ms"], start_ms=a["start_ms"], end_ms=a["end_ms"]) for a in asked.json["annotations"]]
    return Answer(201, {"created": len(bodies), "annotations": bodies})


def test_annotations_are_sent_in_parts_and_come_back_in_order(web, client):
    web.on(f"POST {BULK}", made)
    found = client.annotations.create_many(DATASET, SET, SPANS, batch_size=10)
    assert [a.start_ms for a in found] == list(range(25))
    assert [len(asked.json["annotations"]) for asked in web.asked] == [10, 10, 5]
    assert "extra_data" not in web.asked[0].json["annotations"][0]
    assert web.asked[0].json["annotations"][1]["extra_data"] == {"n": 1}


def test_none_are_not_sent(web, client):
    """The API refuses an empty list."""
    assert client.annotations.create_many(DATASET, SET, []) == []
    assert web.asked == []


def test_a_failing_part_says_which_were_made_and_counts_from_the_first(web, client):
    problem = {"loc": ["body", "annotations", 3, "end_ms"], "msg": "after the end", "type": "value_error"}
    web.on(f"POST {BULK}", made, Answer(422, {"detail": [problem]}))
    with pytest.raises(ValidationError) as caught:
        client.annotations.create_many(DATASET, SET, SPANS, batch_size=10)
    assert [a.start_ms for a in caught.value.done] == list(range(10))
    assert caught.value.problems[0].loc == ["body", "annotations", 13, "end_ms"]
    assert "annotations.13.end_ms: after the end" in str(caught.value)


def test_parts_of_nothing_are_refused(client):
    with pytest.raises(ParameterError, match="batch_size=0"):
        client.annotations.create_many(DATASET, SET, SPANS, batch_size=0)


def test_one_is_made_and_changed_with_what_is_given(web, client):
    path = f"/datasets/{DATASET}/annotation-sets/{SET}/annotations"
    web.on(f"POST {path}", Answer(201, annotation()))
    web.on(f"PATCH {path}/{UUID(int=2000)}", Answer(200, annotation(end_ms=300)))
    one = client.annotations.create(
        DATASET, SET, audio_file_id=UUID(int=1000), artifact_type="glitch", start_ms=100, end_ms=200
    )
    assert client.annotations.update(DATASET, SET, one.id, end_ms=300, extra_data=None).end_ms == 300
    assert web.asked[1].json == {"end_ms": 300, "extra_data": None}
