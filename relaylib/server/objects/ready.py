"""Where a tenant's model is a detector that comes along: in no store, but in the package of whoever works with it."""

from __future__ import annotations

from uuid import UUID

__all__ = ["ready_detector", "ready_key"]

_PREFIX = "ready/"


def ready_key(tenant_id: UUID, detector: str) -> str:
    """Return the object key of a detector that comes along, as a model of a tenant.

    Examples
    --------
    >>> ready_detector(ready_key(UUID(int=7), "tts-artifacts"))
    'tts-artifacts'
    """
    return f"{_PREFIX}{tenant_id}/{detector}"


def ready_detector(key: str) -> str | None:
    """Return the name of the detector that an object key stands for; None for keys of stored objects."""
    return key.rpartition("/")[2] if key.startswith(_PREFIX) else None
