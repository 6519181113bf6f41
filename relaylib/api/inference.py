"""Inference jobs and their files, rows I1 to I4 and F1 to F6 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from relaylib.api.audio import FileName, FileSize
from relaylib.api.common import Confidence

__all__ = [
    "ConfirmFile",
    "CreateFileUpload",
    "CreateInferenceJob",
    "DetectionBody",
    "FileStatus",
    "InferenceConfig",
    "InferenceFile",
    "InferenceJob",
    "InferenceJobDetail",
    "InferenceStatus",
]

InferenceStatus = Literal["pending", "processing", "completed", "failed", "cancelled"]
FileStatus = Literal["pending", "queued", "processing", "completed", "failed"]


class InferenceConfig(msgspec.Struct):
    """How scores become detections; unknown fields are ignored."""

    threshold: Confidence = 0.5
    merge_window_ms: Annotated[int, Meta(ge=0, le=5000)] = 200
    min_duration_ms: Annotated[int, Meta(ge=0, le=1000)] = 50


class CreateInferenceJob(msgspec.Struct):
    """Ask for detections by a model; files are added afterwards."""

    model_id: UUID
    config: InferenceConfig | None = None


class CreateFileUpload(msgspec.Struct):
    """Ask where to upload a file; its size goes by either name."""

    filename: FileName
    file_size_bytes: FileSize | None = None
    file_size: FileSize | None = None
    content_type: str = "audio/wav"


class ConfirmFile(msgspec.Struct):
    """Say that a file has been uploaded; its id goes by either name."""

    file_id: UUID | None = None
    audio_id: UUID | None = None


class DetectionBody(msgspec.Struct):
    """A span that the model reports."""

    artifact_type: str
    start_ms: int
    end_ms: int
    confidence: float


class InferenceFile(msgspec.Struct):
    """A file of an inference job; `detections` is empty before it is completed."""

    id: UUID
    inference_job_id: UUID
    original_filename: str
    s3_key: str
    duration_ms: int | None
    status: FileStatus
    error_message: str | None
    detections: list[DetectionBody] | None
    detection_count: int
    processed_at: datetime | None
    file_id: UUID | None = None


class InferenceJob(msgspec.Struct):
    """A model at work on files; counts those that were confirmed."""

    id: UUID
    tenant_id: UUID
    model_id: UUID
    config: InferenceConfig
    status: InferenceStatus
    total_files: int
    processed_files: int
    failed_files: int
    total_detections: int
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class InferenceJobDetail(InferenceJob):
    """An inference job with its files."""

    files: list[InferenceFile]
