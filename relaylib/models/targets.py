"""Annotated spans become frame targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.types import HOP_MS, Annotation, ms_to_frames

__all__ = ["MIN_FRAMES", "Targets", "frame_targets"]

MIN_FRAMES = 3
"""Shorter labels are trained as this many frames, so that the default minimum of 50 ms keeps a click."""

_FRAMELESS = 2
"""Frames' worth of audio that encoders may leave at the end without a frame of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Labels [shape=(n_frames, n_types), float32, 0 or 1] and the weights of their losses, alike in shape."""

    labels: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def frame_targets(
    annotations: Sequence[Annotation], artifact_types: Sequence[str], n_frames: int, hop_ms: int = HOP_MS
) -> Targets:
    """Mark the frames that annotations touch.

    A span marks every frame it touches, and at least :data:`MIN_FRAMES` around its middle; one that begins
    after the last frame's end (give or take what encoders leave over) marks none. The annotation's
    confidence weighs the loss of its frames (the larger one where two overlap): at 0 they are left out of
    training, for or against.

    Parameters
    ----------
    annotations : sequence of Annotation
        Of one recording; types that are not in `artifact_types` are passed over.
    artifact_types : sequence of str
        The columns.
    n_frames : int >= 0
    hop_ms : int > 0

    Returns
    -------
    Targets [shape=(n_frames, n_types)]

    Examples
    --------
    >>> targets = frame_targets([Annotation(45, 50, "click", 0.5)], ["click"], 6)
    >>> targets.labels[:, 0].tolist(), targets.weights[:, 0].tolist()
    ([0.0, 1.0, 1.0, 1.0, 0.0, 0.0], [1.0, 0.5, 0.5, 0.5, 1.0, 1.0])
    """
    labels = np.zeros((n_frames, len(artifact_types)), np.float32)
    weights = np.ones_like(labels)
    column = {name: k for k, name in enumerate(artifact_types)}
    for span in annotations:
        k = column.get(span.artifact_type)
        if k is None or n_frames == 0:
            continue
        first, last = ms_to_frames(span.start_ms, span.end_ms, hop_ms)
        if first >= n_frames + _FRAMELESS:
            continue
        first, last = _widened(first, last, n_frames)
        fresh = labels[first:last, k] == 0
        weights[first:last, k] = np.where(fresh, span.confidence, np.maximum(weights[first:last, k], span.confidence))
        labels[first:last, k] = 1
    return Targets(labels, weights)


def _widened(first: int, last: int, n_frames: int) -> tuple[int, int]:
    """Widen a frame range evenly to MIN_FRAMES, inside the recording."""
    short = max(0, MIN_FRAMES - (last - first))
    first = min(max(0, first - (short + 1) // 2), max(0, n_frames - MIN_FRAMES))
    return first, min(max(last + short // 2, first + MIN_FRAMES), n_frames)
