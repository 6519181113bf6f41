"""Uploaded files and trained models: kept in a folder, or in a bucket of S3."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from relaylib.errors import ParameterError
from relaylib.server.objects.errors import ObjectMissingError, StorageError
from relaylib.server.objects.folder import FolderStore
from relaylib.server.objects.secret import kept_secret
from relaylib.server.objects.store import ObjectInfo, ObjectStore, PresignedUpload

__all__ = ["ObjectInfo", "ObjectMissingError", "ObjectStore", "PresignedUpload", "StorageError", "open_store"]

_CACHE_BYTES = 4 << 30


def open_store(url: str | None, *, data_dir: Path, make_folder: bool = True) -> ObjectStore:
    """Return the store of a URL.

    Parameters
    ----------
    url : str, optional
        ``file:///PATH`` or ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&uploads=direct``; the folder ``objects``
        of `data_dir` when left out.
    data_dir : Path
        Where the key that signs for this server is kept, and what is on its way to or from a bucket.
    make_folder : bool
        Whether a folder for objects is made where there is none; otherwise it is away until it comes back.

    Raises
    ------
    ParameterError
        If the URL is of neither kind.
    StorageError
        If the folder or the key in it can't be used.
    """
    try:
        scheme = urlsplit(url).scheme if url else "file"
    except ValueError as exc:
        raise ParameterError(f"The storage URL cannot be read: {exc}.") from exc
    if scheme not in ("file", "s3"):
        known = "file:///PATH and s3://BUCKET?endpoint=URL&region=NAME"
        raise ParameterError(f"The storage URL begins with {scheme!r}; known are {known}.")
    if not url or scheme == "file":
        folder = _folder(url) if url else data_dir / "objects"
        return FolderStore(folder, kept_secret(data_dir / "storage.key"), make_folder=make_folder)
    from relaylib.server.objects.s3 import S3Store  # boto3 takes its time to load

    return S3Store(
        url,
        secret=kept_secret(data_dir / "storage.key"),
        uploads_dir=data_dir / "uploads",
        cache_dir=data_dir / "cache" / "objects",
        cache_bytes=_CACHE_BYTES,
    )


def _folder(url: str) -> Path:
    parts = urlsplit(url)
    path = Path(unquote(parts.path))
    if parts.netloc not in ("", "localhost") or not path.is_absolute() or "\0" in str(path) or path == Path("/"):
        raise ParameterError(f"storage {url!r} names no folder; use file:///PATH with three slashes.")
    return path
