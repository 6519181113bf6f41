"""Training jobs, rows T1 to T4 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relaylib.api.common import TypeName

__all__ = ["CreateTrainingJob", "EpochMetrics", "TrainingConfig", "TrainingJob", "TrainingStatus"]

TrainingStatus = Literal["pending", "queued", "training", "completed", "failed", "cancelled"]


class TrainingConfig(msgspec.Struct):
    """How a model is trained; unknown fields are ignored."""

    artifact_types: Annotated[list[TypeName], Meta(min_length=1)]
    epochs: Annotated[int, Meta(ge=1, le=100)] = 20
    validation_split: Annotated[float, Meta(ge=0.1, le=0.5)] = 0.2
    learning_rate: Annotated[float, Meta(ge=0.0001, le=0.1)] = 0.001
    batch_size: Annotated[int, Meta(ge=8, le=256)] = 32
    chunk_size_ms: Annotated[int, Meta(ge=20, le=60_000)] = 500
    stride_ms: Annotated[int, Meta(ge=20, le=60_000)] = 250


class CreateTrainingJob(msgspec.Struct):
    """Ask for a model, trained on a published annotation set."""

    dataset_id: UUID
    annotation_set_id: UUID
    config: TrainingConfig


class EpochMetrics(msgspec.Struct):
    """What an epoch of one fold came to."""

    fold: int
    epoch: int
    train_loss: float
    validation_loss: float
    validation_f1: float


class TrainingJob(msgspec.Struct):
    """A training and what became of it; `history` grows while it runs."""

    id: UUID
    status: TrainingStatus
    progress_percent: float
    metrics: dict[str, Any] | None
    error_message: str | None
    tenant_id: UUID | None = None
    dataset_id: UUID | None = None
    annotation_set_id: UUID | None = None
    config: TrainingConfig | None = None
    model_id: UUID | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    history: list[EpochMetrics] = []
