import asyncio
import concurrent.futures
import errno
import os

import pytest

from relaylib.server.objects import StorageError


def test_folders_come_and_go_with_their_objects(folder_store, tmp_path):
    """Threads that store into a folder and others that empty it don't disturb each other."""
    (tmp_path / "source").write_bytes(b"x")

    def churn(n):
        for _ in range(30):
            folder_store.put_file(f"a/b/c/{n}", tmp_path / "source")
            asyncio.run(folder_store.delete(f"a/b/c/{n}"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(churn, range(8))) == [None] * 8
    assert list(folder_store.root.iterdir()) == []


def test_a_folder_that_another_made_and_swept_away_at_once_is_made_again(folder_store, tmp_path, monkeypatch):
    """The system says that it is there; when one looks, it is not."""
    (tmp_path / "source").write_bytes(b"x")
    answers = [FileExistsError(errno.EEXIST, "File exists")]
    make = os.mkdir

    def seldom(*args, **options):
        if answers:
            raise answers.pop()
        make(*args, **options)

    monkeypatch.setattr(os, "mkdir", seldom)
    folder_store.put_file("a/b", tmp_path / "source")
    assert folder_store.path("a/b").read_bytes() == b"x"


def test_a_key_below_an_object_is_nothing(folder_store, tmp_path):
    (tmp_path / "source").write_bytes(b"x")
    folder_store.put_file("a", tmp_path / "source")
    assert asyncio.run(folder_store.info("a/b")) is None
    asyncio.run(folder_store.delete("a/b"))
    with pytest.raises(StorageError, match="cannot be stored"):
        folder_store.put_file("a/b", tmp_path / "source")
    assert folder_store.path("a").read_bytes() == b"x"


def test_a_folder_that_is_gone_does_not_check_well(folder_store):
    folder_store.root.rmdir()
    with pytest.raises(StorageError, match="cannot be written"):
        asyncio.run(folder_store.check())
