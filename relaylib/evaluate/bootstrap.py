"""Confidence intervals: draw the files again and see how far the figures move."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.counts import EventCounts
from relaylib.evaluate.fscore import ratios

__all__ = ["f_score_samples", "interval", "resample_sums"]

FloatArray = npt.NDArray[np.float64]
_BLOCK = 4_000_000  # draws held at once


def resample_sums(per_file: npt.NDArray[Any], *, n_bootstrap: int, seed: int) -> FloatArray:
    """Sum rows over `n_bootstrap` random draws of as many files as there are, with replacement.

    Parameters
    ----------
    per_file : np.ndarray [shape=(n_files, n_columns)]
        Anything that adds up over files: counts, durations.
    n_bootstrap : int >= 0
    seed : int >= 0
        The same seed and number of files draw the same files, whatever the columns are.

    Returns
    -------
    np.ndarray [shape=(n_bootstrap, n_columns)]

    References
    ----------
    .. [1] Efron, "Bootstrap methods: another look at the jackknife", 1979. Files are drawn, not events: events of one
       file share its voice and its noise.
    """
    n_files = len(per_file)
    rng = np.random.default_rng(seed)
    values = np.asarray(per_file, dtype=np.float64)
    sums = np.zeros((n_bootstrap, values.shape[1]))
    block = max(1, _BLOCK // max(1, n_files))
    for first in range(0, n_bootstrap if n_files else 0, block):
        n = min(block, n_bootstrap - first)
        draws = rng.integers(0, n_files, (n, n_files)) + np.arange(n)[:, None] * n_files
        times = np.bincount(draws.ravel(), minlength=n * n_files).reshape(n, n_files)
        sums[first : first + n] = times @ values
    return sums


def f_score_samples(counts: EventCounts, *, n_bootstrap: int, seed: int) -> dict[str, FloatArray]:
    """Return resampled precision, recall and F1, averaged and per type.

    Returns
    -------
    dict of str to np.ndarray
        ``macro_precision``, ``macro_recall``, ``macro_f1`` and the same with ``micro_`` [shape=(n_bootstrap,)];
        ``precision``, ``recall``, ``f1`` [shape=(n_bootstrap, n_types)]. Values are nan, and types are left out of
        the macro average, by the rules of :func:`f_scores` in each draw.
    """
    n_types = len(counts.type_names)
    sums = resample_sums(np.hstack([counts.tp, counts.fp, counts.fn]), n_bootstrap=n_bootstrap, seed=seed)
    tp, fp, fn = (sums[:, k * n_types : (k + 1) * n_types] for k in range(3))
    per_type = ratios(tp, fp, fn)
    micro = ratios(tp.sum(1), fp.sum(1), fn.sum(1))
    supported = tp + fn > 0
    n_supported = supported.sum(1)
    samples: dict[str, FloatArray] = {}
    for name, values, pooled in zip(("precision", "recall", "f1"), per_type, micro, strict=True):
        total = np.where(supported, values, 0.0).sum(1)
        mean = np.divide(total, n_supported, out=np.full(n_bootstrap, np.nan), where=n_supported > 0)
        samples[name], samples[f"macro_{name}"], samples[f"micro_{name}"] = values, mean, pooled
    return samples


def interval(samples: FloatArray, confidence_level: float) -> tuple[float, float] | None:
    """Return the percentile interval of `samples` [shape=(n_bootstrap,)], or None if none of them is a number."""
    finite = samples[np.isfinite(samples)]
    if len(finite) == 0:
        return None
    tail = (1.0 - confidence_level) / 2
    low, high = np.quantile(finite, [tail, 1.0 - tail])
    return float(low), float(high)
