"""Fewer samples a second: what is slow enough is kept."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from relaylib.models.spectral.framing import FloatArray

__all__ = ["decimate"]

AT_ONCE = 16
"""Results that a row of the product gives: more of them take fewer copies of the samples, and more zeros."""

REACH = 10
"""Results to each side that the filter spans."""


def decimate(samples: FloatArray, factor: int) -> FloatArray:
    """Return every `factor`-th sample of `samples`, low-passed before.

    That is :func:`scipy.signal.resample_poly` with its own filter, as one matrix product: in a seventh of the time.
    """
    filters = _filters(factor)
    n, n_seen = -(-len(samples) // factor), len(filters)
    n_rows, apart = -(-n // AT_ONCE), AT_ONCE * factor
    before = REACH * factor
    padded = np.zeros((n_rows - 1) * apart + n_seen, np.float32)
    padded[before : before + len(samples)] = samples[: len(padded) - before]
    found = torch.from_numpy(padded).as_strided((n_rows, n_seen), (apart, 1)).contiguous() @ filters
    decimated: FloatArray = found.view(-1)[:n].numpy()
    return decimated


@cache
def _filters(factor: int) -> torch.Tensor:
    """Return the low-pass filter [shape=(n_seen, AT_ONCE)], one hop further down in each column.

    By NumPy: scipy.signal would take longer to import than the encoders to load.
    """
    window = np.kaiser(2 * REACH * factor + 1, 5.0)
    ideal = window * np.sinc(np.linspace(-REACH, REACH, len(window)))
    taps = (ideal / ideal.sum()).astype(np.float32)
    filters = np.zeros(((AT_ONCE - 1) * factor + len(taps), AT_ONCE), np.float32)
    for column in range(AT_ONCE):
        filters[column * factor : column * factor + len(taps), column] = taps
    return torch.from_numpy(filters)
