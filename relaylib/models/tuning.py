"""Thresholds and shapes of each type's curve, tuned on speech that the classifier has not heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from relaylib.models.config import Decoding
from relaylib.models.held_out import HeldOut, Labelled, Tally
from relaylib.models.operating_point import OperatingPoint
from relaylib.models.targets import MIN_FRAMES
from relaylib.types import HOP_MS, Annotation

__all__ = ["LOGITS", "best_threshold", "move_points", "shape_candidates", "tally", "tune_point", "tune_points"]

DoubleArray = npt.NDArray[np.float64]

LOGITS = np.arange(-3.0, 6.01, 0.5)
"""Thresholds that are tried, as logits: 0.05 to 0.998."""

_AS_GOOD = 0.02
"""Merit within which thresholds count as equally good."""

_COST_OF_DOUBLING = 0.1
"""Event-F1 that each doubling of the false alarms beyond the budget must be worth."""

_EXPECTED = 1.0
"""False alarms that a budget is taken to stand for before any speech was heard: in minutes of it, one more or less says
little about how many there are in an hour."""

_COST_OF_STRAYING = 0.4
"""Event-F1, over the number of events, that a threshold must be worth when it lies a logit from where it is expected;
twice as far costs four times as much. Beyond the thresholds that are tried, the last of them is taken as expected."""

_RISES = np.arange(0.0, 8.01, 0.25)
"""How far a threshold may rise, in logits, where there is no event to lose."""

_HALF_STEPS = (2, 4, 8, 16)
"""Frames on either side of a change that are tried in decoding by bounding boxes: 40 to 320 ms."""


def shape_candidates(
    annotations: Sequence[Annotation], artifact_type: str, hop_ms: int = HOP_MS, *, decoding: Decoding = "threshold"
) -> list[OperatingPoint]:
    """Return the ways to treat a type's curve that are worth trying, given how long its events are.

    Minimum durations go up to three quarters of its short events; with ``sebb``, extents come from where the curve
    changes instead. Curves of types with events shorter than :data:`MIN_FRAMES` are spread by a frame.
    """
    frames = [(span.end_ms - span.start_ms) / hop_ms for span in annotations if span.artifact_type == artifact_type]
    short = float(np.quantile(frames, 0.1)) if frames else 1.0
    reach = 1 if short < MIN_FRAMES else 0
    if decoding == "sebb":
        return [OperatingPoint(reach=reach, half_step=half_step) for half_step in _HALF_STEPS]
    widths = {1, *(int(np.clip(short * share, 1, 50)) for share in (0.25, 0.5, 0.75))}
    return [OperatingPoint(min_frames=width, reach=reach) for width in sorted(widths)]


def tune_points(
    validation: Sequence[Labelled],
    artifact_types: Sequence[str],
    candidates: Sequence[Sequence[OperatingPoint]],
    max_false_alarms_per_hour: float,
    expected: Mapping[str, float] | None = None,
) -> tuple[OperatingPoint, ...]:
    """Return the operating point of every type, each with an even share of the false alarms allowed.

    See :func:`tune_point`; `candidates` holds the shapes to try for each type (:func:`shape_candidates`), `expected`
    the thresholds (logits) of those types of which something was known before.
    """
    share, known = max_false_alarms_per_hour / len(artifact_types), expected or {}
    held_out = HeldOut(validation)
    return tuple(
        _tune(held_out, column, name, candidates[column], share, known.get(name))[0]
        for column, name in enumerate(artifact_types)
    )


def move_points(
    held_out: HeldOut, artifact_types: Sequence[str], points: Sequence[OperatingPoint], max_false_alarms_per_hour: float
) -> tuple[OperatingPoint, ...]:
    """Return points of a classifier whose thresholds suit other speech than that which they were tuned on.

    Each type has an even share of the false alarms allowed. With events of it among the recordings its threshold is
    chosen as in :func:`tune_point`, expected where it was; without, it rises as far as its share demands.
    """
    share = max_false_alarms_per_hour / len(artifact_types)
    moved = []
    for column, (name, given) in enumerate(zip(artifact_types, points, strict=True)):
        point = replace(given, trained=given.usual)
        if len(held_out.reference.of_type(name)[0]):
            moved.append(_tune(held_out, column, name, [point], share, point.logit)[0])
        else:
            moved.append(replace(point, logit=_quiet(held_out, column, name, point, share)))
    return tuple(moved)


def tune_point(
    validation: Sequence[Labelled],
    column: int,
    artifact_type: str,
    candidates: Sequence[OperatingPoint],
    max_false_alarms_per_hour: float,
    expected: float | None = None,
) -> tuple[OperatingPoint, float]:
    """Choose threshold and minimum duration of one type for the best event-F1 that the budget allows.

    The figure of merit is event-F1 (200 ms onset collar), averaged over neighbouring thresholds so that a
    plateau beats a spike, less :data:`_COST_OF_DOUBLING` for each doubling of the false alarms beyond the
    budget. A false alarm is a detection where nothing of any type is marked, per hour of unmarked audio:
    that is estimated on all recordings, since clean ones alone are few. With little audio the estimate is drawn
    towards the budget (a gamma distribution around it, worth :data:`_EXPECTED` false alarms, goes before). With few
    events the threshold is drawn towards `expected`, a logit, if one is given (:data:`_COST_OF_STRAYING`).

    Returns
    -------
    OperatingPoint, float
        The point and its event-F1. A type without validation events keeps the neutral point and 0.
    """
    return _tune(HeldOut(validation), column, artifact_type, candidates, max_false_alarms_per_hour, expected)


def tally(held_out: HeldOut, column: int, artifact_type: str, shape: OperatingPoint, logits: DoubleArray) -> Tally:
    """Return what a type's detections come to at each of the rising thresholds `logits`, its curve shaped so."""
    curve = held_out.curve(column, shape)  # shaping commutes with thresholds
    return held_out.sweep(artifact_type, curve, logits)


