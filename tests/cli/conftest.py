from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relaylib.cli import main


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run the command line; an exception that gets through it fails the test."""

    def call(*args: object, status: int = 0) -> Result:
        result = CliRunner().invoke(main, [str(arg) for arg in args])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Return a manifest of a recording with two spans and a clean one; no audio behind it."""
    body = {
        "artifact_types": ["glitch", "echo"],
        "audio": [{"filename": "a.wav", "duration_ms": 5000}, {"filename": "b.wav", "duration_ms": 4000}],
        "annotations": [
            {"filename": "a.wav", "artifact_type": "glitch", "start_ms": 1000, "end_ms": 1050},
            {"filename": "a.wav", "artifact_type": "echo", "start_ms": 2000, "end_ms": 3001, "confidence": 0.5},
        ],
    }
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(body))
    return path


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Return detections for `labels`: the glitch, a false alarm in the clean file, and a failed file."""
    files = [
        {
            "original_filename": "a.wav",
            "duration_ms": 5000,
            "status": "completed",
            "error_message": None,
            "detections": [{"artifact_type": "glitch", "start_ms": 1010, "end_ms": 1060, "confidence": 0.9}],
        },
        {
            "original_filename": "b.wav",
            "duration_ms": 4000,
            "status": "completed",
            "error_message": None,
            "detections": [{"artifact_type": "echo", "start_ms": 0, "end_ms": 100, "confidence": 0.6}],
        },
        {
            "original_filename": "c.wav",
            "duration_ms": None,
            "status": "failed",
            "error_message": "not audio",
            "detections": [],
        },
    ]
    path = tmp_path / "found.json"
    path.write_text(json.dumps({"files": files}))
    return path
