"""Precision, recall and F1 from counts, per type and averaged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.counts import EventCounts

__all__ = ["FScores", "f_scores", "ratios"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FScores:
    """Precision, recall and F1 per type [shape=(n_types,), 0..1 or nan] with macro and micro averages.

    `support` [shape=(n_types,), int64] is the number of reference events (or segments) of each type. A value that is
    not defined is nan, see :func:`f_scores`; :meth:`to_dict` turns it into 0, as the HTTP API does.
    """

    type_names: tuple[str, ...]
    precision: FloatArray
    recall: FloatArray
    f1: FloatArray
    support: npt.NDArray[np.int64]
    macro_precision: float
    macro_recall: float
    macro_f1: float
    micro_precision: float
    micro_recall: float
    micro_f1: float

    def to_dict(self) -> dict[str, Any]:
        """Return what the HTTP API calls metrics: macro averages on top, then `per_class` and `micro`.

        Numbers only: an undefined value is 0.0, and a type without reference has zeros and support 0.
        """
        per_class = {
            name: {**_triple(p, r, f), "support": int(n)} if n else {**_triple(0, 0, 0), "support": 0}
            for name, p, r, f, n in zip(
                self.type_names, self.precision, self.recall, self.f1, self.support, strict=True
            )
        }
        return {
            **_triple(self.macro_precision, self.macro_recall, self.macro_f1),
            "per_class": per_class,
            "micro": {
                **_triple(self.micro_precision, self.micro_recall, self.micro_f1),
                "support": int(self.support.sum()),
            },
        }


def _triple(precision: float, recall: float, f1: float) -> dict[str, float]:
    values = {"precision": precision, "recall": recall, "f1_score": f1}
    return {name: 0.0 if np.isnan(value) else float(value) for name, value in values.items()}


def ratios(tp: npt.ArrayLike, fp: npt.ArrayLike, fn: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return precision, recall and F1 [shape as `tp`] by the rules of :func:`f_scores`."""
    tp, fp, fn = (np.asarray(x, dtype=np.float64) for x in (tp, fp, fn))
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = tp / (tp + fn)
        precision = tp / (tp + fp)
        precision = np.where((tp + fp == 0) & (tp + fn > 0), 0.0, precision)
        f1 = np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan)
    return precision, recall, f1


def f_scores(counts: EventCounts) -> FScores:
    """Turn counts into precision, recall and F1 per type, macro and micro.

    Counts are summed over the files first. Micro sums them over the types too; macro is the mean of each
    figure over the types with support.

    =====================  =========  ======  ====  =========
    type has               precision  recall  F1    in macro
    =====================  =========  ======  ====  =========
    reference, no estimate  0          0       0     yes
    estimate, no reference  0          nan     nan   no
    neither                 nan        nan     nan   no
    =====================  =========  ======  ====  =========

    Parameters
    ----------
    counts : EventCounts
        Of any number of files and types; without any reference the averages are nan too.

    Returns
    -------
    FScores

    References
    ----------
    .. [1] ``sed_eval`` with ``empty_system_output_handling="zero_score"`` gives the same values per type, except
       that it calls the precision of a type with neither side 0. It averages precision over types without
       reference too, which lowers it; here their false alarms show in micro and in false alarms per hour.
    """
    tp, fp, fn = counts.tp.sum(0), counts.fp.sum(0), counts.fn.sum(0)
    precision, recall, f1 = ratios(tp, fp, fn)
    supported = tp + fn > 0

    def mean(values: FloatArray) -> float:
        return float(values[supported].mean()) if supported.any() else float("nan")

    micro = ratios(tp.sum(), fp.sum(), fn.sum())
    return FScores(
        counts.type_names,
        precision,
        recall,
        f1,
        tp + fn,
        mean(precision),
        mean(recall),
        mean(f1),
        *(float(value) for value in micro),
    )
