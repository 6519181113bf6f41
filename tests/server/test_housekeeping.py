"""What is removed now and then, and what is not ours to remove."""

import dataclasses
import os
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import select
from steps import settings  # noqa: F401 - a fixture: the server does no work

from relaylib.server.database.tables import AudioFileRow, TenantRow
from relaylib.server.housekeeping import Housekeeping
from relaylib.server.objects.errors import StorageError


@pytest.fixture
def put(app, anonymous, tmp_path):
    """Give a function that stores an object of an age in days under a key and returns its path."""

    def put(key, days):
        source = tmp_path / "source"
        source.write_bytes(b"x")
        store = app.state.context.store
        store.put_file(key, source)
        then = (datetime.now(timezone.utc) - timedelta(days=days)).timestamp()
        os.utime(store.path(key), (then, then))
        return store.path(key)

    return put


def test_orphans_of_ones_own_tenants_go_and_what_others_keep_in_the_store_stays(app, seeds, call, put):
    """A bucket or folder may hold other things, or those of a server on another database, which is not to be told."""
    row = seeds.write(lambda session: session.scalar(select(TenantRow)))
    model_key = f"models/{row.id}/{uuid4()}.safetensors"
    seeds.model(object_key=model_key)
    orphans = [put(f"{folder}/{row.id}/{uuid4()}.wav", days=2) for folder in ("audio", "inference", "models")]
    young = put(f"audio/{row.id}/{uuid4()}.wav", days=0)
    stays = [put(model_key, days=2), young, put("music/song.wav", days=2), put("notes.txt", days=2)]
    stays += [put(f"{folder}/{uuid4()}/{uuid4()}.wav", days=2) for folder in ("audio", "inference", "models")]
    call(Housekeeping(app.state.context).once, datetime.now(timezone.utc))
    assert not any(path.exists() for path in orphans)
    assert all(path.exists() for path in stays)


def test_what_cannot_be_removed_keeps_nothing_else_from_being_removed(app, seeds, call, monkeypatch):
    """A bucket may be away, or lists may be denied for ever: the cache stays within its limit all the same."""

    def away(*_):
        raise StorageError("no bucket")

    context = app.state.context
    monkeypatch.setattr(type(context.store), "list", away)
    monkeypatch.setattr(type(context.store), "delete", away)
    late = seeds.audio(seeds.dataset(), status="pending", expires_in_s=-7200)
    old = context.settings.embeddings_dir / "ab" / "abcd.npy"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(100))
    small = dataclasses.replace(context, settings=dataclasses.replace(context.settings, cache_bytes=10))
    call(Housekeeping(small).once, datetime.now(timezone.utc))
    assert seeds.get(AudioFileRow, late) is None
    assert not old.exists()
