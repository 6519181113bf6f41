"""Sound event bounding boxes: where an event begins and ends is where its score changes most, at any threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.postprocess.runs import IntArray, run_maxima

__all__ = ["MERGE_RATIO", "bounding_boxes", "box_scores"]

DoubleArray = npt.NDArray[np.float64]

MERGE_RATIO = 2.0
"""Two events become one where neither peak is this many times as high as the dip between them."""

_FLOOR = 1e-3
"""Is added to both before they are compared: near zero, ratios say nothing."""


def bounding_boxes(
    scores: npt.NDArray[Any], half_step: int, *, merge_ratio: float = MERGE_RATIO
) -> tuple[IntArray, IntArray, DoubleArray]:
    """Return events with one confidence each, their extents found without a threshold [1]_.

    The mean of the next `half_step` frames less the mean of the last `half_step` has a maximum where a score rises
    and a minimum where it falls: an event lasts from the one to the other. Neighbours with a shallow dip between
    them become one. An event's confidence is its mean score, so that a threshold takes or leaves it whole.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_frames,), 0..1]
        Of one type.
    half_step : int >= 1
        Frames on either side of a change; events shorter than that are smeared.
    merge_ratio : float >= 1
        See :data:`MERGE_RATIO`.

    Returns
    -------
    starts, ends : np.ndarray [shape=(n_events,), int64]
        Frames, half-open, in order; an event may begin where the one before ended.
    confidences : np.ndarray [shape=(n_events,), float64]

    References
    ----------
    .. [1] J. Ebbers, F. Germain, G. Wichern, J. Le Roux, "Sound event bounding boxes", Interspeech 2024.
    """
    if half_step < 1:
        raise ParameterError(f"half_step={half_step}: need at least 1 frame.")
    values = np.asarray(scores, np.float64)
    if len(values) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    bounds = _changes(values, half_step)
    starts, ends = _merged(values, bounds[0::2], bounds[1::2], merge_ratio)
    something = run_maxima(values, starts, ends) > 0.0  # a stretch of zeros has no event in it
    starts, ends = starts[something], ends[something]
    total = np.concatenate([[0.0], np.cumsum(values)])
    return starts, ends, np.clip((total[ends] - total[starts]) / (ends - starts), 0.0, 1.0)


def box_scores(values: npt.NDArray[Any], half_steps: Sequence[int]) -> npt.NDArray[Any]:
    """Give every frame of an event the confidence of the event, and 0 to those between events.

    Whatever threshold comes later, it finds whole events.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_types), 0..1]
    half_steps : sequence of int >= 0, one for each type
        See :func:`bounding_boxes`; 0 leaves the column as it is.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_types)]
    """
    if values.ndim != 2 or values.shape[1] != len(half_steps):
        raise ParameterError(
            f"values have shape {values.shape}; need (n_frames, {len(half_steps)}), a column for each half step."
        )
    out = values.copy()
    for column, half_step in enumerate(half_steps):
        if half_step:
            starts, ends, confidences = bounding_boxes(values[:, column], half_step)
            bounds = np.concatenate([[0], np.stack([starts, ends], axis=1).ravel(), [len(values)]])
            levels = np.concatenate([np.stack([np.zeros(len(starts)), confidences], axis=1).ravel(), [0.0]])
            out[:, column] = np.repeat(levels, np.diff(bounds))
    return out


def _changes(values: DoubleArray, half_step: int) -> IntArray:
    """Return the frames at which events begin and end, by turns; beyond the ends, scores are 0."""
    sums = np.concatenate([[0.0], np.cumsum(np.pad(values, half_step))])
    # rounded, so that equal scores give equal changes wherever they lie in a long recording
    change = np.round((sums[2 * half_step :] - 2 * sums[half_step:-half_step] + sums[: -2 * half_step]) / half_step, 9)
    rises = np.concatenate([[True], np.diff(change) > 0])
    turns = np.flatnonzero(rises[1:] != rises[:-1])  # first downwards: a maximum, where an event begins
    return np.append(turns, len(values)) if len(turns) % 2 else turns


def _merged(values: DoubleArray, starts: IntArray, ends: IntArray, merge_ratio: float) -> tuple[IntArray, IntArray]:
    """Return the events with those joined that have no deep dip between them."""
    if len(starts) < 2:
        return starts, ends
    peaks = run_maxima(values, starts, ends) + _FLOOR
    dips = -run_maxima(-values, ends[:-1], starts[1:]) + _FLOOR
    apart = np.maximum(peaks[:-1], peaks[1:]) >= merge_ratio * dips
    return starts[np.concatenate([[True], apart])], ends[np.concatenate([apart, [True]])]
