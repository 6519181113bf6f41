"""Models, rows M1 to M4 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from relaylib.api.common import Name

__all__ = ["Model", "UpdateModel"]


class Model(msgspec.Struct):
    """A trained detector."""

    id: UUID
    name: str | None
    description: str | None
    artifact_types: list[str]
    training_job_id: UUID
    eval_metrics: dict[str, Any]
    is_active: bool
    created_at: datetime
    tenant_id: UUID | None = None


class UpdateModel(msgspec.Struct):
    """Change what a model is called, or whether it may be used."""

    name: Name | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    is_active: bool | UnsetType = UNSET
