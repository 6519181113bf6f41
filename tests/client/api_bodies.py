"""Bodies as the documentation of the API shows them."""

from uuid import UUID

NOW = "2024-01-15T10:30:00Z"
DATASET, AUDIO, SET, JOB, MODEL, FILE = (UUID(int=n) for n in range(1, 7))


def dataset(**fields):
    body = {
        "id": str(DATASET),
        "name": "calls",
        "description": None,
        "artifact_types": [{"name": "glitch", "description": "Audio pop", "color": "#FF4444"}],
        "created_at": NOW,
        "updated_at": NOW,
    }
    return body | fields


def audio(number=0, **fields):
    body = {
        "id": str(UUID(int=1000 + number)),
        "original_filename": f"take-{number}.wav",
        "duration_ms": 1000,
        "processing_status": "ready",
        "processing_error": None,
    }
    return body | fields


def annotation(number=0, **fields):
    body = {
        "id": str(UUID(int=2000 + number)),
        "annotation_set_id": str(SET),
        "audio_file_id": str(UUID(int=1000)),
        "artifact_type": "glitch",
        "start_ms": 100,
        "end_ms": 200,
        "confidence": 1.0,
        "extra_data": None,
        "created_at": NOW,
    }
    return body | fields


def annotation_set(**fields):
    body = {
        "id": str(SET),
        "dataset_id": str(DATASET),
        "version": 1,
        "status": "draft",
        "total_annotations": 0,
        "total_positive_duration_ms": 0,
        "annotations_by_type": {},
        "created_at": NOW,
        "published_at": None,
    }
    return body | fields


def training_job(**fields):
    body = {"id": str(JOB), "status": "pending", "progress_percent": 0, "metrics": None, "error_message": None}
    return body | fields


def model(number=0, **fields):
    metrics = {"precision": 0.89, "recall": 0.85, "f1_score": 0.87, "per_class": {}}
    body = {
        "id": str(UUID(int=3000 + number)),
        "name": None,
        "description": None,
        "artifact_types": ["glitch"],
        "training_job_id": str(JOB),
        "eval_metrics": metrics,
        "is_active": True,
        "created_at": NOW,
    }
    return body | fields


def inference_job(**fields):
    body = {
        "id": str(JOB),
        "tenant_id": str(UUID(int=9)),
        "model_id": str(MODEL),
        "config": {"threshold": 0.5, "merge_window_ms": 200, "min_duration_ms": 50},
        "status": "pending",
        "total_files": 0,
        "processed_files": 0,
        "failed_files": 0,
        "total_detections": 0,
        "error_message": None,
        "created_at": NOW,
        "started_at": None,
        "completed_at": None,
    }
    return body | fields


def inference_file(number=0, **fields):
    body = {
        "id": str(UUID(int=4000 + number)),
        "inference_job_id": str(JOB),
        "original_filename": f"take-{number}.wav",
        "s3_key": f"k/{number}",
        "duration_ms": 1000,
        "status": "queued",
        "error_message": None,
        "detections": None,
        "detection_count": 0,
        "processed_at": None,
    }
    return body | fields
