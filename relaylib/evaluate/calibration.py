"""Whether confidences can be taken at their word."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relaylib.errors import ParameterError
from relaylib.evaluate.matching import match_events
from relaylib.types import Detection, Span

__all__ = ["expected_calibration_error", "judged_confidences"]


def judged_confidences(
    reference: Sequence[Sequence[Span]], detections: Sequence[Sequence[Detection]]
) -> tuple[list[float], list[bool]]:
    """Return the confidence of every detection, file by file, and whether it matches an event of its type.

    Matches are those of :func:`relaylib.evaluate.match_events` with its default tolerances.
    """
    confidences: list[float] = []
    correct: list[bool] = []
    for spans, found in zip(reference, detections, strict=True):
        right: set[int] = set()
        for name in {span.artifact_type for span in found}:
            own = [j for j, span in enumerate(found) if span.artifact_type == name]
            events = [span for span in spans if span.artifact_type == name]
            right.update(own[j] for _, j in match_events(events, [found[j] for j in own]))
        confidences += [span.confidence for span in found]
        correct += [j in right for j in range(len(found))]
    return confidences, correct


def expected_calibration_error(
    confidences: Sequence[float], correct: Sequence[bool], *, n_bins: int = 10
) -> float | None:
    """Return how far confidences are from the share of detections that are right, on average [1]_.

    Detections are sorted into bins of equal width by confidence; each bin's distance between its mean confidence and
    its share of right ones counts as much as it has detections.

    Parameters
    ----------
    confidences : sequence of float in 0..1
    correct : sequence of bool, as many
    n_bins : int >= 1

    Returns
    -------
    float in 0..1, or None without any detection

    Raises
    ------
    ParameterError
        If the two differ in length, or a confidence leaves 0..1.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.

    Examples
    --------
    >>> round(expected_calibration_error([0.9, 0.9, 0.9, 0.9, 0.6], [True, True, True, False, True]), 3)
    0.2
    """
    given, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    if given.shape != right.shape:
        raise ParameterError(f"{len(given)} confidences and {len(right)} outcomes; need one outcome for each.")
    if not len(given):
        return None
    if not (given.min() >= 0.0 and given.max() <= 1.0):
        raise ParameterError(f"confidences span {given.min()}..{given.max()}; need 0..1.")
    bins = np.minimum((given * n_bins).astype(np.int64), n_bins - 1)
    return float(np.abs(np.bincount(bins, given - right, n_bins)).sum() / len(given))
