"""The spectrogram for each column of the picture, at any zoom."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from relaylib.audio.mel import mel_edges_hz, mel_filters
from relaylib.widgets.sound.pyramid import COLUMN, check_level

__all__ = ["MARGIN", "N_BANDS", "bands_hz", "spectrogram"]

FloatArray = npt.NDArray[np.float32]
Reader = Callable[[int, int], npt.NDArray[np.int16]]
"""Gives what there is of the samples ``[start, end)``, 0 <= start."""

N_BANDS = 96
FLOOR_DB, TOP_DB = -90.0, -10.0

_WINDOW = 320  # 20 ms: harmonics of a voice show, and so does where a click is
_N_FFT = 512
_MOST_FRAMES = 8  # in a column: the work for a tile is bounded
_MOST_HOP_TO_READ_OVER = 1024  # beyond, windows are read one by one
_FULL_SCALE = 32768.0

MARGIN = _WINDOW // 2
"""Samples beyond a column that its spectrum may depend on."""


def bands_hz() -> FloatArray:
    """Return the middles of the bands [shape=(N_BANDS,), Hz]: evenly to 1 kHz, 31 Hz apart, then by a constant factor.

    That is the mel scale of Slaney's Auditory Toolbox, to 8 kHz.
    """
    return mel_edges_hz(N_BANDS)[1:-1].astype(np.float32)


def spectrogram(read: Reader, level: int, first: int, n_columns: int) -> npt.NDArray[np.uint8]:
    """Return the level in each band for columns ``[first, first + n_columns)``.

    Hann windows of 20 ms lie in the middle of equal parts of the column, at most every 8 ms and at most 8 of them; for
    each frequency the loudest counts, so that clicks show. Above level 5 they do not cover the column any more. Where
    they lie follows from the column alone, so stretches computed apart fit together.

    Parameters
    ----------
    read : callable
        ``read(start, end)`` gives the samples [int16] that there are; beyond is silence.
    level : int, 0 to 20
        A column has ``64 * 2**level`` samples.
    first, n_columns : int >= 0

    Returns
    -------
    np.ndarray [shape=(n_columns, N_BANDS), uint8]
        0 is -90 dB and less, 255 is -10 dB and more, re the power of a sine of full scale. The lowest band comes first.

    Raises
    ------
    ParameterError
        If there is no such level.
    """
    check_level(level)
    per_column = min(max(1, (COLUMN << level) // 128), _MOST_FRAMES)
    hop = (COLUMN << level) // per_column
    start = first * (COLUMN << level) + hop // 2 - _WINDOW // 2
    power = _power(_frames(read, start, hop, n_columns * per_column))
    bands = _bands(power.reshape(n_columns, per_column, -1).max(axis=1))
    shade = (10.0 * np.log10(bands + 1e-12) - FLOOR_DB) * (255.0 / (TOP_DB - FLOOR_DB))
    return np.rint(np.clip(shade, 0.0, 255.0)).astype(np.uint8)


def _frames(read: Reader, start: int, hop: int, n_frames: int) -> npt.NDArray[np.int16]:
    """Return windows [shape=(n_frames, _WINDOW)] from sample `start` on, which may be negative."""
    if hop <= _MOST_HOP_TO_READ_OVER:
        samples = _padded(read, start, start + (n_frames - 1) * hop + _WINDOW)
        return np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::hop]
    frames = np.zeros((n_frames, _WINDOW), np.int16)
    for frame, at in zip(frames, range(start, start + n_frames * hop, hop), strict=True):
        samples = read(at, at + _WINDOW)
        if not len(samples):
            break  # the end of what is decoded
        frame[: len(samples)] = samples
    return frames


def _padded(read: Reader, start: int, end: int) -> npt.NDArray[np.int16]:
    """Return the samples ``[start, end)``, silence where there are none."""
    samples = np.zeros(end - start, np.int16)
    there = read(max(start, 0), end)
    first = max(-start, 0)
    samples[first : first + len(there)] = there
    return samples


def _power(frames: npt.NDArray[np.int16]) -> FloatArray:
    """Return the power in each bin [shape=(n_frames, _N_FFT // 2 + 1)]; all bins of a sine of full scale sum to 1."""
    from scipy.fft import rfft  # three times as fast as numpy's on many short windows; slow to import

    window = _window()
    scale = 2.0 / (_FULL_SCALE * np.sqrt(_N_FFT * float(np.sum(window**2))))
    spectrum = rfft(frames * (window * np.float32(scale)), _N_FFT, axis=1, overwrite_x=True)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _bands(power: FloatArray) -> FloatArray:
    """Return the power in each band [shape=(n_columns, N_BANDS)]."""
    # one product with all filters, mostly zeros, would be spread over threads that wait for one another
    return np.stack([power[:, bins] @ weights for bins, weights in _filters()], axis=1)


@cache
def _window() -> FloatArray:
    # shifted by half a sample against np.hanning(_WINDOW + 1): its middle is that of the samples
    return (np.sin(np.pi * (np.arange(_WINDOW) + 0.5) / _WINDOW) ** 2).astype(np.float32)


@cache
def _filters() -> list[tuple[slice, FloatArray]]:
    """Return the bins of each band and their weights."""
    filters = []
    for weights in mel_filters(N_BANDS, _N_FFT):
        inside = np.flatnonzero(weights)
        bins_of_band = slice(int(inside[0]), int(inside[-1]) + 1)
        filters.append((bins_of_band, weights[bins_of_band].copy()))
    return filters
