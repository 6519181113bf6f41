"""A recording and a stored detector in, detections out."""

from __future__ import annotations

from collections.abc import Callable

from relaylib.api import DetectionBody
from relaylib.postprocess import decode
from relaylib.server.jobs.tasks import DetectArtifacts, Detected, Progress
from relaylib.server.jobs.work.context import WorkContext
from relaylib.types import DecodeConfig

__all__ = ["detect_artifacts"]


def detect_artifacts(task: DetectArtifacts, context: WorkContext, progress: Callable[[Progress], None]) -> Detected:
    """Return what :meth:`relaylib.Detector.detect` finds in a stored recording, and how long that is.

    Raises
    ------
    TaskFailedError
        If the file cannot be decoded, or the model does not fit this server.
    """
    progress(Progress(0.0, "loading"))
    detector = context.detector(task.model_key)
    progress(Progress(0.1, "detecting"))
    with context.opened(task.key, task.filename) as path:
        scores = detector.score(path)
    config = task.config
    found = decode(scores, DecodeConfig(config.threshold, config.merge_window_ms, config.min_duration_ms))
    bodies = [DetectionBody(d.artifact_type, d.start_ms, d.end_ms, d.confidence) for d in found]
    return Detected(scores.duration_ms, bodies)
