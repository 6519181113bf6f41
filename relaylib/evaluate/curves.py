"""How the figures move with the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.counts import EventCounts, event_counts
from relaylib.evaluate.fscore import f_scores
from relaylib.postprocess import decode
from relaylib.types import DecodeConfig, Detection, Scores, Span

__all__ = ["ThresholdCurve", "curve_from_confidences", "curve_from_scores"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ThresholdCurve:
    """Event-based figures at rising thresholds [shape=(n_thresholds,) each, nan where not defined].

    `precision`, `recall` and `f1` are macro averages, `per_hour` are false alarms per hour of audio; `f1_per_type`
    has shape ``(n_thresholds, n_types)``. `source` says what was thresholded.
    """

    source: Literal["scores", "confidences"]
    thresholds: FloatArray
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    per_hour: FloatArray
    f1_per_type: FloatArray


def curve_from_scores(
    reference: Sequence[Sequence[Span]],
    scores: Sequence[Scores],
    type_names: Sequence[str],
    *,
    thresholds: Sequence[float],
    decode_config: DecodeConfig | None = None,
    collar_ms: int = 200,
    offset_ratio: float = 0.2,
) -> ThresholdCurve:
    """Decode the scores at each threshold, everything else as in `decode_config`, and count events.

    A `low_threshold` keeps its ratio to the threshold. Columns of types that are not in `type_names` are ignored.
    """
    config = decode_config or DecodeConfig()
    known = set(type_names)
    points = []
    for threshold in thresholds:
        low = config.low_threshold
        low = None if low is None or config.threshold == 0 else low / config.threshold * threshold
        at = replace(config, threshold=threshold, low_threshold=low)
        found = [[d for d in decode(s, at) if d.artifact_type in known] for s in scores]
        points.append(event_counts(reference, found, type_names, collar_ms=collar_ms, offset_ratio=offset_ratio))
    return _curve("scores", thresholds, points, sum(s.duration_ms for s in scores))


def curve_from_confidences(
    reference: Sequence[Sequence[Span]],
    detections: Sequence[Sequence[Detection]],
    type_names: Sequence[str],
    *,
    thresholds: Sequence[float],
    duration_ms: int = 0,
    collar_ms: int = 200,
    offset_ratio: float = 0.2,
) -> ThresholdCurve:
    """Keep the detections of at least each threshold's confidence and count events.

    This shows only what stricter thresholds would do: what the decoding left out cannot come back. `duration_ms` is the
    length of all files; 0 leaves the rates undefined.
    """
    points = []
    for threshold in thresholds:
        found = [[d for d in file if d.confidence >= threshold] for file in detections]
        points.append(event_counts(reference, found, type_names, collar_ms=collar_ms, offset_ratio=offset_ratio))
    return _curve("confidences", thresholds, points, duration_ms)


def _curve(
    source: Literal["scores", "confidences"],
    thresholds: Sequence[float],
    points: Sequence[EventCounts],
    duration_ms: int,
) -> ThresholdCurve:
    results = [f_scores(counts) for counts in points]
    false = np.array([counts.fp.sum() for counts in points], dtype=float)
    return ThresholdCurve(
        source,
        np.asarray(thresholds, dtype=float),
        np.array([r.macro_precision for r in results]),
        np.array([r.macro_recall for r in results]),
        np.array([r.macro_f1 for r in results]),
        false / (duration_ms / 3_600_000) if duration_ms else np.full(len(false), np.nan),
        np.array([r.f1 for r in results]).reshape(len(results), -1),
    )