def best_threshold(
    found: Tally, max_false_alarms_per_hour: float, cost: DoubleArray | float = 0.0
) -> tuple[int, float]:
    """Return the index of the best threshold and the largest merit, see :func:`tune_point`.

    Of a run of thresholds that are as good as the best, within :data:`_AS_GOOD`, it is the one in the middle: the
    farthest from where it gets worse, on speech whose scores are higher or lower by a little. `cost` is taken off the
    merit of each.
    """
    smooth = np.convolve(np.pad(found.f1, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    allowed = max_false_alarms_per_hour * found.unmarked_hours
    excess = np.maximum(1.0, (found.stray + _EXPECTED) / (allowed + _EXPECTED))
    merit = smooth - _COST_OF_DOUBLING * np.log2(excess) - cost
    best = int(merit.argmax())
    worse = np.flatnonzero(merit < merit[best] - _AS_GOOD)
    first = worse[worse < best].max(initial=-1) + 1
    last = worse[worse > best].min(initial=len(merit)) - 1
    return int(first + last + 1) // 2, float(merit[best])


def _quiet(held_out: HeldOut, column: int, artifact_type: str, point: OperatingPoint, share: float) -> float:
    """Return the lowest threshold, from that of `point` upwards, at which no more than `share` per hour strays."""
    found = tally(held_out, column, artifact_type, point, point.logit + _RISES)
    within = np.flatnonzero(found.stray <= share * found.unmarked_hours)
    return point.logit + float(_RISES[within[0] if len(within) else -1])


def _tune(
    held_out: HeldOut,
    column: int,
    artifact_type: str,
    candidates: Sequence[OperatingPoint],
    max_false_alarms_per_hour: float,
    expected: float | None,
) -> tuple[OperatingPoint, float]:
    best = (-np.inf, OperatingPoint(), 0.0)
    straying: DoubleArray | float = 0.0
    if expected is not None:
        straying = _COST_OF_STRAYING * (LOGITS - np.clip(expected, LOGITS[0], LOGITS[-1])) ** 2
    for shape in candidates:
        found = tally(held_out, column, artifact_type, shape, LOGITS)
        if not found.n_reference:
            break
        at, merit = best_threshold(found, max_false_alarms_per_hour, straying / found.n_reference)
        if merit > best[0]:
            best = (merit, replace(shape, logit=float(LOGITS[at])), float(found.f1[at]))
    return best[1], best[2]
