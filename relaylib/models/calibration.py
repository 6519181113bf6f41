"""Scores that say how often they are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relaylib.evaluate.calibration import judged_confidences
from relaylib.models.held_out import Labelled
from relaylib.models.operating_point import OperatingPoint, apply_points
from relaylib.postprocess import decode
from relaylib.types import DecodeConfig, Scores

__all__ = ["calibrated", "fit_temperature"]

TEMPERATURES = np.geomspace(0.25, 4.0, 17)
"""Those that are tried."""

_FROM = DecodeConfig(threshold=0.3)
"""Detections that are looked at: those that are reported, and some that fall short of it."""

_FEWEST = 20
"""Detections, without which confidences stay as they are."""


def calibrated(
    points: Sequence[OperatingPoint], validation: Sequence[Labelled], artifact_types: Sequence[str]
) -> tuple[OperatingPoint, ...]:
    """Return the points with a temperature at which confidences match how often detections are right.

    0.5 stays every type's operating point. All types share one temperature: a validation part has tens of detections
    of each, from which one of its own is drawn at random more than it is learned.

    Parameters
    ----------
    points : sequence of OperatingPoint, one for each type
    validation : sequence of Labelled
        Recordings with logits of a classifier that has not been trained on them.
    artifact_types : sequence of str
    """
    types = tuple(artifact_types)
    found = [decode(Scores(apply_points(i.logits, points), types, i.duration_ms), _FROM) for i in validation]
    temperature = fit_temperature(*judged_confidences([item.annotations for item in validation], found))
    return tuple(replace(point, temperature=point.temperature * temperature) for point in points)


def fit_temperature(confidences: Sequence[float], correct: Sequence[bool]) -> float:
    """Return the temperature at which confidences are the likeliest, given what was right [1]_.

    Parameters
    ----------
    confidences : sequence of float in 0..1
    correct : sequence of bool, as many

    Returns
    -------
    float
        One of :data:`TEMPERATURES`; 1 for too few detections.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    if len(confidences) < _FEWEST:
        return 1.0
    given = np.clip(np.asarray(confidences, np.float64), 1e-6, 1 - 1e-6)
    distance = np.log(given / (1 - given))
    signed = np.where(np.asarray(correct, np.bool_), distance, -distance)
    losses = [np.logaddexp(0.0, -signed / temperature).sum() for temperature in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])
