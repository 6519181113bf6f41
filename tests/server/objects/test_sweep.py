import asyncio
import os
from datetime import datetime, timedelta, timezone

from relaylib.server.objects.sweep import sweep_orphans


def test_old_objects_that_nobody_knows_go(folder_store, tmp_path):
    now = datetime.now(timezone.utc)
    (tmp_path / "source").write_bytes(b"x")
    asked = []
    for n in range(1201):
        path = folder_store.path(f"old/{n}")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (now.timestamp() - 7200,) * 2)
    folder_store.put_file("new/1", tmp_path / "source")
    folder_store.put_file("others/1", tmp_path / "source")
    os.utime(folder_store.path("others/1"), (now.timestamp() - 7200,) * 2)

    async def known(keys):
        asked.append(len(keys))
        return {key for key in keys if key != "old/7" and key != "old/1100"}

    removed = asyncio.run(sweep_orphans(folder_store, ["old/", "new/"], known, older_than=timedelta(hours=1), now=now))
    assert sorted(removed) == ["old/1100", "old/7"]
    assert sum(asked) == 1201
    assert max(asked) <= 500
    assert not folder_store.path("old/7").exists()
    assert folder_store.path("new/1").exists()
    assert folder_store.path("others/1").exists()
