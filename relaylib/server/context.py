"""What every part of the server shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from relaylib.server.database import Database
from relaylib.server.objects.store import ObjectStore
from relaylib.server.settings import Settings

__all__ = ["Caller", "Context"]


@dataclass(frozen=True, slots=True)
class Context:
    """The parts that live as long as the server; `wake` tells the dispatcher that jobs were added or cancelled."""

    settings: Settings
    db: Database
    store: ObjectStore
    wake: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request; `base_url` is the address by which this server is known to them."""

    tenant_id: UUID
    key_id: UUID
    base_url: str
