"""The application as a whole: what lies around the API's own routes."""

import asyncio
import contextlib
import dataclasses
import json
from uuid import uuid4

import pytest
import structlog
from litestar import get
from litestar.testing import TestClient
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from relaylib.errors import RelayError
from relaylib.server import metrics
from relaylib.server.app import create_app
from relaylib.server.bootstrap import exclusive, opened_database, server_name
from relaylib.server.database.tables import JobRow
from relaylib.server.objects.errors import StorageError
from relaylib.server.settings import Settings


@pytest.mark.filterwarnings("error::litestar.exceptions.LitestarDeprecationWarning")
def test_the_application_is_written_for_the_litestar_to_come(tmp_path):
    create_app(Settings(data_dir=tmp_path)).state.describe()


def test_unknown_routes_and_methods_answer_json(client):
    answer = client.get("/api/v2/datasets")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    answer = client.put("/api/v1/datasets")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
    assert client.options("/api/v1/datasets").headers["allow"] == "GET, OPTIONS, POST"
    assert client.get("/").json() == {"detail": "Not Found"}


def test_a_trailing_slash_changes_nothing(client):
    made = client.post("/api/v1/datasets/", json={"name": "d"})
    assert made.status_code == 201
    answer = client.get(f"/api/v1/datasets/{made.json()['id']}/")
    assert (answer.status_code, answer.history, answer.json()) == (200, [], made.json())


def test_a_mistake_of_the_server_answers_500_and_says_nothing_more(settings, executor):
    app = create_app(settings, executor=executor)

    @get("/mistake", include_in_schema=False)
    async def mistake() -> None:
        raise RuntimeError("the secret is rl_live_x")

    app.register(mistake)
    with TestClient(app, raise_server_exceptions=False) as running, structlog.testing.capture_logs() as logged:
        answer = running.get("/mistake?token=hidden", headers={"X-Request-ID": "abc-1"})
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert answer.headers["x-request-id"] == "abc-1"
    assert any(isinstance(entry.get("exc_info"), RuntimeError) for entry in logged)


OUTAGES = [
    (StorageError("gone"), "storage"),
    (OperationalError("SELECT 1", {}, Exception("full")), "database"),
    (InterfaceError("SELECT 1", {}, Exception("closed")), "database"),
    (InternalError("INSERT", {}, Exception("read-only transaction")), "database"),
    (PoolTimeoutError(), "database"),
]


@pytest.mark.parametrize(("error", "what"), OUTAGES, ids=lambda value: type(value).__name__)
def test_what_cannot_be_used_for_now_answers_503(settings, executor, error, what):
    app = create_app(settings, executor=executor)

    @get("/outage", include_in_schema=False)
    async def outage() -> None:
        raise error

    app.register(outage)
    with TestClient(app, raise_server_exceptions=False) as running, structlog.testing.capture_logs() as logged:
        answer = running.get("/outage")
    assert answer.status_code == 503
    assert what in answer.json()["detail"]
    assert "try again later" in answer.json()["detail"]
    assert any(entry.get("exc_info") is error for entry in logged)


def test_without_its_folder_nothing_is_said_of_what_lies_in_it(client, steps, settings):
    """The folder is moved away, as a disk that is not mounted would be, and comes back."""
    dataset_id = steps.dataset()
    target, waits = steps.upload_target(dataset_id), steps.upload_target(dataset_id)

    def send(to):
        return client.post(to["upload_url"], data=to["fields"], files={"file": b"RIFF"}).status_code

    def confirm(to):
        return client.post(
            f"/api/v1/datasets/{dataset_id}/audio/confirm", json={"audio_id": to["audio_id"]}
        ).status_code

    assert send(target) == 204
    objects, away = settings.data_dir / "objects", settings.data_dir / "away"
    objects.rename(away)
    assert (confirm(target), send(waits)) == (503, 503)
    assert not objects.exists()
    away.rename(objects)
    assert (confirm(target), send(waits), confirm(waits)) == (200, 204, 200)


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "né", "line\\nbreak"])
def test_every_answer_has_a_request_id(anonymous, given):
    """One that is not sane is replaced."""
    headers = {} if given is None else {"X-Request-ID": given.encode("latin-1")}
    for path in ("/healthz", "/nowhere", "/api/v1/datasets"):
        made = anonymous.get(path, headers=headers).headers.get_list("x-request-id")
        assert len(made) == 1
        assert len(made[0]) == 16


def test_the_log_holds_neither_keys_nor_queries(client):
    with structlog.testing.capture_logs() as logged:
        client.get("/api/v1/datasets?page=1&token=hidden")
        client.post("/api/v1/auth/api-keys", json={"name": "k"})
    lines = [entry for entry in logged if entry["event"] == "request"]
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/api/v1/datasets", 200),
        ("POST", "/api/v1/auth/api-keys", 201),
    ]
    assert all(line["duration_ms"] > 0 for line in lines)
    assert "hidden" not in str(logged)
    assert "rl_live_" not in str(logged)


def test_a_path_cannot_forge_lines_of_the_log(client):
    with structlog.testing.capture_logs() as logged:
        client.get("/api/v1/x%0Aforged")
    assert logged[-1]["path"] == "/api/v1/x%0Aforged"


