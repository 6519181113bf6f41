"""Frames cut from samples, and the statistics along frames that several features share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from relaylib.types import HOP

__all__ = ["centred_frames", "largest", "log_power_db", "mean_square", "median", "moving_mean", "n_frames_of"]

FloatArray = npt.NDArray[np.float32]

FLOOR = 1e-10
"""Added to powers before the logarithm: -100 dB re full scale, below 16 bit silence."""


def n_frames_of(n_samples: int, hop: int = HOP) -> int:
    """Return how many frames of `hop` samples cover `n_samples`."""
    return -(-n_samples // hop)


def centred_frames(samples: FloatArray, length: int, hop: int = HOP) -> FloatArray:
    """Return windows of `length` samples around the middles of the frames [shape=(n_frames, length)].

    The signal is mirrored at its ends, so that no window sees an edge that is not in the audio.
    """
    n_frames = n_frames_of(len(samples), hop)
    before = max(0, length // 2 - hop // 2)
    after = max(0, (n_frames - 1) * hop - before + length - len(samples))
    # what is shorter than its margins is mirrored with its last sample, which numpy can repeat as often as needed
    if len(samples) > max(before, after):
        padded = np.pad(samples, (before, after), mode="reflect")
    else:
        padded = np.pad(samples, (before, after), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)
    return np.asarray(windows[: (n_frames - 1) * hop + 1 : hop])


def log_power_db(power: npt.NDArray[np.floating]) -> FloatArray:
    """Return power as dB re full scale, with a floor at -100 dB."""
    return (10.0 * np.log10(power + FLOOR)).astype(np.float32)


def mean_square(rows: FloatArray) -> FloatArray:
    """Return the mean power over the last axis."""
    return np.asarray(np.einsum("...k,...k->...", rows, rows) / rows.shape[-1])


def largest(rows: FloatArray) -> FloatArray:
    """Return the maximum over the last axis: for short ones torch takes a fifth of the time of NumPy."""
    found: FloatArray = torch.from_numpy(rows).amax(-1).numpy()
    return found


def median(rows: FloatArray) -> FloatArray:
    """Return the median over the first axis: sorting whole columns at once is quicker than parting each."""
    ordered, n = np.sort(rows, axis=0), len(rows)
    return np.asarray((ordered[(n - 1) // 2] + ordered[n // 2]) / np.float32(2.0))


def moving_mean(values: npt.NDArray[np.floating], width: int) -> FloatArray:
    """Return the centred moving mean over `width` frames along axis 0."""
    return np.asarray(ndimage.uniform_filter1d(values, width, axis=0, mode="nearest"), dtype=np.float32)
