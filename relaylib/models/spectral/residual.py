"""What linear prediction does not expect: clicks and joins stand out of the residual of speech."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

from relaylib.models.spectral.framing import FloatArray, centred_frames, largest
from relaylib.models.spectral.spectrum import even_part, power_spectra
from relaylib.types import HOP

__all__ = ["residual_features"]

ORDER = 14
WINDOW = 2 * HOP
BLOCK = 16  # 1 ms
AT_ONCE = 256  # frames, which stay in the caches
RANKS = ((3, 11), (2, 25), (5, 25))
"""Which of the largest frames within how many, counting itself."""


def residual_features(samples: FloatArray) -> FloatArray:
    """Return how far the prediction error of a frame sticks out of its surroundings [shape=(n_frames, 12)].

    In units of ten dB. First the largest 1 ms block of the frame against the median block within 50 ms and
    the mean block within 20 ms, and the largest against the mean error. Then the frame's largest error
    against the n-th largest of the frames around, for each of :data:`RANKS`: pitch pulses come in rows of
    equals, a click or a join is alone. Then the same for its mean error (bursts) and its least (drop-outs).

    References
    ----------
    .. [1] Vaseghi, Rayner, "Detection and suppression of impulsive noise in speech communication systems", 1990.
    """
    error = np.abs(_prediction_error(samples))  # (n_frames, HOP)
    level = 2.0 * np.log10(largest(error.reshape(len(error), -1, BLOCK)) + 1e-6)
    flat = level.ravel()
    around = ndimage.median_filter(flat, 101, mode="nearest").reshape(level.shape)
    calm = ndimage.uniform_filter1d(flat, level.shape[1], mode="nearest").reshape(level.shape)
    peak, dip = level.max(axis=1), level.min(axis=1)
    mean = 2.0 * np.log10(error.mean(axis=1) + 1e-6)
    columns = [
        (level - around).max(axis=1),
        (level - calm).max(axis=1),
        peak - mean,
        *(peak - _nth_largest(peak, n, width) for n, width in RANKS),
        *(mean - _nth_largest(mean, n, width) for n, width in RANKS),
        *(-dip - _nth_largest(-dip, n, width) for n, width in RANKS),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _nth_largest(values: FloatArray, n: int, width: int) -> FloatArray:
    return np.asarray(ndimage.rank_filter(values, rank=-n, size=width, mode="nearest"))


def _prediction_error(samples: FloatArray) -> FloatArray:
    """Return the error of each frame's own linear predictor on its samples [shape=(n_frames, HOP)]."""
    framed = centred_frames(samples, WINDOW + 2 * ORDER)[:, ORDER:]  # ORDER samples less behind than before
    return np.concatenate([_errors(framed[first : first + AT_ONCE]) for first in range(0, len(framed), AT_ONCE)])


def _errors(framed: FloatArray) -> FloatArray:
    spectra = power_spectra(framed[:, :WINDOW], 2 * WINDOW, np.hanning(WINDOW).astype(np.float32))
    correlation = even_part(spectra)[:, : ORDER + 1].astype(np.float64)
    correlation[:, 0] = correlation[:, 0] * 1.0003 + 1e-7
    predictor = _levinson(correlation)
    first = (WINDOW - HOP) // 2
    error = torch.from_numpy(np.zeros((len(framed), HOP)))
    past, weight = torch.from_numpy(framed.astype(np.float64)), torch.from_numpy(predictor)
    for lag in range(ORDER + 1):
        error.addcmul_(weight[:, lag, None], past[:, first - lag : first - lag + HOP])
    return error.float().numpy()


def _levinson(correlation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return prediction error filters [shape=(n_frames, order + 1)] of autocorrelations, all frames at once."""
    n_frames, width = correlation.shape
    predictor = np.zeros((n_frames, width))
    predictor[:, 0] = 1.0
    power = correlation[:, 0].copy()
    for order in range(1, width):
        reflection = -np.einsum("ij,ij->i", predictor[:, :order], correlation[:, order:0:-1]) / power
        predictor[:, 1 : order + 1] += reflection[:, None] * predictor[:, order - 1 :: -1][:, :order]
        power *= 1.0 - reflection**2
    return predictor
