"""What happens inside a frame: clicks, drop-outs, splices and held samples, to the 2 ms block."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from relaylib.models.spectral.framing import FloatArray, centred_frames, log_power_db, mean_square
from relaylib.types import HOP

__all__ = ["fine_features"]

BLOCK = 32  # 2 ms


def fine_features(samples: FloatArray, level_db: float) -> FloatArray:
    """Return per-frame statistics of 2 ms blocks and of the second difference [shape=(n_frames, 22)].

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), float32, 16 kHz]
    level_db : float
        Reference level of the recording; block energies are given relative to it.
    """
    framed = centred_frames(samples, 2 * HOP)  # the frame with half a frame on each side: edges between frames count
    first = np.diff(samples, prepend=samples[:1])
    bend = np.diff(first, prepend=first[:1])
    bends = centred_frames(bend, 2 * HOP)
    columns = [
        *_block_statistics(framed, level_db),
        *_block_statistics(bends, level_db),
        *_bend_statistics(bend, level_db),
        *_flatness(samples),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _block_statistics(framed: FloatArray, level_db: float) -> list[FloatArray]:
    """Energy of the 2 ms blocks inside a frame: extremes, range, largest steps up and down, peakiness."""
    blocks = framed.reshape(len(framed), -1, BLOCK)
    energy = (log_power_db(mean_square(blocks)) - level_db) / 20.0
    energy = np.maximum(energy, -4.0)
    step = np.diff(energy, axis=1)
    middle, usual = energy[:, 5:-5], np.median(energy, axis=1)
    least, most = middle.min(axis=1), middle.max(axis=1)
    return [
        least,
        most,
        most - usual,
        usual - least,
        step[:, 4:-4].max(axis=1),
        -step[:, 4:-4].min(axis=1),
    ]


def _bend_statistics(bend: FloatArray, level_db: float) -> list[FloatArray]:
    """Crest of the second difference inside the frame and against its neighbours, in tens of dB."""
    framed = centred_frames(np.abs(bend), HOP)
    peak = 2.0 * np.log10(framed.max(axis=1) + 1e-6)
    mean = 2.0 * np.log10(framed.mean(axis=1) + 1e-6)
    around = ndimage.median_filter(peak, 9, mode="nearest")
    loudest_but_one = ndimage.rank_filter(peak, rank=-3, size=9, mode="nearest")
    square = framed * framed
    kurtosis = np.log(np.mean(square * square, axis=1) / (np.mean(square, axis=1) ** 2 + 1e-16) + 1.0)
    second = np.partition(framed, -6, axis=1)
    return [
        peak - mean,
        peak - around,
        peak - loudest_but_one,
        peak - level_db / 10.0,
        kurtosis,
        peak - 2.0 * np.log10(second[:, -6] + 1e-6),
    ]


def _flatness(samples: FloatArray) -> list[FloatArray]:
    """Share of exactly repeated samples and of exact zeros, and the longest run of them."""
    held = np.diff(samples, prepend=samples[:1] + 1.0) == 0.0
    zero = samples == 0.0
    share = centred_frames(held.astype(np.float32), HOP).mean(axis=1)
    zeros = centred_frames(zero.astype(np.float32), HOP).mean(axis=1)
    quiet = np.abs(samples) < 2e-4
    still = centred_frames(quiet.astype(np.float32), BLOCK, BLOCK).mean(axis=1)
    n_frames = len(share)
    per_frame = np.zeros(n_frames * (HOP // BLOCK), np.float32)
    per_frame[: len(still)] = still[: len(per_frame)]
    most_still = per_frame.reshape(n_frames, -1).max(axis=1)
    active = np.abs(samples) > 1e-3
    around = centred_frames(active.astype(np.float32), 5 * HOP).mean(axis=1)
    return [share, zeros, most_still, around]
