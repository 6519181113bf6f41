"""A fresh server lists the detectors that come along, and works with them."""

import asyncio
import dataclasses
from pathlib import Path

import numpy as np
from litestar.testing import TestClient

from relaylib import load_encoder
from relaylib.inject import BASIC_TYPES
from relaylib.models import EmbeddingCache
from relaylib.server.app import create_app
from relaylib.server.bootstrap import first_key
from relaylib.server.database import Database, database_url
from relaylib.server.jobs.work.context import WorkContext
from relaylib.server.models.ready import tenant_with_models


def test_a_fresh_server_lists_them_and_a_deleted_one_stays_away(settings, executor):
    app = create_app(dataclasses.replace(settings), executor=executor)
    with TestClient(app) as running:
        key = running.blocking_portal.call(first_key, app.state.context.db)
        headers = {"X-API-Key": key}
        listed = running.get("/api/v1/models", headers=headers).json()
        assert [model["name"] for model in listed["items"]] == ["tts-artifacts"]
        model = listed["items"][0]
        assert model["artifact_types"] == list(BASIC_TYPES)
        assert model["is_active"] is True
        assert 0 < model["eval_metrics"]["f1_score"] <= 1
        for figures in model["eval_metrics"]["per_class"].values():
            assert all(
                isinstance(figures[name], (int, float)) for name in ("precision", "recall", "f1_score", "support")
            )
        job = running.post("/api/v1/inference-jobs", json={"model_id": model["id"]}, headers=headers)
        assert job.status_code == 201
        assert running.delete(f"/api/v1/models/{model['id']}", headers=headers).status_code == 204

        async def again():
            async with app.state.context.db.write() as session:
                return await tenant_with_models(session, "default")

        running.blocking_portal.call(again)
        assert running.get("/api/v1/models", headers=headers).json()["total"] == 0


def test_a_tenant_that_two_make_at_once_is_one(fresh_database_url):
    """The second waits, and finds what the first has made."""

    async def scenario():
        db, made = Database(database_url(fresh_database_url, data_dir=Path())), asyncio.Event()

        async def make():
            async with db.write() as session:
                made.set()
                return await tenant_with_models(session, "team")

        async with db.write() as session:
            first = await tenant_with_models(session, "team")
            second = asyncio.create_task(make())
            if not db.is_sqlite:  # there it is not even let in
                await made.wait()
                await asyncio.sleep(0.1)
        found = (first, await second)
        keys = await asyncio.gather(*(first_key(db) for _ in range(4)))
        await db.close()
        return found, keys

    (first, second), keys = asyncio.run(scenario())
    assert first == second
    assert sum(key is not None for key in keys) == 1


def test_a_worker_takes_them_from_the_package(tmp_path):
    """Nothing has to be in the store."""
    context = WorkContext(None, load_encoder("speech-small"), EmbeddingCache(tmp_path / "cache"), tmp_path)
    detector = context.detector("ready/6f7d/tts-artifacts")
    assert detector.artifact_types == BASIC_TYPES
    assert detector is context.detector("ready/6f7d/tts-artifacts")
    assert detector.score(np.zeros(16_000, np.float32)).values.shape[1] == len(BASIC_TYPES)
