"""The key that signs upload forms and download URLs: made on first use, and kept."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from relaylib.server.objects.errors import StorageError

__all__ = ["kept_secret"]

_BYTES = 32


def kept_secret(path: Path) -> bytes:
    """Return the secret in a file that only its owner may read; processes that make it at once agree on one.

    Raises
    ------
    StorageError
        If the file can't be read or made, or isn't such a secret.
    """
    try:
        if not path.exists():
            _make(path)
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as exc:
        raise StorageError(f"{path}: the storage key cannot be used ({exc}).") from exc
    if len(secret) < _BYTES:
        raise StorageError(f"{path}: the storage key is too short; remove the file and a new one is made.")
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was faster: its secret counts
            os.link(draft, path)
    finally:
        draft.unlink()
