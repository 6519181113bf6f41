"""Lists, page by page."""

from itertools import islice
from uuid import UUID

import pytest
from api_bodies import DATASET, SET, annotation, audio, model
from web_server import Answer

from relaylib.client import ValidationError


def paged(items, *, most=100, echo=True):
    """Return an answer that serves `items` in pages as asked for."""

    def answer(asked):
        page, size = int(asked.query["page"]), int(asked.query.get("page_size", 20))
        if size > most:
            return Answer(422, {"detail": [{"loc": ["query", "page_size"], "msg": "too large", "type": "value_error"}]})
        body = {"items": items[(page - 1) * size : page * size], "total": len(items)}
        return Answer(200, body | ({"page": page, "page_size": size} if echo else {}))

    return answer


MODELS = [model(n) for n in range(250)]


def test_a_page_is_asked_for_by_number_and_size(web, client):
    web.on("GET /models", paged(MODELS, echo=False))
    page = client.models.list(page=3, page_size=40)
    assert [m.id.int for m in page.items] == list(range(3080, 3120))
    assert (page.total, page.page, page.page_size) == (250, 3, 40)
    assert web.asked[0].query == {"page": "3", "page_size": "40"}


def test_all_pages_are_fetched_as_they_are_reached(web, client):
    web.on("GET /models", paged(MODELS))
    models = client.models.iterate()
    assert web.asked == []
    assert len(list(islice(models, 100))) == 100
    assert len(web.asked) == 1
    assert len(list(models)) == 150
    assert [asked.query["page"] for asked in web.asked] == ["1", "2", "3"]


def test_a_server_of_small_pages_is_asked_for_its_own(web, client):
    web.on("GET /models", paged(MODELS, most=50))
    assert len(list(client.models.iterate())) == 250
    assert "page_size" not in web.asked[-1].query


def test_an_empty_list_and_a_list_that_knows_no_pages_end(web, client):
    web.on("GET /models", paged([]), Answer(200, {"items": MODELS, "total": 250}))
    assert list(client.models.iterate()) == []
    assert len(list(client.models.iterate())) == 250
    assert len(web.asked) == 2


def test_items_that_move_to_the_next_page_come_once(web, client):
    """A model made meanwhile pushes the last one of the first page down."""
    web.on("GET /models", paged(MODELS), paged([model(999), *MODELS]))
    assert [m.id.int for m in client.models.iterate()] == list(range(3000, 3250))


def test_a_list_can_be_emptied_while_it_is_gone_through(web, client):
    """What is deleted moves the rest to pages that were passed already."""
    left = list(MODELS)
    web.on("GET /models", lambda asked: paged(left)(asked))
    found = []
    for one in client.models.iterate():
        found.append(one.id.int)
        left[:] = [given for given in left if given["id"] != str(one.id)]
    assert left == []
    assert sorted(found) == list(range(3000, 3250))


def test_a_list_whose_total_counts_the_page_ends(web, client):
    """Such totals fall from page to page though nothing is deleted."""
    answer = paged(MODELS)
    web.on(
        "GET /models", lambda asked: Answer(200, answer(asked).body | {"total": 500 - 150 * int(asked.query["page"])})
    )
    assert len(list(client.models.iterate())) == 200


def test_a_wrong_filter_is_not_taken_for_a_page_size(web, client):
    web.on("GET /models", Answer(422, {"detail": [{"loc": ["query", "is_active"], "msg": "x", "type": "y"}]}))
    with pytest.raises(ValidationError, match="is_active"):
        list(client.models.iterate(is_active=True))


def test_filters_are_sent_as_text(web, client):
    web.on("GET /models", paged([]))
    client.models.list(is_active=False)
    assert web.asked[-1].query == {"page": "1", "is_active": "false"}
    path = f"/datasets/{DATASET}/annotation-sets/{SET}/annotations"
    web.on(f"GET {path}", paged([annotation()]))
    list(client.annotations.iterate(DATASET, str(SET), audio_file_id=str(UUID(int=7)), artifact_type="a b&c"))
    assert web.asked[-1].query == {
        "page": "1",
        "page_size": "100",
        "audio_file_id": str(UUID(int=7)),
        "artifact_type": "a b&c",
    }


def test_a_status_is_filtered_where_the_server_does_not(web, client):
    """The name of this parameter is not documented."""
    files = [audio(n, processing_status="failed" if n % 3 else "ready") for n in range(9)]
    web.on(f"GET /datasets/{DATASET}/audio", paged(files))
    assert len(list(client.audio.iterate(DATASET, status="ready"))) == 3


def test_the_model_of_a_training_is_found_by_either_way(web, client):
    job = {
        "id": str(UUID(int=77)),
        "status": "completed",
        "progress_percent": 100,
        "metrics": {},
        "error_message": None,
    }
    web.on(f"GET /training-jobs/{UUID(int=77)}", Answer(200, job), Answer(200, job | {"model_id": MODELS[4]["id"]}))
    web.on("GET /models", paged([*MODELS, model(500, training_job_id=job["id"])]))
    web.on(f"GET /models/{MODELS[4]['id']}", Answer(200, MODELS[4]))
    assert client.models.of_training(UUID(int=77)).id.int == 3500
    assert client.models.of_training(UUID(int=77)).id.int == 3004
