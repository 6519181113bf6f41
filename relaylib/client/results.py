"""What a server found in a file, as the library's value."""

from __future__ import annotations

from pathlib import PurePath

from relaylib.api import DetectionBody, InferenceFile
from relaylib.client.resource import PathLike
from relaylib.types import Detection, FileResult

__all__ = ["failed_result", "file_result"]


def file_result(path: PathLike, file: InferenceFile) -> FileResult:
    """Return what became of `path`; a file that was not looked at has failed."""
    name = PurePath(path).name
    if file.status == "completed":
        found = tuple(sorted(map(_detection, file.detections or ())))
        return FileResult(name, file.duration_ms, "completed", found)
    reason = file.error_message or f"the job ended before this file did ({file.status})"
    return FileResult(name, file.duration_ms, "failed", error_message=reason)


def failed_result(path: PathLike, error: Exception) -> FileResult:
    """Return that `path` did not reach the server."""
    return FileResult(PurePath(path).name, None, "failed", error_message=str(error) or type(error).__name__)


def _detection(body: DetectionBody) -> Detection:
    """Return a detection; one without length covers a millisecond, as spans here have to cover something."""
    start = max(0, body.start_ms)
    return Detection(start, max(start + 1, body.end_ms), body.artifact_type, min(1.0, max(0.0, body.confidence)))
