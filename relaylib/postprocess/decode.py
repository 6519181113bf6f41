"""Frame scores become detections: threshold, hysteresis, merge, minimum duration, clamping."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.postprocess.runs import IntArray, active_runs, hysteresis_runs, merge_groups, run_maxima
from relaylib.types import HOP_MS, DecodeConfig, Detection, Scores

__all__ = ["decode", "spans_of_type"]


def decode(scores: Scores, config: DecodeConfig | None = None) -> list[Detection]:
    """Turn frame scores into detections.

    Parameters
    ----------
    scores : Scores [values: shape=(n_frames, n_types), 0..1]
    config : DecodeConfig, optional
        Threshold, merge window, minimum duration and hysteresis; the API's defaults when left out.

    Returns
    -------
    list of Detection
        Sorted by start, then end, then type; detections of one type do not overlap.

    Raises
    ------
    ParameterError
        If a score leaves 0..1 or is NaN.
    """
    config = config or DecodeConfig()
    values = np.ascontiguousarray(scores.values.T)
    found = [
        detection
        for name, column in zip(scores.artifact_types, values, strict=True)
        for detection in spans_of_type(
            column,
            artifact_type=name,
            hop_ms=scores.hop_ms,
            duration_ms=scores.duration_ms,
            threshold=config.threshold,
            low_threshold=config.low_threshold,
            merge_window_ms=config.merge_window_ms,
            min_duration_ms=config.min_duration_ms,
        )
    ]
    found.sort(key=_by_time)
    return found


def _by_time(detection: Detection) -> tuple[int, int, str]:
    return detection.start_ms, detection.end_ms, detection.artifact_type


def spans_of_type(
    scores: npt.NDArray[Any],
    *,
    artifact_type: str,
    hop_ms: int = HOP_MS,
    duration_ms: int | None = None,
    threshold: float = 0.5,
    low_threshold: float | None = None,
    merge_window_ms: int = 200,
    min_duration_ms: int = 50,
) -> list[Detection]:
    """Turn the frame scores of one artifact type into detections.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_frames,), 0..1]
        Frame ``i`` covers ``[i * hop_ms, (i + 1) * hop_ms)``.
    artifact_type : str
        Name that the detections carry.
    hop_ms : int > 0
        Length of a frame.
    duration_ms : int >= 0, optional
        Length of the recording. Spans are clamped to it, and a span that holds the last frame reaches it
        (encoders leave up to a frame at the end without a frame of its own). Default: ``n_frames * hop_ms``.
    threshold : float in 0..1
        Keeps scores at or above it.
    low_threshold : float <= threshold, optional
        Hysteresis: a span that reaches `threshold` extends over neighbouring frames at or above this.
    merge_window_ms : int >= 0
        Spans whose gap is at most this long become one, chaining, with the larger confidence.
    min_duration_ms : int >= 0
        Shorter spans are dropped, after merging.

    Returns
    -------
    list of Detection, sorted by start, not overlapping
        The confidence is the largest score inside.

    Raises
    ------
    ParameterError
        If `scores` is not 1-D, holds NaN or leaves 0..1 (logits passed by mistake).

    Examples
    --------
    >>> spans_of_type(np.array([0.1, 0.9, 0.7, 0.8, 0.1]), artifact_type="glitch")
    [Detection(start_ms=20, end_ms=80, artifact_type='glitch', confidence=0.9)]
    """
    if scores.ndim != 1:
        raise ParameterError(f"scores have shape {scores.shape}; need (n_frames,), the scores of one artifact type.")
    if len(scores) and not (scores.min() >= 0.0 and scores.max() <= 1.0):
        raise ParameterError(
            f"scores of {artifact_type!r} span {scores.min()}..{scores.max()}; "
            "need 0..1 (logits? apply a sigmoid first)."
        )
    if low_threshold is None:
        starts, ends = active_runs(scores >= threshold)
    else:
        starts, ends = hysteresis_runs(scores, threshold, low_threshold)
    first_ms, last_ms = starts * hop_ms, ends * hop_ms
    if duration_ms is not None:
        first_ms, last_ms = _clamp(first_ms, last_ms, len(scores) * hop_ms, duration_ms)
        starts, ends = starts[: len(first_ms)], ends[: len(first_ms)]
    opens, closes = merge_groups(first_ms, last_ms, merge_window_ms)
    onsets, offsets = first_ms[opens], last_ms[closes]
    # the gaps between merged runs lie below the threshold: the largest score over the whole is the runs' largest
    confidences = run_maxima(scores, starts[opens], ends[closes])
    long_enough = offsets - onsets >= min_duration_ms
    return [
        Detection(start, end, artifact_type, confidence)
        for start, end, confidence in zip(
            onsets[long_enough].tolist(), offsets[long_enough].tolist(), confidences[long_enough].tolist(), strict=True
        )
    ]


def _clamp(starts: IntArray, ends: IntArray, frames_end_ms: int, duration_ms: int) -> tuple[IntArray, IntArray]:
    """Cut spans at the end of the recording; a span that reaches the last frame reaches the end."""
    inside = starts < duration_ms
    starts, ends = starts[inside], ends[inside]
    ends = np.where(ends == frames_end_ms, duration_ms, np.minimum(ends, duration_ms))
    return starts, ends
