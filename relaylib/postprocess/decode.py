"""Frame scores become detections: threshold, hysteresis, merge, minimum duration, clamping, exact edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.postprocess.edges import located
from relaylib.postprocess.runs import IntArray, Mask, Runs, active_runs, merge_groups, run_maxima
from relaylib.postprocess.track import Track
from relaylib.types import HOP_MS, DecodeConfig, Detection, Scores

__all__ = ["decode", "spans_of_type", "spans_on_track"]

_BLOCK = 4096


def decode(scores: Scores, config: DecodeConfig | None = None) -> list[Detection]:
    """Turn frame scores into detections.

    Where `scores` have the levels of each ms, a short event becomes what stands out in it: a click is then reported
    where it is, and not as the frames that it is heard in, in so far as the minimum duration allows it. A hole that is
    torn into sound, or a silence, begins where the sound before it ends, and ends where the next one begins.

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
    n_types = len(scores.artifact_types)
    if n_types == 0:
        return []
    values = scores.values
    _check_scores(values, "scores")
    active = _transposed(values >= _lowest(config.threshold, config.low_threshold))
    track = Track([len(values)], [scores.duration_ms], hop_ms=scores.hop_ms)
    spans = [
        spans_on_track(
            _seeded(active_runs(frames), column, config.threshold, config.low_threshold),
            track,
            column,
            merge_window_ms=config.merge_window_ms,
            min_duration_ms=config.min_duration_ms,
        )
        for column, frames in zip(values.T, active, strict=True)
    ]
    if (levels := scores.levels) is not None:
        spans = [(*located(starts, ends, levels, config.min_duration_ms), peaks) for starts, ends, peaks in spans]
    starts, ends, confidences = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    types = np.repeat(np.arange(n_types), [len(found) for found, _, _ in spans])
    alphabetical = np.argsort(np.argsort(np.array(scores.artifact_types)))
    order = np.lexsort((alphabetical[types], ends, starts))
    names = np.array(scores.artifact_types, object)[types[order]].tolist()
    return Detection.many(starts[order], ends[order], names, confidences[order])


def _transposed(mask: Mask) -> Mask:
    """Return a mask with every column in one piece; block by block, which caches like better."""
    columns = np.empty(mask.shape[::-1], np.bool_)
    for k in range(0, len(mask), _BLOCK):
        columns[:, k : k + _BLOCK] = mask[k : k + _BLOCK].T
    return columns


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
    _check_scores(scores, f"scores of {artifact_type!r}")
    track = Track([len(scores)], [len(scores) * hop_ms if duration_ms is None else duration_ms], hop_ms=hop_ms)
    active = active_runs(scores >= _lowest(threshold, low_threshold))
    starts, ends, confidences = spans_on_track(
        _seeded(active, scores, threshold, low_threshold),
        track,
        scores,
        merge_window_ms=merge_window_ms,
        min_duration_ms=min_duration_ms,
    )
    return Detection.many(starts, ends, [artifact_type] * len(starts), confidences)


def _lowest(threshold: float, low_threshold: float | None) -> float:
    return threshold if low_threshold is None else low_threshold


def _check_scores(scores: npt.NDArray[Any], what: str) -> None:
    if scores.size and not (scores.min() >= 0.0 and scores.max() <= 1.0):
        raise ParameterError(f"{what} span {scores.min()}..{scores.max()}; need 0..1 (logits? apply a sigmoid first).")


def _seeded(runs: Runs, scores: npt.NDArray[Any], threshold: float, low_threshold: float | None) -> Runs:
    """Return the runs that reach the threshold, as all do where there is no lower one."""
    if low_threshold is None:
        return runs
    kept = run_maxima(scores, *runs) >= threshold
    return runs[0][kept], runs[1][kept]


def spans_on_track(
    runs: Runs,
    track: Track,
    scores: npt.NDArray[Any] | None = None,
    *,
    merge_window_ms: int,
    min_duration_ms: int,
) -> tuple[IntArray, IntArray, npt.NDArray[Any]]:
    """Return the detections of one type on a track as columns: starts and ends in ms of the track, and confidences.

    Parameters
    ----------
    runs : (np.ndarray, np.ndarray)
        Frames of which spans are made: those at or above the (low) threshold. None lies in a pause of the track.
    track : Track
        The recordings that the frames belong to.
    scores : np.ndarray [shape=(n_frames,)], optional
        On any scale that grows with confidence; without them, confidences are zero.
    merge_window_ms, min_duration_ms : int >= 0
        See :func:`spans_of_type`.
    """
    first, behind = runs
    starts, ends, inside = track.clamp(first * track.hop_ms, behind * track.hop_ms)
    opens, closes = merge_groups(starts, ends, merge_window_ms)
    starts, ends = starts[opens], ends[closes]
    if scores is None:
        confidences = np.zeros(len(starts))
    else:  # between the runs of a span there is nothing larger
        confidences = run_maxima(scores, first[inside][opens], behind[inside][closes])
    long_enough = ends - starts >= min_duration_ms
    return starts[long_enough], ends[long_enough], confidences[long_enough]
