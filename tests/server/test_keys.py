"""API keys over HTTP, rows K1 to K3."""

from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest

from relaylib.server.database.tables import ApiKeyRow

PATH = "/api/v1/auth/api-keys"


def in_an_hour():
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)


@pytest.mark.row("K1")
def test_a_new_key_works_and_is_told_once(client, anonymous):
    answer = client.post(PATH, json={"name": "Production Server"})
    assert answer.status_code == 201
    made = answer.json()
    assert made["key"].startswith("rl_live_")
    assert len(made["key"]) >= 48
    assert made["key_prefix"] == "rl_live_"
    assert (made["scopes"], made["expires_at"], made["last_used_at"]) == ([], None, None)
    assert made["created_at"].endswith("Z")
    listed = anonymous.get(PATH, headers={"X-API-Key": f"  {made['key']} "})
    assert listed.status_code == 200
    assert made["key"] not in listed.text


@pytest.mark.row("K1")
def test_only_a_hash_of_a_key_is_stored(client, app, call):
    made = client.post(PATH, json={"name": "k"}).json()

    async def stored():
        async with app.state.context.db.read() as session:
            row = await session.get(ApiKeyRow, made["id"])
            return {column.name: getattr(row, column.name) for column in row.__table__.columns}

    assert made["key"].removeprefix("rl_live_") not in str(call(stored))


@pytest.mark.row("K1")
@pytest.mark.parametrize("zone", ["Z", "", "+00:00"])
def test_scopes_and_expiry_are_kept(client, zone):
    """A time without a zone is taken for UTC."""
    at = in_an_hour().isoformat().removesuffix("+00:00")
    made = client.post(PATH, json={"name": "k", "scopes": ["read", "écrire"], "expires_at": at + zone}).json()
    assert (made["scopes"], made["expires_at"]) == (["read", "écrire"], at + "Z")


WRONG_FIELDS = [
    ({}, ["name"]),
    ({"name": ""}, ["name"]),
    ({"name": "n" * 256}, ["name"]),
    ({"name": 3}, ["name"]),
    ({"name": "k", "scopes": "read"}, ["scopes"]),
    ({"name": "k", "scopes": [None]}, ["scopes", 0]),
    ({"name": "k", "expires_at": "tomorrow"}, ["expires_at"]),
    ({"name": "k", "expires_at": "2020-01-01T00:00:00Z"}, ["expires_at"]),
    ({"name": "k", "expires_at": "0001-01-01T00:00:00+12:00"}, ["expires_at"]),
    ({"name": "k", "expires_at": "9999-12-31T23:59:59-12:00"}, ["expires_at"]),
]


@pytest.mark.row("K1")
def test_a_wrong_field_is_named(client):
    for body, where in WRONG_FIELDS:
        answer = client.post(PATH, json=body)
        assert answer.status_code == 422
        assert [problem["loc"] for problem in answer.json()["detail"]] == [["body", *where]]


@pytest.mark.row("K2")
def test_the_list_is_an_array_without_secrets_newest_first(client):
    names = ["a", "b", "c"]
    for name in names:
        client.post(PATH, json={"name": name})
    listed = client.get(PATH).json()
    assert [key["name"] for key in listed] == ["c", "b", "a", "test"]
    fields = {"id", "name", "key_prefix", "scopes", "created_at", "expires_at", "last_used_at"}
    assert all(set(key) == fields for key in listed)


@pytest.mark.row("K2")
def test_a_use_is_shown_once_it_has_been_written(client, app, call):
    """It is gathered first, so that no request costs a write."""
    assert client.get(PATH).json()[0]["last_used_at"] is None
    before = datetime.now(timezone.utc) - timedelta(minutes=1)
    call(app.state.last_uses.flush)
    shown = datetime.fromisoformat(client.get(PATH).json()[0]["last_used_at"].replace("Z", "+00:00"))
    assert before < shown <= datetime.now(timezone.utc)


@pytest.mark.row("K3")
def test_a_revoked_key_stops_at_once_and_is_gone(client, anonymous):
    made = client.post(PATH, json={"name": "k"}).json()
    headers = {"X-API-Key": made["key"]}
    assert anonymous.get(PATH, headers=headers).status_code == 200
    answer = client.delete(f"{PATH}/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert anonymous.get(PATH, headers=headers).status_code == 401
    assert made["id"] not in client.get(PATH).text
    assert client.delete(f"{PATH}/{made['id']}").json() == {"detail": "API key not found"}


@pytest.mark.row("K3")
def test_a_key_may_revoke_itself(client):
    own = client.get(PATH).json()[0]["id"]
    assert client.delete(f"{PATH}/{own}").status_code == 204
    assert client.get(PATH).status_code == 401


@pytest.mark.row("K3")
def test_a_key_of_another_tenant_or_of_nobody_cannot_be_revoked(client, other):
    own = client.get(PATH).json()[0]["id"]
    assert other.delete(f"{PATH}/{own}").status_code == 404
    assert client.delete(f"{PATH}/{uuid4()}").status_code == 404
    assert client.delete(f"{PATH}/nonsense").json()["detail"][0]["loc"] == ["path", "key_id"]
    assert client.get(PATH).status_code == 200
