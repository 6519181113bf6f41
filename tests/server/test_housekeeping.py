"""What is removed now and then, and what is not ours to remove."""

import os
from datetime import datetime, timedelta, timezone
from uuid import uuid4

import pytest
from sqlalchemy import select
from steps import settings  # noqa: F401 - a fixture: the server does no work

from relaylib.server.database.tables import TenantRow
from relaylib.server.housekeeping import Housekeeping


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
