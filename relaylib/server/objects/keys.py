"""The names of objects."""

from __future__ import annotations

import re
from typing import Literal, get_args
from uuid import UUID

from relaylib.errors import ParameterError

__all__ = ["check_key", "object_key", "tenant_prefixes"]

Folder = Literal["audio", "inference", "models"]

_PART = r"(?!\.)[0-9A-Za-z._-]{1,200}"  # a leading dot is for "..", and for files that are being written
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")
_LONGEST_KEY = 900


def object_key(folder: Folder, tenant_id: UUID, name: str) -> str:
    """Return the key of a tenant's object."""
    return f"{folder}/{tenant_id}/{name}"


def tenant_prefixes(tenant_id: UUID) -> list[str]:
    """Return how the keys of all objects of a tenant begin."""
    return [object_key(folder, tenant_id, "") for folder in get_args(Folder)]


def check_key(key: str) -> str:
    """Return `key` if it is a safe relative path.

    Raises
    ------
    ParameterError
        If it has other characters than ``[0-9A-Za-z._/-]``, an empty part, or a part that begins with a dot.

    Examples
    --------
    >>> check_key("uploads/0190/audio.wav")
    'uploads/0190/audio.wav'
    """
    if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key):
        raise ParameterError(
            f"{key[:100]!r} is not an object key: need parts of [0-9A-Za-z._-] that begin without a dot, "
            f"joined by '/', and at most {_LONGEST_KEY} characters."
        )
    return key
