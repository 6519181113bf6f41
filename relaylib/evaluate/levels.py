"""Every detection that any threshold can make of a score curve, each with the thresholds that make it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Levels", "Steps", "levels"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Runs of frames [shape=(n_runs,) each]: ``[first, last)`` is a detection for thresholds in ``(low, high]``.

    At most as many as frames; `low` is ``-inf`` for the run over the whole file.
    """

    first: IntArray
    last: IntArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A count as a function of the threshold: it changes by `change` once the threshold falls to `score`.

    Both have shape ``(n_steps,)``; the order does not matter, so the steps of many files are just chained.
    """

    score: FloatArray
    change: FloatArray

    @classmethod
    def of_runs(cls, low: FloatArray, high: FloatArray, amount: FloatArray) -> Steps:
        """Add `amount` for thresholds in ``(low, high]``, for each run."""
        gone = np.isfinite(low)
        return cls(np.concatenate([high, low[gone]]), np.concatenate([amount, -amount[gone]]))

    @classmethod
    def chain(cls, parts: list[Steps]) -> Steps:
        """Add up functions of the threshold."""
        if not parts:
            return cls(np.zeros(0), np.zeros(0))
        return cls(np.concatenate([p.score for p in parts]), np.concatenate([p.change for p in parts]))

    def at(self, thresholds: FloatArray) -> FloatArray:
        """Return the count at each of `thresholds` [shape=(n,), falling]."""
        order = np.argsort(-self.score, kind="stable")
        total = np.concatenate([[0.0], np.cumsum(self.change[order])])
        return total[np.searchsorted(-self.score[order], -thresholds, side="right")]


def levels(scores: npt.NDArray[Any]) -> Levels:
    """List the runs that thresholds can cut from `scores` [shape=(n_frames,)], in time linear in the frames.

    For every run of frames that some threshold keeps (score >= threshold, as everywhere), the thresholds that keep
    just this run form one interval: up to the smallest score inside, down to the larger neighbour outside.
    The runs nest, so a stack finds them all in one pass.

    References
    ----------
    .. [1] Ebbers, Serizel, Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores",
       ICASSP 2022. They walk every threshold over every frame (quadratic); the nesting of the runs, known
       from image processing as the component tree, gives the same counts in linear time.
    """
    values = np.asarray(scores, dtype=np.float64)
    if len(values) == 0:
        return Levels(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    edges = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    runs: list[tuple[int, int, float, float]] = []
    stack: list[tuple[int, float]] = []
    steps = zip([*edges.tolist(), len(values)], [*values[edges].tolist(), -np.inf], strict=True)
    for frame, value in steps:
        start = frame
        while stack and stack[-1][1] > value:
            start, top = stack.pop()
            runs.append((start, frame, max(value, stack[-1][1]) if stack else value, top))
        if value > -np.inf and (not stack or stack[-1][1] < value):
            stack.append((start, value))
    first, last, low, high = zip(*runs, strict=True)
    return Levels(np.array(first), np.array(last), np.array(low, dtype=float), np.array(high, dtype=float))
