"""Objects in a bucket of S3, or of a store that speaks its protocol."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

import boto3  # type: ignore[import-untyped]
from boto3.exceptions import Boto3Error  # type: ignore[import-untyped]
from boto3.s3.transfer import TransferConfig  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from relaylib.errors import ParameterError
from relaylib.server.objects.cache import FileCache
from relaylib.server.objects.disposition import content_disposition, safe_content_type
from relaylib.server.objects.errors import ObjectMissingError, StorageError
from relaylib.server.objects.keys import check_key
from relaylib.server.objects.parts import PartFile
from relaylib.server.objects.policy import server_form
from relaylib.server.objects.store import ObjectInfo, PresignedUpload

__all__ = ["S3Store"]

_MISSING = {"404", "NoSuchKey", "NotFound"}
_OPTIONS = ("endpoint", "region", "uploads")
_UPLOADS = ("server", "direct")
_FORM = "s3://BUCKET/PREFIX?endpoint=URL&region=NAME&uploads=direct"
_PIECE = 1 << 20
_SENDERS = 8  # uploads that are passed on at once; the others wait for their turn
_PARTS_AT_ONCE = 4
_TRANSFER = TransferConfig(max_concurrency=_PARTS_AT_ONCE)


class S3Store:
    """Objects of a bucket; clients download from it directly, and upload through this server or directly.

    Parameters
    ----------
    url : str
        ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&uploads=direct``; all but the bucket may be left out. Without
        ``uploads=direct`` the server takes the uploads and passes them on, so that clients need to send no more
        than key, policy and signature, where S3 asks for every field. Credentials come from where the tools of
        AWS look for them, such as ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.
    secret : bytes
        Signs the forms of uploads through the server; every server that takes them needs the same.
    uploads_dir : Path
        Where uploads are kept until the bucket has them.
    cache_dir : Path
        Where :meth:`local` keeps copies.
    cache_bytes : int
        What the copies may take together.

    Raises
    ------
    ParameterError
        If the URL is not as above.
    """

    def __init__(self, url: str, *, secret: bytes, uploads_dir: Path, cache_dir: Path, cache_bytes: int) -> None:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc:
            raise ParameterError(f"A bucket is given as {_FORM}, without a key.")
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise ParameterError(f"{url}: unknown option {unknown[0]!r}; known are {', '.join(_OPTIONS)}.")
        uploads = options.get("uploads", _UPLOADS[0])
        if uploads not in _UPLOADS:
            raise ParameterError(f"{url}: uploads={uploads!r} is none of {', '.join(_UPLOADS)}.")
        self.secret = secret
        self._direct = uploads == "direct"
        self._uploads_dir = uploads_dir
        self._senders = ThreadPoolExecutor(_SENDERS, "s3-upload")  # a slow bucket holds up no other threads
        prefix = parts.path.strip("/")
        self._bucket = parts.netloc
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._cache = FileCache(cache_dir, cache_bytes)
        endpoint = options.get("endpoint") or None
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",  # other stores than AWS may not know the newer checksums
            response_checksum_validation="when_required",
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=10,
            max_pool_connections=_SENDERS * _PARTS_AT_ONCE,
        )
        try:
            session = boto3.session.Session()
            region = options.get("region") or session.region_name or "us-east-1"
            self._client: Any = session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        except (BotoCoreError, ValueError) as exc:
            raise ParameterError(f"{url}: {exc}") from exc

    @property
    def landing(self) -> S3Store | None:
        """The store itself, unless clients upload to the bucket directly."""
        return None if self._direct else self

    def begin_upload(self, key: str) -> PartFile:
        """Return an empty file in the folder for uploads, see :meth:`Landing.begin_upload`."""
        return PartFile(self._uploads_dir / PurePosixPath(check_key(key)).name)

    async def finish_upload(self, key: str, part: PartFile) -> None:
        """Pass the file on to the bucket, see :meth:`Landing.finish_upload`."""
        await asyncio.get_running_loop().run_in_executor(self._senders, self._pass_on, key, part)

    def sweep(self) -> None:
        """Remove what uploads left that were cut off by the end of their server; those at work are spared."""
        PartFile.sweep(self._uploads_dir)

    def presign_upload(self, key: str, *, expires_in: int, max_bytes: int, base_url: str) -> PresignedUpload:
        """Return a form for ``POST /storage`` or for the bucket, see :meth:`ObjectStore.presign_upload`."""
        if not self._direct:
            now = datetime.now(timezone.utc)
            return server_form(
                key, secret=self.secret, now=now, expires_in=expires_in, max_bytes=max_bytes, base_url=base_url
            )
        with self._errors("sign a form for", key):
            form = self._client.generate_presigned_post(
                self._bucket,
                self._name(key),
                Conditions=[["content-length-range", 1, max_bytes]],
                ExpiresIn=expires_in,
            )
        return PresignedUpload(form["url"], form["fields"], expires_in)

    def presign_download(self, key: str, *, expires_in: int, filename: str, content_type: str, base_url: str) -> str:
        """Return a URL of the bucket, see :meth:`ObjectStore.presign_download`."""
        parameters = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ResponseContentDisposition": content_disposition(filename),
            "ResponseContentType": safe_content_type(content_type),
        }
        with self._errors("sign a URL for", key):
            url: str = self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=expires_in)
        return url

    async def info(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, None if it isn't there."""
        head = await asyncio.to_thread(self._head, key)
        return None if head is None else ObjectInfo(key, head["ContentLength"], head["LastModified"])

    async def delete(self, key: str) -> None:
        """Remove an object; nothing happens if it isn't there."""
        with self._errors("delete", key):
            await asyncio.to_thread(self._client.delete_object, Bucket=self._bucket, Key=self._name(key))

    async def list(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield every object whose key begins with `prefix`."""
        paginator = self._client.get_paginator("list_objects_v2")
        pages = iter(paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix))
        while True:
            with self._errors("list", prefix):
                page = await asyncio.to_thread(next, pages, None)
            if page is None:
                return
            for entry in page.get("Contents", ()):
                yield ObjectInfo(entry["Key"][len(self._prefix) :], entry["Size"], entry["LastModified"])

    async def check(self) -> None:
        """Raise `StorageError` unless the bucket can be listed."""
        with self._errors("list", ""):
            await asyncio.to_thread(self._list_one)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """Give a copy in the cache, see :meth:`ObjectStore.local`; fetched again only if the object has changed.

        Raises
        ------
        ObjectMissingError
            If it isn't there.
        """
        head = self._head(key)
        if head is None:
            raise ObjectMissingError(f"There is no object {key!r}.")
        identity = "\n".join([self._bucket, self._name(key), head["ETag"], str(head["ContentLength"])])
        name = hashlib.sha256(identity.encode()).hexdigest() + PurePosixPath(key).suffix
        with self._cache.hold(name, head["ContentLength"], lambda file: self._fetch(key, head["ETag"], file)) as path:
            yield path

    def put_file(self, key: str, path: Path) -> None:
        """Store a file under `key`, whole or not at all."""
        with self._errors("store", key):
            self._client.upload_file(str(path), self._bucket, self._name(key), Config=_TRANSFER)

    def _pass_on(self, key: str, part: PartFile) -> None:
        part.file.flush()
        self.put_file(key, part.path)

    def _name(self, key: str) -> str:
        return self._prefix + check_key(key)

    def _head(self, key: str) -> dict[str, Any] | None:
        with self._errors("look at", key):
            try:
                found: dict[str, Any] = self._client.head_object(Bucket=self._bucket, Key=self._name(key))
            except ClientError as exc:
                if exc.response["Error"]["Code"] not in _MISSING:
                    raise
                self._list_one()  # or it is the bucket that isn't there, of which HEAD says no more
                return None
        return found

    def _list_one(self) -> None:
        self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def _fetch(self, key: str, tag: str, file: BinaryIO) -> None:
        with self._errors("fetch", key):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._name(key), IfMatch=tag)
            for piece in answer["Body"].iter_chunks(_PIECE):
                file.write(piece)

    @contextmanager
    def _errors(self, action: str, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error) as exc:
            raise StorageError(f"s3://{self._bucket}: cannot {action} {key!r}: {exc}") from exc
