"""Polyphonic sound detection score: how well scores detect over all thresholds, not at one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.evaluate.counts import by_type, check_files
from relaylib.evaluate.intersection import check_criteria
from relaylib.evaluate.levels import Levels, Steps, levels
from relaylib.types import Scores, Span

__all__ = ["PSDS_1", "PSDS_2", "Psds", "PsdsConfig", "psds"]

FloatArray = npt.NDArray[np.float64]
_SLACK_MS = 1e-6
_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class PsdsConfig:
    """What counts as found, and what false alarms and uneven types cost.

    `dtc`, `gtc` and `cttc` are the detection, ground truth and cross trigger criteria (shares of overlap; without
    `cttc` cross triggers are not counted); `alpha_ct` weighs cross triggers, `alpha_st` the spread over the
    types; `max_efpr` is the number of effective false alarms per hour up to which the curve is integrated.
    """

    dtc: float = 0.7
    gtc: float = 0.7
    cttc: float | None = None
    alpha_ct: float = 0.0
    alpha_st: float = 1.0
    max_efpr: float = 100.0

    def __post_init__(self) -> None:
        check_criteria(dtc=self.dtc, gtc=self.gtc, **({} if self.cttc is None else {"cttc": self.cttc}))
        for name, value in (("alpha_ct", self.alpha_ct), ("alpha_st", self.alpha_st)):
            if not 0.0 <= value <= 1.0:
                raise ParameterError(f"{name}={value}: need 0 <= {name} <= 1.")
        if not 0.0 < self.max_efpr < math.inf:
            raise ParameterError(f"max_efpr={self.max_efpr}: need a finite max_efpr > 0 per hour.")
        if (self.cttc is None) != (self.alpha_ct == 0):
            raise ParameterError(f"cttc={self.cttc}, alpha_ct={self.alpha_ct}: give both or neither.")


PSDS_1 = PsdsConfig()
"""DCASE scenario 1: the place in time matters."""

PSDS_2 = PsdsConfig(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5)
"""DCASE scenario 2: telling the types apart matters more than the place."""


@dataclass(frozen=True, slots=True, eq=False)
class Psds:
    """The score `value` (0..1), that of each type alone, and the curve that it is the area of.

    `efpr` and `etpr` [shape=(n_points,)] are effective false alarms per hour and the effective true positive
    ratio from there on; `n_files` and `hours` say on how much audio.
    """

    value: float
    per_type: Mapping[str, float]
    efpr: FloatArray
    etpr: FloatArray
    n_files: int
    hours: float


def psds(
    reference: Sequence[Sequence[Span]],
    scores: Sequence[Scores],
    type_names: Sequence[str],
    config: PsdsConfig = PSDS_1,
) -> Psds | None:
    """Integrate the true positive ratio over false alarms per hour, exactly, over all thresholds.

    Scores are thresholded as they are: no merging, no minimum duration. Smooth them first to see what decoding
    would do. A type that the scores do not know is never found.

    Parameters
    ----------
    reference : sequence of sequences of Annotation
        The spans of file ``k`` are ``reference[k]``.
    scores : sequence of Scores
        The frame scores of each file.
    type_names : sequence of str
        Types to evaluate. Those without a single reference span leave the evaluation; without any, the answer
        is None, as it is without audio.
    config : PsdsConfig
        :data:`PSDS_1` or :data:`PSDS_2`, or your own.

    Returns
    -------
    Psds or None

    Raises
    ------
    ParameterError
        If the two sides differ in length or a span has a type that is not in `type_names`.

    References
    ----------
    .. [1] Bilen et al., "A framework for the robust evaluation of sound event detection", ICASSP 2020.
    .. [2] Ebbers, Serizel, Haeb-Umbach, "Threshold-independent evaluation of sound event detection scores",
       ICASSP 2022; ``sed_scores_eval.intersection_based.psds`` gives the same value (to 1e-9).
    """
    check_files(len(reference), len(scores))
    column = {name: k for k, name in enumerate(type_names)}
    spans_of = [by_type(spans, column) for spans in reference]
    present = sorted({k for spans in spans_of for k in spans})
    duration_ms = sum(s.duration_ms for s in scores)
    if not present or not duration_ms:
        return None
    length_ms = {k: sum(s.end_ms - s.start_ms for spans in spans_of for s in spans.get(k, ())) for k in present}
    hours = duration_ms / _MS_PER_HOUR
    curves: dict[int, tuple[FloatArray, FloatArray]] = {}
    for k in present:
        parts = [
            _file_steps(type_names[k], k, present, s, spans, config) for s, spans in zip(scores, spans_of, strict=True)
        ]
        found, false = Steps.chain([p[0] for p in parts]), Steps.chain([p[1] for p in parts])
        crossed = {o: Steps.chain([p[2][o] for p in parts if o in p[2]]) for o in present if o != k}
        at = -np.unique(-np.concatenate([found.score, false.score, *(c.score for c in crossed.values())]))
        efpr = false.at(at) / hours
        if config.cttc is not None and crossed:
            rates = [steps.at(at) / (length_ms[o] / _MS_PER_HOUR) for o, steps in crossed.items()]
            efpr = efpr + config.alpha_ct * np.mean(rates, axis=0)
        n_reference = sum(len(spans.get(k, ())) for spans in spans_of)
        curves[k] = _roc(efpr, found.at(at) / n_reference, config.max_efpr)
    grid = np.unique(np.concatenate([[0.0], *(x for x, _ in curves.values())]))
    ratios = np.stack([_stairs(grid, *curve) for curve in curves.values()])
    etpr = np.maximum(ratios.mean(0) - config.alpha_st * ratios.std(0), 0.0)
    per_type = {type_names[k]: _area(grid, row, config.max_efpr) for k, row in zip(curves, ratios, strict=True)}
    return Psds(_area(grid, etpr, config.max_efpr), per_type, grid, etpr, len(scores), hours)


def _file_steps(
    name: str,
    k: int,
    present: Sequence[int],
    scores: Scores,
    spans_of: Mapping[int, Sequence[Span]],
    config: PsdsConfig,
) -> tuple[Steps, Steps, dict[int, Steps]]:
    """Return found references, false alarms and cross triggers per other type, as functions of the threshold."""
    none = Steps.chain([])
    if name not in scores.artifact_types or len(scores) == 0:
        return none, none, {}
    runs = levels(scores.values[:, scores.artifact_types.index(name)])
    bounds = np.minimum(np.arange(len(scores) + 1) * scores.hop_ms, scores.duration_ms)
    bounds[-1] = scores.duration_ms
    start, end = bounds[runs.first], bounds[runs.last]
    own = spans_of.get(k, ())
    relevant = _overlap(start, end, own) >= config.dtc * (end - start) - _SLACK_MS
    false = ~relevant
    crossed: dict[int, Steps] = {}
    if config.cttc is not None:
        for other in present:
            if other != k and other in spans_of:
                cross = _overlap(start, end, spans_of[other]) >= config.cttc * (end - start) - _SLACK_MS
                crossed[other] = _count(runs, false & cross)
    found = Steps.chain([_reached(runs, relevant, _overlap(start, end, [span]), config.gtc, span) for span in own])
    return found, _count(runs, false), crossed


def _overlap(start: npt.NDArray[np.int64], end: npt.NDArray[np.int64], spans: Sequence[Span]) -> npt.NDArray[np.int64]:
    """Return how many ms of each run [shape=(n_runs,)] lie in `spans`."""
    total = np.zeros(len(start), dtype=np.int64)
    for span in spans:
        total += np.maximum(np.minimum(end, span.end_ms) - np.maximum(start, span.start_ms), 0)
    return total


def _count(runs: Levels, chosen: npt.NDArray[np.bool_]) -> Steps:
    """Count the chosen runs that a threshold makes."""
    return Steps.of_runs(runs.low[chosen], runs.high[chosen], np.ones(int(chosen.sum())))


def _reached(
    runs: Levels, relevant: npt.NDArray[np.bool_], overlap: npt.NDArray[np.int64], gtc: float, span: Span
) -> Steps:
    """Return 1 at the thresholds where relevant detections cover enough of `span`, else 0."""
    touching = relevant & (overlap > 0)
    cover = Steps.of_runs(runs.low[touching], runs.high[touching], overlap[touching].astype(float))
    at = -np.unique(-cover.score)
    enough = cover.at(at) >= gtc * (span.end_ms - span.start_ms) - _SLACK_MS
    change = np.diff(enough.astype(float), prepend=0.0)
    return Steps(at[change != 0], change[change != 0])


def _roc(efpr: FloatArray, tpr: FloatArray, max_efpr: float) -> tuple[FloatArray, FloatArray]:
    """Return the rising staircase over the operating points up to `max_efpr`, starting at 0."""
    keep = efpr <= max_efpr
    x, y = np.concatenate([[0.0], efpr[keep]]), np.concatenate([[0.0], tpr[keep]])
    order = np.lexsort((y, x))
    x, y = x[order], np.maximum.accumulate(y[order])
    last = np.append(x[1:] != x[:-1], True)
    return x[last], y[last]


def _stairs(grid: FloatArray, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return the staircase's height at each point of `grid`."""
    return y[np.searchsorted(x, grid, side="right") - 1]


def _area(x: FloatArray, y: FloatArray, max_x: float) -> float:
    """Return the area under the staircase up to `max_x`, as a share of ``max_x``."""
    return float(np.sum(y * np.diff(x, append=max_x)) / max_x)
