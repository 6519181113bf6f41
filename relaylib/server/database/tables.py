"""The tables: what the server remembers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from advanced_alchemy.base import AdvancedDeclarativeBase, CommonTableAttributes
from advanced_alchemy.mixins import AuditColumns
from advanced_alchemy.types import GUID, DateTimeUTC
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

__all__ = [
    "AnnotationRow",
    "AnnotationSetRow",
    "ApiKeyRow",
    "AudioFileRow",
    "Base",
    "DatasetRow",
    "InferenceFileRow",
    "InferenceJobRow",
    "JobRow",
    "ModelRow",
    "OwnedRow",
    "TenantRow",
    "TrainingJobRow",
    "UploadedRow",
]

Json = JSON(none_as_null=True)
"""Plain JSON, not PostgreSQL's binary kind: that one forgets the order of keys and refuses some strings."""


class Base(CommonTableAttributes, AuditColumns, AdvancedDeclarativeBase):
    """A row with an id and the times of its making and last change."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(GUID(length=16), default=uuid4, primary_key=True)


class TenantRow(Base):
    """Whom everything belongs to."""

    __tablename__ = "tenants"

    name: Mapped[str] = mapped_column(String(255), unique=True)


class OwnedRow(Base):
    """A row that belongs to a tenant; every query names the tenant."""

    __abstract__ = True

    tenant_id: Mapped[UUID] = mapped_column(GUID(length=16), ForeignKey("tenants.id"), index=True)


class UploadedRow(OwnedRow):
    """A recording that a client uploads."""

    __abstract__ = True

    original_filename: Mapped[str] = mapped_column(String(500))
    content_type: Mapped[str] = mapped_column(String(255))
    file_size_bytes: Mapped[int] = mapped_column(BigInteger)  # as declared until the upload is confirmed
    object_key: Mapped[str] = mapped_column(String(255), unique=True)
    upload_expires_at: Mapped[datetime] = mapped_column(DateTimeUTC(timezone=True))
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)


class ApiKeyRow(OwnedRow):
    """A key by its hash; the key itself is not kept."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(String(255))
    key_prefix: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(Json)
    expires_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    last_used_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class DatasetRow(OwnedRow):
    """A dataset; `n_versions` counts the annotation sets ever made, so that no version is used twice."""

    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    artifact_types: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    n_versions: Mapped[int] = mapped_column(default=0)


class AudioFileRow(UploadedRow):
    """An audio file of a dataset."""

    __tablename__ = "audio_files"

    dataset_id: Mapped[UUID] = mapped_column(GUID(length=16), ForeignKey("datasets.id", ondelete="CASCADE"), index=True)
    processing_status: Mapped[str] = mapped_column(String(16), default="pending")
    processing_error: Mapped[str | None] = mapped_column(Text)


class AnnotationSetRow(OwnedRow):
    """A version of a dataset's labels."""

    __tablename__ = "annotation_sets"
    __table_args__ = (UniqueConstraint("dataset_id", "version"),)

    dataset_id: Mapped[UUID] = mapped_column(GUID(length=16), ForeignKey("datasets.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(String(16), default="draft")
    published_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class AnnotationRow(OwnedRow):
    """A span that a person drew."""

    __tablename__ = "annotations"

    annotation_set_id: Mapped[UUID] = mapped_column(
        GUID(length=16), ForeignKey("annotation_sets.id", ondelete="CASCADE"), index=True
    )
    audio_file_id: Mapped[UUID] = mapped_column(
        GUID(length=16), ForeignKey("audio_files.id", ondelete="CASCADE"), index=True
    )
    artifact_type: Mapped[str] = mapped_column(String(100))
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int] = mapped_column(BigInteger)
    confidence: Mapped[float] = mapped_column(default=1.0)
    extra_data: Mapped[dict[str, Any] | None] = mapped_column(Json)


class TrainingJobRow(OwnedRow):
    """A training; it outlives its dataset, so the ids here are no foreign keys."""

    __tablename__ = "training_jobs"

    dataset_id: Mapped[UUID] = mapped_column(GUID(length=16), index=True)
    annotation_set_id: Mapped[UUID] = mapped_column(GUID(length=16))
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(16), default="pending")
    progress_percent: Mapped[float] = mapped_column(default=0.0)
    history: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    metrics: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error_message: Mapped[str | None] = mapped_column(Text)
    model_id: Mapped[UUID | None] = mapped_column(GUID(length=16))
    started_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    completed_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class ModelRow(OwnedRow):
    """A trained detector; at most one per training."""

    __tablename__ = "models"

    training_job_id: Mapped[UUID] = mapped_column(GUID(length=16), unique=True)
    name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)
    artifact_types: Mapped[list[str]] = mapped_column(Json)
    eval_metrics: Mapped[dict[str, Any]] = mapped_column(Json)
    is_active: Mapped[bool] = mapped_column(default=True)
    object_key: Mapped[str] = mapped_column(String(255), unique=True)


class InferenceJobRow(OwnedRow):
    """A model at work on files; it outlives its model. Counts are those of its files."""

    __tablename__ = "inference_jobs"

    model_id: Mapped[UUID] = mapped_column(GUID(length=16), index=True)
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(16), default="pending")
    error_message: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    completed_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class InferenceFileRow(UploadedRow):
    """A file of an inference job, with its detections."""

    __tablename__ = "inference_files"

    inference_job_id: Mapped[UUID] = mapped_column(
        GUID(length=16), ForeignKey("inference_jobs.id", ondelete="CASCADE"), index=True
    )
    status: Mapped[str] = mapped_column(String(16), default="pending")
    error_message: Mapped[str | None] = mapped_column(Text)
    detections: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    detection_count: Mapped[int] = mapped_column(default=0)
    processed_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))


class JobRow(OwnedRow):
    """Heavy work that is waiting, running or over; the truth about what is still to be done.

    `kind` says what, `subject_id` on which row: an audio file, a training job, an inference file. `lease_token`
    is new each time the job is taken; who holds another one has lost it, and writes nothing. `attempts` counts
    the workers that died of it.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_jobs_state_priority_created_at", "state", "priority", "created_at"),
    )

    kind: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[UUID] = mapped_column(GUID(length=16))
    state: Mapped[str] = mapped_column(String(16), default="queued")  # queued, running, done, failed, cancelled
    priority: Mapped[int] = mapped_column(default=0)  # lower goes first
    attempts: Mapped[int] = mapped_column(default=0)
    progress: Mapped[float] = mapped_column(default=0.0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_token: Mapped[UUID | None] = mapped_column(GUID(length=16))
    lease_expires_at: Mapped[datetime | None] = mapped_column(DateTimeUTC(timezone=True))
    error: Mapped[str | None] = mapped_column(Text)
