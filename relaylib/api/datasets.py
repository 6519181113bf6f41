"""Datasets, rows D1 to D5 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relaylib.api.common import Name, TypeName

__all__ = ["ArtifactTypeBody", "CreateDataset", "Dataset", "DatasetSummary", "UpdateDataset"]

Color = Annotated[str, Meta(pattern=r"^#[0-9A-Fa-f]{6}$")]


class ArtifactTypeBody(msgspec.Struct):
    """A kind of artifact that a dataset marks; `name` identifies it in the dataset."""

    name: TypeName
    description: str | None = None
    color: Color = "#FF0000"


class CreateDataset(msgspec.Struct):
    """Ask for a new dataset."""

    name: Name
    description: str | None = None
    artifact_types: list[ArtifactTypeBody] = []


class UpdateDataset(msgspec.Struct):
    """Change some fields of a dataset; `artifact_types` is replaced as a whole."""

    name: Name | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    artifact_types: list[ArtifactTypeBody] | UnsetType = UNSET


class Dataset(msgspec.Struct):
    """Audio files, annotation sets, and the artifact types that are marked in them."""

    id: UUID
    name: str
    description: str | None
    artifact_types: list[ArtifactTypeBody]
    created_at: datetime
    updated_at: datetime
    tenant_id: UUID | None = None


class DatasetSummary(Dataset):
    """A dataset in a list, with what it holds."""

    audio_count: int = 0
    annotation_set_count: int = 0
