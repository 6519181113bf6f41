"""Heavy work as values: what a worker is asked, what it tells meanwhile, and what it answers."""

from __future__ import annotations

from typing import Any

import msgspec

from relaylib.api import DetectionBody, EpochMetrics, InferenceConfig, TrainingConfig

__all__ = [
    "DetectArtifacts",
    "Detected",
    "LabelledAudio",
    "PrepareAudio",
    "Prepared",
    "Progress",
    "Result",
    "Span",
    "Task",
    "TrainModel",
    "Trained",
]


class PrepareAudio(msgspec.Struct, frozen=True, tag=True):
    """Decode an uploaded file as 16 kHz mono and embed it; progress has the stages ``normalizing``, ``embedding``.

    Messages call it `filename`.
    """

    key: str
    filename: str = "the file"


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """What came of :class:`PrepareAudio`."""

    duration_ms: int


class Span(msgspec.Struct, frozen=True):
    """An annotation as training needs it."""

    artifact_type: str
    start_ms: int
    end_ms: int
    confidence: float


class LabelledAudio(msgspec.Struct, frozen=True):
    """A recording and its annotations; none means clean."""

    key: str
    filename: str
    duration_ms: int
    spans: list[Span]


class TrainModel(msgspec.Struct, frozen=True, tag=True):
    """Train a detector and store it under `model_key`."""

    audio: list[LabelledAudio]
    config: TrainingConfig
    model_key: str


class Trained(msgspec.Struct, frozen=True, tag=True):
    """What came of :class:`TrainModel`; `metrics` is the API's ``eval_metrics``."""

    artifact_types: list[str]
    metrics: dict[str, Any]


class DetectArtifacts(msgspec.Struct, frozen=True, tag=True):
    """Find artifacts in an uploaded file by a stored detector; messages call the file `filename`."""

    key: str
    model_key: str
    config: InferenceConfig
    filename: str = "the file"


class Detected(msgspec.Struct, frozen=True, tag=True):
    """What came of :class:`DetectArtifacts`."""

    duration_ms: int
    detections: list[DetectionBody]


class Progress(msgspec.Struct, frozen=True, tag=True):
    """Where a task stands: `fraction` of the whole (0 to 1), the stage it is in, an epoch that has just ended."""

    fraction: float
    stage: str
    epoch: EpochMetrics | None = None


Task = PrepareAudio | TrainModel | DetectArtifacts
Result = Prepared | Trained | Detected
