"""Rows of inference jobs and their files as the API gives them."""

from __future__ import annotations

import msgspec

from relaylib.api import DetectionBody, InferenceConfig, InferenceFile, InferenceJob, InferenceJobDetail
from relaylib.server.database.tables import InferenceFileRow, InferenceJobRow
from relaylib.server.inference.counters import Counts

__all__ = ["inference_file", "inference_job", "inference_job_detail"]


def inference_job(row: InferenceJobRow, counts: Counts) -> InferenceJob:
    """Return an inference job as the API gives it in lists."""
    return InferenceJob(
        id=row.id,
        tenant_id=row.tenant_id,
        model_id=row.model_id,
        config=msgspec.convert(row.config, InferenceConfig),
        status=row.status,  # type: ignore[arg-type]  # the rows hold nothing else
        total_files=counts.n_files,
        processed_files=counts.n_completed,
        failed_files=counts.n_failed,
        total_detections=counts.n_detections,
        error_message=row.error_message,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
    )


def inference_job_detail(row: InferenceJobRow, files: list[InferenceFileRow]) -> InferenceJobDetail:
    """Return an inference job with its files."""
    job = msgspec.structs.asdict(inference_job(row, Counts.of(files)))
    return InferenceJobDetail(**job, files=[inference_file(file) for file in files])


def inference_file(row: InferenceFileRow) -> InferenceFile:
    """Return a file as the API gives it."""
    return InferenceFile(
        id=row.id,
        inference_job_id=row.inference_job_id,
        original_filename=row.original_filename,
        s3_key=row.object_key,
        duration_ms=row.duration_ms,
        status=row.status,  # type: ignore[arg-type]  # the rows hold nothing else
        error_message=row.error_message,
        detections=msgspec.convert(row.detections, list[DetectionBody]),
        detection_count=row.detection_count,
        processed_at=row.processed_at,
        file_id=row.id,
    )
