"""Runs of frames, as two arrays of equal length: first frames and the frames after the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Runs", "active_runs", "merge_groups", "run_maxima", "runs_of"]

IntArray = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Runs = tuple[IntArray, IntArray]


def active_runs(active: Mask) -> Runs:
    """Return the runs of true frames in `active` [shape=(n_frames,)], half-open, in order."""
    if len(active) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    edges = np.flatnonzero(active[1:] != active[:-1]) + 1
    if active[0]:
        edges = np.concatenate([[0], edges])
    if active[-1]:
        edges = np.concatenate([edges, [len(active)]])
    return edges[0::2], edges[1::2]


def runs_of(frames: IntArray, max_gap: int = 0) -> Runs:
    """Return the runs of consecutive numbers in `frames` [shape=(n,)], which grow, half-open, in order.

    Of two with at most `max_gap` numbers missing between them, one is made.
    """
    if len(frames) == 0:
        return frames, frames
    last = np.flatnonzero(frames[1:] - frames[:-1] > max_gap + 1)
    return frames[np.concatenate([[0], last + 1])], frames[np.concatenate([last, [-1]])] + 1


def merge_groups(starts: IntArray, ends: IntArray, max_gap: int) -> tuple[Mask, Mask]:
    """Mark the runs that open and the runs that close a chain of gaps of at most `max_gap`.

    ``starts[opens], ends[closes]`` are the merged runs. The runs given are sorted and do not overlap; the
    unit of positions and gap (frames or ms) is the caller's.
    """
    if len(starts) == 0:
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    apart = starts[1:] - ends[:-1] > max_gap
    return np.concatenate([[True], apart]), np.concatenate([apart, [True]])


def run_maxima(scores: npt.NDArray[Any], starts: IntArray, ends: IntArray) -> npt.NDArray[Any]:
    """Return the largest of `scores` [shape=(n_frames,)] inside each run."""
    if len(starts) == 0:
        return scores[:0]
    bounds = np.stack([starts, ends], axis=1).ravel()
    if bounds[-1] == len(scores):  # reduceat wants indices inside the array: the last run then ends by itself
        bounds = bounds[:-1]
    return np.maximum.reduceat(scores, bounds)[0::2]
