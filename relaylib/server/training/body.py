"""Rows of training jobs as the API gives them."""

from __future__ import annotations

import msgspec

from relaylib.api import EpochMetrics, TrainingConfig, TrainingJob
from relaylib.server.database.tables import TrainingJobRow

__all__ = ["training_job"]


def training_job(row: TrainingJobRow) -> TrainingJob:
    """Return a training job as the API gives it."""
    return TrainingJob(
        id=row.id,
        status=row.status,  # type: ignore[arg-type]  # the rows hold nothing else
        progress_percent=row.progress_percent,
        metrics=row.metrics,
        error_message=row.error_message,
        tenant_id=row.tenant_id,
        dataset_id=row.dataset_id,
        annotation_set_id=row.annotation_set_id,
        config=msgspec.convert(row.config, TrainingConfig),
        model_id=row.model_id,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        history=msgspec.convert(row.history, list[EpochMetrics]),
    )