def test_the_server_tells_that_it_is_alive_and_ready(anonymous):
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    answer = anonymous.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "storage": "ok"})
    assert [anonymous.head(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]  # as some monitors ask


def test_without_its_storage_the_server_is_not_ready(anonymous, app, monkeypatch):
    async def broken(*_):
        raise OSError("gone")

    monkeypatch.setattr(type(app.state.context.store), "check", broken)
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "ok", "storage": "unavailable"}
    assert anonymous.get("/healthz").status_code == 200


def test_metrics_count_requests_by_route_and_jobs_by_state(client, anonymous):
    for _ in range(3):
        made = client.post("/api/v1/datasets", json={"name": "d"}).json()
        client.get(f"/api/v1/datasets/{made['id']}")
    client.get("/nowhere/else")
    answer = anonymous.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    assert 'relay_http_requests_total{method="GET",route="/api/v1/datasets/{dataset_id}",status="200"} 3.0' in lines
    assert 'relay_http_requests_total{method="GET",route="unknown",status="404"} 1.0' in lines
    assert any(line.startswith("relay_http_request_duration_seconds_bucket") for line in lines)
    assert "relay_http_requests_in_progress 1.0" in lines
    assert "# TYPE relay_jobs gauge" in lines
    assert made["id"] not in answer.text


@pytest.mark.parametrize("away", [OperationalError("SELECT 1", {}, Exception("gone")), None])
def test_without_its_database_the_server_still_counts_requests(client, anonymous, app, monkeypatch, seeds, away):
    """Be it gone, or silent; how many jobs there are is not known then, and the number of before is not told."""
    seeds.add(JobRow(tenant_id=seeds.tenant_id, kind="train_model", subject_id=uuid4()))
    assert 'relay_jobs{kind="train_model",state="queued"} 1.0' in anonymous.get("/metrics").text

    @contextlib.asynccontextmanager
    async def read(_):
        if away is not None:
            raise away
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(metrics, "_PATIENCE_S", 0.01)
    monkeypatch.setattr(type(app.state.context.db), "read", read)
    answer = anonymous.get("/metrics")
    assert answer.status_code == 200
    assert 'relay_http_requests_total{method="GET",route="/metrics",status="200"} 1.0' in answer.text
    assert "relay_jobs{" not in answer.text


def test_the_address_that_clients_see_can_be_set(settings, executor):
    """Upload addresses begin with it, and so do those of the description; a slash at its end makes no difference."""
    app = create_app(dataclasses.replace(settings, public_url="https://relay.example.com/api/"), executor=executor)
    with TestClient(app) as running:

        async def key():
            from relaylib.server.bootstrap import first_key

            return await first_key(app.state.context.db)

        headers = {"X-API-Key": running.blocking_portal.call(key)}
        dataset = running.post("/api/v1/datasets", json={"name": "d"}, headers=headers).json()["id"]
        body = {"filename": "a.wav", "content_type": "audio/wav", "file_size": 10}
        target = running.post(f"/api/v1/datasets/{dataset}/audio/upload-url", json=body, headers=headers).json()
        described = running.get("/openapi.json").json()
    assert target["upload_url"] == "https://relay.example.com/api/storage"
    assert described["servers"] == [{"url": "https://relay.example.com/api"}]


def test_only_storage_may_be_used_from_other_pages(client, anonymous):
    headers = {"Origin": "https://elsewhere.example.com", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.get("/api/v1/datasets", headers=headers).headers
    assert "access-control-allow-origin" not in anonymous.options("/api/v1/datasets", headers=headers).headers
    assert anonymous.options("/storage", headers=headers).headers["access-control-allow-origin"] == "*"


def test_a_folder_is_used_by_one_server_at_a_time(tmp_path):
    folder = tmp_path / "new" / "data"
    with exclusive(folder), pytest.raises(RelayError, match="another server uses this folder"), exclusive(folder):
        pass
    with exclusive(folder):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RelayError, match=r"file/data: cannot be written"), exclusive(tmp_path / "file" / "data"):
        pass


def test_a_database_that_refuses_is_named_without_its_query(tmp_path):
    """As one whose user has too few rights; its query may hold a password."""

    async def ask():
        settings = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path}/d.sqlite3?timeout=9")
        async with opened_database(settings) as db, db.write() as session:
            await session.execute(text("SELECT * FROM absent"))

    with pytest.raises(RelayError, match=r"d\.sqlite3 cannot be used: no such table: absent$"):
        asyncio.run(ask())


def test_a_server_keeps_its_name(tmp_path):
    names = [server_name(tmp_path / part) for part in "aab"]
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 32


def test_many_requests_at_once_are_all_answered(app, client):
    """More than there are connections to the database."""
    import httpx

    async def scenario():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=client.headers) as many:
            posts = [many.post("/api/v1/datasets", content=json.dumps({"name": str(n)})) for n in range(30)]
            gets = [many.get("/api/v1/datasets") for _ in range(30)]
            return [answer.status_code for answer in await asyncio.gather(*posts, *gets)]

    portal = client._transport.client.blocking_portal
    assert portal.call(scenario) == [201] * 30 + [200] * 30
