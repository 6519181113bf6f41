"""Making a client, and what it shows of itself."""

from datetime import datetime, timezone
from uuid import UUID

import httpx
import pytest
from api_bodies import DATASET, FILE, NOW, dataset, model
from web_server import KEY, Answer

from relaylib.api import ArtifactTypeBody, TrainingConfig
from relaylib.client import Client, ResponseError
from relaylib.errors import ParameterError
from relaylib.types import ArtifactType


def test_the_environment_names_server_and_key(web, monkeypatch):
    monkeypatch.setenv("RELAY_BASE_URL", f" {web.url}/ ")
    monkeypatch.setenv("RELAY_API_KEY", f"{KEY}\n")
    web.on(f"GET /datasets/{DATASET}", Answer(200, dataset()))
    with Client.from_env(timeout=3.0) as client:
        client.datasets.get(DATASET)
    assert web.asked[0].headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("have", "lack"), [("RELAY_BASE_URL", "RELAY_API_KEY is"), (None, "RELAY_BASE_URL and RELAY_API_KEY are")]
)
def test_an_environment_without_them_says_what_to_set(monkeypatch, have, lack):
    monkeypatch.delenv("RELAY_BASE_URL", raising=False)
    monkeypatch.setenv("RELAY_API_KEY", " ")
    if have:
        monkeypatch.setenv(have, "http://localhost")
    with pytest.raises(ParameterError, match=f"^{lack} not set; set"):
        Client.from_env()


@pytest.mark.parametrize("key", ["", "  ", "rl_live_a\nb", "rl_live_é", "rl_live_a b", "'rl_live_\x00'"])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(key):
    with pytest.raises(ParameterError, match="api_key") as caught:
        Client("http://localhost", key)
    assert "rl_live" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://x",
        "http://",
        "relay",
        "http://[bad",
        "http://h:x",
        "http://h:99999",
        "http://h?a=b",
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url):
    with pytest.raises(ParameterError, match="base_url"):
        Client(url, KEY)


@pytest.mark.parametrize("end", ["", "/", "/api/v1", "/api/v1/"])
def test_the_address_may_end_with_the_prefix(web, end):
    web.on(f"GET /datasets/{DATASET}", Answer(200, dataset()))
    with Client(web.url + end, KEY) as client:
        assert client.datasets.get(DATASET).id == DATASET


def test_neither_key_nor_password_is_shown():
    with Client("https://me:secret@relay.example:8443/x", KEY) as client:
        assert repr(client) == "Client('https://relay.example:8443/x')"
        assert KEY not in repr(vars(client))


def test_a_carrier_of_ones_own_is_used_and_left_open(web):
    web.on(f"GET /datasets/{DATASET}", Answer(200, dataset()))
    with httpx.Client(headers={"X-Own": "1"}) as carrier:
        with Client(web.url, KEY, http_client=carrier) as client:
            client.datasets.get(DATASET)
        assert not carrier.is_closed
    assert web.asked[0].headers["x-own"] == "1"
    assert web.asked[0].headers["x-api-key"] == KEY


def test_a_closed_client_closes_its_connections():
    client = Client("http://localhost", KEY)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.datasets.get(DATASET)


@pytest.mark.parametrize("bad", ["x", "../models", "", None, 7])
def test_what_is_not_an_id_is_refused_before_it_is_sent(web, client, bad):
    with pytest.raises(ParameterError, match="is not an id"):
        client.datasets.get(bad)
    assert web.asked == []


def test_artifact_types_may_be_given_in_every_form(web, client):
    web.on("POST /datasets", Answer(201, dataset()))
    types = ["a", ArtifactType("b", "B"), ArtifactTypeBody("c", None, "#00FF00"), {"name": "d", "color": "#0000FF"}]
    client.datasets.create("calls", artifact_types=types)
    assert web.asked[0].json == {
        "name": "calls",
        "artifact_types": [
            {"name": "a"},
            {"name": "b", "description": "B", "color": "#FF0000"},
            {"name": "c", "color": "#00FF00"},
            {"name": "d", "color": "#0000FF"},
        ],
    }


def test_a_change_sends_what_is_given_and_nothing_else(web, client):
    web.on(f"PATCH /datasets/{DATASET}", Answer(200, dataset()))
    client.datasets.update(str(DATASET), name="new")
    client.datasets.update(DATASET, description=None, artifact_types=["a"])
    assert [asked.json for asked in web.asked] == [
        {"name": "new"},
        {"description": None, "artifact_types": [{"name": "a"}]},
    ]
    web.on(f"PATCH /models/{UUID(int=3000)}", Answer(200, model()))
    client.models.update(UUID(int=3000), is_active=False)
    assert web.asked[-1].json == {"is_active": False}


def test_a_training_may_be_given_types_alone(web, client):
    web.on("POST /training-jobs", Answer(201, {"id": str(FILE), "status": "pending"}))
    assert client.training_jobs.create(DATASET, FILE, ["glitch"]).id == FILE
    client.training_jobs.create(DATASET, FILE, TrainingConfig(["glitch"], epochs=5))
    first, second = (asked.json for asked in web.asked)
    assert first == {
        "dataset_id": str(DATASET),
        "annotation_set_id": str(FILE),
        "config": {"artifact_types": ["glitch"]},
    }
    assert (second["config"]["epochs"], second["config"]["batch_size"]) == (5, 32)


def test_a_new_key_is_told_but_not_shown(web, client):
    body = {"id": str(FILE), "name": "ci", "key_prefix": "rl_live_", "key": "rl_live_new", "created_at": NOW}
    web.on("POST /auth/api-keys", Answer(201, body))
    made = client.api_keys.create("ci", scopes=["x"], expires_at=datetime(2030, 1, 1, tzinfo=timezone.utc))
    assert made.key == "rl_live_new"
    assert "rl_live_new" not in f"{made!r}{made!s}"
    assert web.asked[0].json == {"name": "ci", "scopes": ["x"], "expires_at": "2030-01-01T00:00:00Z"}


def test_a_created_key_without_its_secret_is_an_error(web, client):
    web.on("POST /auth/api-keys", Answer(201, {"id": str(FILE), "name": "ci", "created_at": NOW}))
    with pytest.raises(ResponseError, match="has no key"):
        client.api_keys.create("ci")
