"""Objects as files of a folder; clients reach them through a route of this server."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlencode

from relaylib.server.objects.errors import ObjectMissingError, StorageError
from relaylib.server.objects.keys import check_key
from relaylib.server.objects.parts import PartFile
from relaylib.server.objects.policy import server_form, sign_download
from relaylib.server.objects.store import ObjectInfo, PresignedUpload

__all__ = ["FolderStore"]

_BATCH = 500


class FolderStore:
    """Objects as files below `root`; ``storage_router`` serves them.

    Parameters
    ----------
    root : Path
        Belongs to the store; every server that shares it needs the same `secret`.
    secret : bytes
        Signs upload forms and download URLs.
    make_folder : bool
        Whether `root` is made where it is missing.
    """

    def __init__(self, root: Path, secret: bytes, *, make_folder: bool = True) -> None:
        self.root = root
        self.secret = secret
        if not make_folder:
            return
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StorageError(f"{root} cannot be used for objects: {exc.strerror or exc}.") from exc

    @property
    def landing(self) -> FolderStore:
        """The store itself: its uploads always come through this server."""
        return self

    def begin_upload(self, key: str) -> PartFile:
        """Return an empty file beside where the object will be, see :meth:`Landing.begin_upload`."""
        self._check_root()
        return PartFile(self.path(key))

    async def finish_upload(self, key: str, part: PartFile) -> None:
        """Put the file in its place, see :meth:`Landing.finish_upload`."""
        await asyncio.to_thread(part.commit)

    def sweep(self) -> None:
        """Remove what uploads left that were cut off by the end of their server; those at work are spared."""
        PartFile.sweep(self.root)

    def path(self, key: str) -> Path:
        """Return where the object of a key is, or would be.

        Raises
        ------
        ParameterError
            If `key` could lead out of the folder.
        """
        return self.root / check_key(key)

    def presign_upload(self, key: str, *, expires_in: int, max_bytes: int, base_url: str) -> PresignedUpload:
        """Return a form for ``POST /storage``, see :meth:`ObjectStore.presign_upload`."""
        now = datetime.now(timezone.utc)
        return server_form(
            key, secret=self.secret, now=now, expires_in=expires_in, max_bytes=max_bytes, base_url=base_url
        )

    def presign_download(self, key: str, *, expires_in: int, filename: str, content_type: str, base_url: str) -> str:
        """Return a URL for ``GET /storage/{key}``, see :meth:`ObjectStore.presign_download`."""
        expires = datetime.now(timezone.utc) + timedelta(seconds=expires_in)
        query = {
            "expires": str(int(expires.timestamp())),
            "filename": filename.encode("utf-8", "replace").decode(),
            "content-type": content_type.encode("utf-8", "replace").decode(),
        }
        query["signature"] = sign_download(check_key(key), query, secret=self.secret)
        return f"{base_url.rstrip('/')}/storage/{key}?{urlencode(query)}"

    async def info(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if it isn't there."""
        return await asyncio.to_thread(self._look_up, key)

    async def delete(self, key: str) -> None:
        """Remove an object, and the folders that it leaves empty; nothing happens if it isn't there."""
        await asyncio.to_thread(self._delete, self.path(key))

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix`."""
        found = self._walk(prefix)
        while batch := await asyncio.to_thread(lambda: [*itertools.islice(found, _BATCH)]):
            for info in batch:
                yield info

    async def check(self) -> None:
        """Raise `StorageError` unless a file can be written."""
        await asyncio.to_thread(self._check)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give the object's own file.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        StorageError
            If the folder isn't.
        """
        path = self.path(key)
        if not path.is_file():
            self._check_root()
            raise ObjectMissingError(f"There is no object {key!r}.")
        yield path

    def put_file(self, key: str, path: Path) -> None:
        """Store a copy of a file under `key`, whole or not at all."""
        self._check_root()
        part = None
        try:
            part = PartFile(self.path(key))
            with path.open("rb") as source:
                shutil.copyfileobj(source, part.file, 1 << 20)
            part.commit()
        except OSError as exc:
            raise StorageError(f"{path} cannot be stored as {key!r}: {exc.strerror or exc}.") from exc
        finally:
            if part is not None:
                part.discard()

    def _look_up(self, key: str) -> ObjectInfo | None:
        found = _info(self.path(key), key)
        if found is None:
            self._check_root()
        return found

    def _check_root(self) -> None:
        if not self.root.is_dir():
            raise StorageError(f"{self.root} is not there, or no folder; is what it lies on mounted?")

    def _walk(self, prefix: str) -> Iterator[ObjectInfo]:
        folder = prefix.rpartition("/")[0]
        if folder:
            check_key(folder)
        for place, folders, names in os.walk(self.root / folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = Path(place, name)
                key = path.relative_to(self.root).as_posix()
                if not name.startswith(".") and key.startswith(prefix) and (info := _info(path, key)):
                    yield info

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as exc:
            raise StorageError(f"{path} cannot be removed: {exc.strerror or exc}.") from exc
        with suppress(OSError):  # a folder that isn't empty, or is already gone
            for folder in itertools.takewhile(lambda parent: parent != self.root, path.parents):
                folder.rmdir()

    def _check(self) -> None:
        probe = self.root / f".{secrets.token_hex(8)}.part"
        try:
            probe.write_bytes(b"ready")
        except OSError as exc:
            raise StorageError(f"{self.root} cannot be written: {exc.strerror or exc}.") from exc
        finally:
            with suppress(OSError):
                probe.unlink()


def _info(path: Path, key: str) -> ObjectInfo | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return ObjectInfo(key, found.st_size, datetime.fromtimestamp(found.st_mtime, timezone.utc))
