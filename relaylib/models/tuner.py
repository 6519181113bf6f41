"""A detector's thresholds, moved to suit speech that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from relaylib.errors import ParameterError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.calibration import calibrated
from relaylib.models.config import ProgressCallback
from relaylib.models.detector import Detector
from relaylib.models.held_out import HeldOut, Labelled
from relaylib.models.material import (
    AudioOpener,
    EmbeddingProgress,
    check_usable,
    embed_items,
    finished,
    opener_of,
    unheard,
)
from relaylib.models.operating_point import OperatingPoint
from relaylib.models.scoring import stream_logits
from relaylib.models.stacked import stacked
from relaylib.models.tuning import move_points, tally
from relaylib.types import Manifest

__all__ = ["tune"]


def tune(
    detector: Detector,
    manifest: Manifest,
    *,
    max_false_alarms_per_hour: float = 20.0,
    audio_root: str | Path | AudioOpener = ".",
    cache: EmbeddingCache | None = None,
    progress: ProgressCallback | None = None,
) -> Detector:
    """Move a detector's thresholds to suit other speech; what it hears stays as it is.

    Where it raises too many false alarms on your speech, or misses too much, some labelled recordings tell from which
    score on it should report. Clean recordings alone will do: thresholds then rise as far as the false alarms demand.
    Recordings that the detector was trained on will not, since it knows them.

    Each type has an even share of the false alarms allowed: detections that touch nothing that is marked, of any type,
    per hour of what is not marked. With events of a type among the recordings its threshold is the best for event-F1
    within that share, drawn to where it was by few events (as in training); without, it never falls. With
    events at all, confidences are made to say anew how often a detection is right. Minimum durations stay.

    Parameters
    ----------
    detector : Detector
        Left as it is. A training that starts from the new one expects thresholds where its training had them.
    manifest : Manifest
        Recordings without annotations count as clean, unless they are still being labelled (`done` is False).
        Annotations of types that the detector does not know are no false alarms of it, and nothing more.
    max_false_alarms_per_hour : float > 0
    audio_root : path or callable
        As for :func:`relaylib.models.train`.
    cache : EmbeddingCache, optional
        Keeps embeddings for the next time.
    progress : callable, optional
        Called with a :class:`TrainProgress` after every file.

    Returns
    -------
    Detector
        Its `metrics` are those of the training, at the thresholds of then, and under `tuned` what was done: `hours`
        heard, `max_false_alarms_per_hour`, recordings left out (`skipped_files`, `unfinished_files`), and in
        `per_class` each type's events (`support`), and `threshold` (a logit), `f1_score` and `false_alarms_per_hour`,
        as they were (``before``) and are.

    Raises
    ------
    TrainingError
        If there is no usable recording.
    ParameterError
        If `max_false_alarms_per_hour` is not positive.
    """
    if not max_false_alarms_per_hour > 0:
        raise ParameterError(f"max_false_alarms_per_hour={max_false_alarms_per_hour}: need a positive number.")
    items, unfinished = finished(manifest)
    skipped: list[str] = []
    tell = EmbeddingProgress(progress or unheard, len(items))
    classify = stacked(detector.head)
    heard = [
        Labelled(
            stream_logits(detector.head, [own.embeddings], classify=classify),
            own.item.annotations,
            own.item.duration_ms or 0,
        )
        for own in embed_items(items, detector.encoder, opener_of(audio_root), cache, tell, skipped)
    ]
    check_usable(len(heard), skipped, unfinished)
    held_out, types = HeldOut(heard), detector.artifact_types
    points = move_points(held_out, types, detector.points, max_false_alarms_per_hour)
    was, now = (_figures(held_out, types, which) for which in (detector.points, points))
    if any(own["support"] for own in now.values()):
        points = calibrated(points, heard, types)
    done = {
        "hours": sum(item.duration_ms for item in heard) / 3.6e6,
        "max_false_alarms_per_hour": float(max_false_alarms_per_hour),
        "skipped_files": skipped,
        "unfinished_files": unfinished,
        "per_class": {name: {**now[name], "before": was[name]} for name in types},
    }
    return detector.at(points, metrics={**detector.metrics, "tuned": done})


def _figures(held_out: HeldOut, types: Sequence[str], points: Sequence[OperatingPoint]) -> dict[str, dict[str, Any]]:
    """Return what each type's detections at its point come to."""
    found = {}
    for column, (name, point) in enumerate(zip(types, points, strict=True)):
        own = tally(held_out, column, name, point, np.array([point.logit]))
        found[name] = {
            "support": own.n_reference,
            "threshold": point.logit,
            "f1_score": float(own.f1[0]),
            "false_alarms_per_hour": float(own.stray[0] / own.unmarked_hours) if own.unmarked_hours else None,
        }
    return found
