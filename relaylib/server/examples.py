"""Bodies to try the API with, by the name of their type."""

from __future__ import annotations

from typing import Any

__all__ = ["EXAMPLES"]

_AUDIO_ID = "456e7890-e89b-12d3-a456-426614174001"

_ANNOTATION = {
    "audio_file_id": _AUDIO_ID,
    "artifact_type": "glitch",
    "start_ms": 1200,
    "end_ms": 1450,
    "confidence": 1.0,
}

EXAMPLES: dict[str, Any] = {
    "CreateApiKey": {"name": "Production Server"},
    "CreateDataset": {
        "name": "TTS Glitch Detection",
        "description": "Detect glitches and pauses in TTS output",
        "artifact_types": [
            {"name": "glitch", "description": "Audio pop or click", "color": "#FF4444"},
            {"name": "long_pause", "description": "Unnatural pause > 500ms", "color": "#4444FF"},
        ],
    },
    "UpdateDataset": {"name": "TTS Glitch Detection, second round"},
    "CreateAudioUpload": {"filename": "sample_audio.wav", "content_type": "audio/wav", "file_size": 1048576},
    "ConfirmAudio": {"audio_id": _AUDIO_ID},
    "CreateAnnotation": _ANNOTATION,
    "CreateAnnotations": {
        "annotations": [
            _ANNOTATION,
            {**_ANNOTATION, "artifact_type": "long_pause", "start_ms": 3500, "end_ms": 4200},
        ]
    },
    "UpdateAnnotation": {"end_ms": 1500},
    "CreateTrainingJob": {
        "dataset_id": "123e4567-e89b-12d3-a456-426614174000",
        "annotation_set_id": "789e0123-e89b-12d3-a456-426614174002",
        "config": {
            "artifact_types": ["glitch", "long_pause"],
            "epochs": 20,
            "validation_split": 0.2,
            "learning_rate": 0.001,
            "batch_size": 32,
        },
    },
    "UpdateModel": {"name": "Glitches, March", "is_active": True},
    "CreateInferenceJob": {
        "model_id": "abce4567-e89b-12d3-a456-426614174003",
        "config": {"threshold": 0.5, "merge_window_ms": 200, "min_duration_ms": 50},
    },
    "CreateFileUpload": {"filename": "test_audio.wav", "content_type": "audio/wav", "file_size_bytes": 2097152},
    "ConfirmFile": {"file_id": _AUDIO_ID},
}
