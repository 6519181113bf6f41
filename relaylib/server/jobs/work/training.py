"""Labelled recordings in, a stored detector out."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from relaylib.api import EpochMetrics, TrainingConfig
from relaylib.models import TrainConfig, TrainProgress, train
from relaylib.server.jobs.tasks import LabelledAudio, Progress, Trained, TrainModel
from relaylib.server.jobs.work.context import WorkContext
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

__all__ = ["train_model"]

_log = logging.getLogger(__name__)

_EMBEDDED, _FITTED = 0.2, 0.95
"""Shares of the whole that are done after embedding (mostly at hand) and after fitting."""


def train_model(task: TrainModel, context: WorkContext, progress: Callable[[Progress], None]) -> Trained:
    """Train a detector on cached embeddings and store it under ``task.model_key``, whole or not at all.

    `progress` hears of every file (stage ``embedding``), every epoch of every fold (``training``) and the end
    (``saving``).

    Raises
    ------
    TaskFailedError, TrainingError
        If there is too little to train on.
    """
    named = _uniquely_named(task.audio)

    def opened(filename: str) -> AbstractContextManager[Path]:
        return context.stored(named[filename].key, filename)

    detector = train(
        _manifest(named, task.config.artifact_types),
        context.encoder,
        _library_config(task.config),
        audio_root=opened,
        cache=context.cache,
        progress=lambda event: progress(_told(event)),
    )
    progress(Progress(_FITTED, "saving"))
    with tempfile.TemporaryDirectory(prefix="relay-model-") as folder:
        path = detector.save(Path(folder) / "model.safetensors")
        context.store.put_file(task.model_key, path)
    return Trained(list(detector.artifact_types), _plain(detector.metrics))


def _uniquely_named(recordings: Sequence[LabelledAudio]) -> dict[str, LabelledAudio]:
    """Return the recordings by the names their owners gave them; the second of a name gets `` (2)``."""
    named: dict[str, LabelledAudio] = {}
    for recording in recordings:
        name, n = recording.filename, 1
        while name in named:
            n += 1
            name = f"{recording.filename} ({n})"
        named[name] = recording
    return named


def _manifest(named: dict[str, LabelledAudio], wanted: Sequence[str]) -> Manifest:
    """Return all annotations, those of other types too: a recording that has some is not clean."""
    items = tuple(
        AudioItem(
            name,
            recording.duration_ms,
            annotations=tuple(Annotation(s.start_ms, s.end_ms, s.artifact_type, s.confidence) for s in recording.spans),
        )
        for name, recording in named.items()
    )
    types = dict.fromkeys([*wanted, *(span.artifact_type for item in items for span in item.annotations)])
    return Manifest(tuple(map(ArtifactType, types)), items)


def _library_config(config: TrainingConfig) -> TrainConfig:
    return TrainConfig(**{**msgspec.structs.asdict(config), "artifact_types": tuple(config.artifact_types)})


def _told(event: TrainProgress) -> Progress:
    share = event.done / max(1, event.total)
    if event.stage == "embedding":
        return Progress(_EMBEDDED * share, "embedding")
    return Progress(_EMBEDDED + (_FITTED - _EMBEDDED) * share, "training", _epoch(event))


def _epoch(event: TrainProgress) -> EpochMetrics | None:
    """Return the figures of an epoch; None if they are no numbers that JSON holds, as when training diverges."""
    if event.fold is None or event.epoch is None:
        return None
    figures = (event.train_loss, event.validation_loss, event.validation_f1)
    known = [float(figure) for figure in figures if figure is not None and math.isfinite(figure)]
    if len(known) < len(figures):
        _log.warning("Epoch %d of fold %d has losses that are no numbers: %s.", event.epoch, event.fold, figures)
        return None
    return EpochMetrics(event.fold, event.epoch, *known)


def _plain(value: Any) -> Any:
    """Return metrics as JSON holds them, without what is unknown or no number."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items() if not _unknown(item)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value if not _unknown(item)]
    return value


def _unknown(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))
