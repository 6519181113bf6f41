"""Edges of energy near a time: where a hand-drawn span is meant to begin or end."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.types import ms_to_samples

__all__ = ["snap"]

FloatArray = npt.NDArray[np.float64]

_SIDE_MS = 40  # how far each side of an edge is looked at
_FADE_MS = 10.0  # by e: longer than the period of most voices, whose pulses are no edges
_LEAST_DB = 10.0
_APART_MS = 10  # of edges close together the stronger counts
_FLOOR = (32768.0 * 10 ** (-70 / 20)) ** 2  # what is below is silence: the noise of rounding has no edges


def snap(
    samples: npt.NDArray[np.int16] | Callable[[int, int], npt.NDArray[np.int16]], ms: int, within_ms: int = 60
) -> int:
    """Return the time of the edge of energy nearest to `ms`, or `ms` where there is none.

    An edge is where the power before and after, weighed by how near it is, differs by 10 dB or more, and by more than
    within 10 ms around. Beyond what there is of the recording the sound is taken to go on, so its ends are no edges.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), int16, 16 kHz] or callable
        The recording, or ``read(start, end)`` that gives the samples there are of ``[start, end)``.
    ms : int >= 0
    within_ms : int >= 0
        How far the edge may be.

    Raises
    ------
    ParameterError
        If `ms` or `within_ms` is negative.

    Examples
    --------
    >>> burst = np.concatenate([np.zeros(1600), np.tile([8000, -8000], 800), np.zeros(1600)]).astype(np.int16)
    >>> snap(burst, 88), snap(burst, 215), snap(burst, 150, within_ms=30)
    (100, 200, 150)
    """
    if ms < 0 or within_ms < 0:
        raise ParameterError(f"ms={ms}, within_ms={within_ms}: need both >= 0.")
    reach_ms = within_ms + _APART_MS + _SIDE_MS
    first_ms = max(0, ms - reach_ms)
    start, end = ms_to_samples(first_ms), ms_to_samples(ms + reach_ms)
    power = _power(samples(start, end) if callable(samples) else samples[start:end])
    if not len(power):
        return ms
    steps = _steps_db(power)
    near = [
        first_ms + at
        for at in range(len(steps))
        if abs(first_ms + at - ms) <= within_ms
        and steps[at] >= _LEAST_DB
        and steps[at] >= steps[max(0, at - _APART_MS) : at + _APART_MS + 1].max()
    ]
    return min(near, key=lambda at_ms: abs(at_ms - ms), default=ms)


def _power(samples: npt.NDArray[np.int16]) -> FloatArray:
    """Return the mean power of each whole ms."""
    per_ms = ms_to_samples(1)
    cells = samples[: len(samples) - len(samples) % per_ms].reshape(-1, per_ms).astype(np.float64)
    return np.asarray((cells**2).mean(axis=1))


def _steps_db(power: FloatArray) -> FloatArray:
    """Return by how many dB the power after the start of each ms differs from that before it."""
    weights = np.exp(-np.arange(_SIDE_MS) / _FADE_MS)
    padded = np.pad(power, _SIDE_MS, mode="symmetric")
    after = np.convolve(padded, weights[::-1], "valid")[_SIDE_MS:-1] / weights.sum()
    before = np.convolve(padded, weights, "valid")[: len(power)] / weights.sum()
    return np.abs(10.0 * np.log10((after + _FLOOR) / (before + _FLOOR)))
