"""Where each type's scores become detections, and what is done to its curve before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from relaylib.postprocess.sebb import box_scores
from relaylib.postprocess.smooth import open_scores, spread_scores

__all__ = ["OperatingPoint", "apply_points", "of_member", "points_of_average", "shape_curve"]

FloatArray = npt.NDArray[np.float32]

_MOST = 60.0
"""Logits are cut off at this: the sigmoid of more is 1 in any precision."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """For one type: the logit that is mapped to a score of 0.5, and what is done to its curve, in frames.

    With a `half_step`, the curve becomes events of one confidence each (:mod:`relaylib.postprocess.sebb`). Peaks
    narrower than `min_frames` are removed, at any threshold; what is left is spread by `reach` to each side, for types
    whose events are shorter than the shortest span that is reported. `temperature` divides the distance from `logit`:
    the larger, the nearer to 0.5 the scores. Where `logit` has been tuned for other speech since, `trained` keeps the
    one that training chose.
    """

    logit: float = 0.0
    min_frames: int = 1
    reach: int = 0
    half_step: int = 0
    temperature: float = 1.0
    trained: float | None = None

    @property
    def usual(self) -> float:
        """The logit that training chose."""
        return self.logit if self.trained is None else self.trained


def shape_curve(logits: npt.NDArray[Any], point: OperatingPoint) -> FloatArray:
    """Return a recording's logits of one type [shape=(n_frames,), float32], shaped for any threshold."""
    column = np.clip(np.asarray(logits, np.float32)[:, None], -_MOST, _MOST)
    if point.half_step:
        boxes = box_scores(expit(column.astype(np.float64)), [point.half_step])
        with np.errstate(divide="ignore"):  # 0 between events: as far down as logits go
            column = np.clip(logit(boxes), -_MOST, _MOST).astype(np.float32)
    return spread_scores(open_scores(column, [point.min_frames]), [point.reach])[:, 0]


def apply_points(logits: npt.NDArray[Any], points: Sequence[OperatingPoint]) -> FloatArray:
    """Return scores [shape as `logits`, 0..1] whose 0.5 is each type's operating point."""
    scores = np.empty(np.shape(logits), np.float32)
    for k, point in enumerate(points):
        distance = (shape_curve(logits[:, k], point).astype(np.float64) - point.logit) / point.temperature
        scores[:, k] = expit(np.clip(distance, -_MOST, _MOST))
    return scores


def points_of_average(points: Sequence[OperatingPoint], n_members: int, agreement: float) -> tuple[OperatingPoint, ...]:
    """Return the points of an average of `n_members` classifiers, tuned on each one's own held-out speech.

    An average rarely says anything as loudly as one of its members: where they err, they err apart. What one member
    says at a threshold above zero, the average says at a threshold lower by ``sqrt((1 + (n - 1) * agreement) / n)``,
    where `agreement` is the correlation between the members' errors on unheard voices.
    """
    shrink = _of_average(n_members, agreement)
    return tuple(replace(point, logit=point.logit * shrink) if point.logit > 0 else point for point in points)


def of_member(logit: float, n_members: int, agreement: float) -> float:
    """Return the threshold of one member where that of the average is `logit`, see :func:`points_of_average`."""
    return logit / _of_average(n_members, agreement) if logit > 0 else logit


def _of_average(n_members: int, agreement: float) -> float:
    return math.sqrt((1.0 + (n_members - 1) * agreement) / n_members)
