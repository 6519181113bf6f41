"""The check of the key: what it costs, and what it leaves behind."""

import asyncio
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from steps import counted_statements

from relaylib.server.auth import LastUses
from relaylib.server.database import Database, database_url, migrate
from relaylib.server.database.tables import ApiKeyRow, TenantRow
from relaylib.server.keys.secret import hash_key, new_key


def test_keys_differ_and_hashes_tell_them_apart():
    keys = {new_key() for _ in range(1000)}
    assert len(keys) == len({hash_key(key) for key in keys}) == 1000


def test_a_request_costs_one_query_for_its_key_and_no_write(client):
    """The second query is the list's own."""
    with counted_statements() as seen:
        assert client.get("/api/v1/auth/api-keys").status_code == 200
    queries = [query for query in seen if "api_keys" in query]
    assert len(queries) == 2
    assert all(query.startswith("SELECT") for query in queries)


def test_a_key_revoked_by_another_process_stops_at_once(client, settings):
    url = database_url(settings.database_url, data_dir=settings.data_dir)
    sync = url.set(drivername="sqlite") if url.get_backend_name() == "sqlite" else url
    assert client.get("/api/v1/datasets").status_code == 200
    with create_engine(sync).begin() as connection:
        connection.execute(text("UPDATE api_keys SET revoked_at = CURRENT_TIMESTAMP"))
    assert client.get("/api/v1/datasets").status_code == 401


def test_a_refusal_names_its_scheme_and_is_json(anonymous):
    answer = anonymous.get("/api/v1/datasets")
    assert answer.headers["www-authenticate"] == "ApiKey"
    assert answer.headers["content-type"].startswith("application/json")


def test_a_key_that_expires_works_until_then(anonymous, key_of):
    soon = {"X-API-Key": key_of("one", expires_at=datetime.now(timezone.utc) + timedelta(hours=1))}
    assert anonymous.get("/api/v1/datasets", headers=soon).status_code == 200


def test_a_use_of_a_key_that_is_gone_is_passed_over(app, anonymous, call):
    app.state.last_uses.note(uuid4(), datetime.now(timezone.utc))
    call(app.state.last_uses.flush)


def test_uses_that_cannot_be_written_are_kept_for_the_next_time(tmp_path):
    """The database is not there at first."""
    url = database_url(None, data_dir=tmp_path)

    async def scenario():
        db = Database(url)
        uses = LastUses(db)
        uses.note(key_id := uuid4(), at := datetime.now(timezone.utc))
        with pytest.raises(OperationalError):
            await uses.flush()
        await asyncio.to_thread(migrate, url)
        async with db.write() as session:
            tenant = TenantRow(name="one")
            session.add(tenant)
            await session.flush()
            made = {"tenant_id": tenant.id, "name": "k", "key_prefix": "", "key_hash": "", "scopes": []}
            session.add(ApiKeyRow(id=key_id, **made))
        await uses.flush()
        async with db.read() as session:
            row = await session.get(ApiKeyRow, key_id)
        await db.close()
        return row.last_used_at == at

    assert asyncio.run(scenario())


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Token"])
def test_a_key_in_another_header_does_not_count(anonymous, key_of, header):
    assert anonymous.get("/api/v1/datasets", headers={header: key_of("one")}).status_code == 401
