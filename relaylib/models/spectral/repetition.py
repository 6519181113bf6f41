"""Likeness of the signal to itself some time ago: repetitions."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import ndimage

from relaylib.models.spectral.decimation import decimate
from relaylib.models.spectral.framing import FloatArray, largest, moving_mean
from relaylib.types import HOP

__all__ = ["repetition_features"]

SLOW_HOP = HOP // 4  # at 4 kHz
PATCH = 400  # 100 ms at 4 kHz
LAGS = (320, 2000)  # 80 to 500 ms at 4 kHz
AT_ONCE = 32  # hops, which stay in the caches


def repetition_features(samples: FloatArray, mel_db: FloatArray) -> FloatArray:
    """Return how well a frame's surroundings match something 80-500 ms earlier or later [shape=(n_frames, 12)].

    Two measures of match: normalised cross-correlation of 100 ms of waveform below 2 kHz (near 1 for a copy,
    lower for a sound merely said again), and the correlation of log-mel patches (survives a change of phase,
    of level or of speed). Each looks back and ahead, and says at which lag.
    """
    n_frames = len(mel_db)
    back, ahead, lag = _waveform_match(samples, n_frames)
    mel_back, mel_ahead, mel_lag = _patch_match(mel_db)
    best = np.maximum(back, ahead)
    mel_best = np.maximum(mel_back, mel_ahead)
    return np.stack(
        [
            back,
            ahead,
            best,
            np.log(1.02 - best),
            moving_mean(best, 7),
            lag,
            mel_back,
            mel_ahead,
            mel_best,
            np.log(1.02 - mel_best),
            moving_mean(mel_best, 7),
            mel_lag,
        ],
        axis=1,
    ).astype(np.float32)


def _waveform_match(samples: FloatArray, n_frames: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the best match with what was before, with what comes, and how long before in half seconds."""
    likeness, own = _likeness(samples, n_frames)
    least, most = LAGS
    n_hops = likeness.shape[1]
    frames, hops = np.arange(n_frames), np.arange(n_hops)
    past = frames[:, None] + n_hops - 1 - hops  # of each frame, by how many hops ago
    coarse = np.clip(largest(likeness[:, :, 1:])[past, hops] * own, 0.0, 1.0)
    farthest = np.clip(likeness[frames, -1, 0] * own[:, 0], 0.0, 1.0)
    hop = coarse.argmax(axis=1)
    nearer = coarse[frames, hop]
    within = likeness[past[frames, hop], hop, :0:-1].argmax(axis=1)
    lag = np.where(farthest > nearer, most, least + SLOW_HOP * hop + within)
    back = np.maximum(nearer, farthest)
    lag[back == 0.0] = least
    ahead = np.zeros(n_frames, np.float32)
    # looking ahead by a lag is another frame looking back by the same lag
    for k in hops:
        shift = round((least + (k + 0.5) * SLOW_HOP) / SLOW_HOP)
        if shift < n_frames:
            np.maximum(ahead[:-shift], coarse[shift:, k], out=ahead[:-shift])
    return back, ahead, lag.astype(np.float32) / 2000.0


def _likeness(samples: FloatArray, n_frames: int) -> tuple[FloatArray, FloatArray]:
    """Return the products of each frame's patch with those before it, over their norms.

    All lags between two multiples of the hop are one matrix product, whose rows are the frames that far behind. It is
    made for parts of a patch as long as a hop: the frames around share them.

    Returns
    -------
    likeness : np.ndarray [shape=(n_frames + n_hops - 1, n_hops, SLOW_HOP + 1), float32]
        In row r the patch that begins r hops behind the earliest, moved ahead by 0 to SLOW_HOP samples (last axis),
        with those of the frames least // SLOW_HOP + k hops behind it (second axis), over the norm of the former.
    own : np.ndarray [shape=(n_frames, 1), float32]
        One over the norm of each frame's patch.
    """
    slow = decimate(samples, 4)
    slow = slow - ndimage.uniform_filter1d(slow, 200)
    least, most = LAGS
    reach = most + PATCH // 2
    padded = np.zeros(reach + max(len(slow), n_frames * SLOW_HOP + PATCH) + most, np.float32)
    padded[reach : reach + len(slow)] = slow
    power = np.concatenate([[0.0], np.cumsum(padded.astype(np.float64) ** 2)])
    floor = PATCH * 10.0 ** (np.percentile(20 * np.log10(np.abs(slow) + 1e-6), 90) / 10.0 - 4.0)
    gain = (1.0 / np.sqrt(np.maximum(power[PATCH:] - power[:-PATCH], floor))).astype(np.float32)  # of each patch

    first = reach + SLOW_HOP // 2 - PATCH // 2  # where the first frame's patch begins
    earliest = first - most
    n_hops, n_parts = (most - least) // SLOW_HOP, PATCH // SLOW_HOP
    parts = sliding_window_view(padded[earliest:], SLOW_HOP)
    moved = sliding_window_view(parts, SLOW_HOP + 1, axis=0)[::SLOW_HOP]
    behind = sliding_window_view(parts[::SLOW_HOP], n_hops, axis=0).transpose(0, 2, 1)[1 + least // SLOW_HOP :]
    gains = sliding_window_view(gain[earliest:], SLOW_HOP + 1)[::SLOW_HOP, None]
    likeness = np.empty((n_frames + n_hops - 1, n_hops, SLOW_HOP + 1), np.float32)
    for start in range(0, len(likeness), AT_ONCE):
        found = likeness[start : start + AT_ONCE]
        wanted = slice(start, start + len(found) + n_parts - 1)
        products = behind[wanted] @ np.ascontiguousarray(moved[wanted])  # small ones, in this thread
        found[:] = products[: len(found)]
        for part in range(1, n_parts):
            found += products[part : part + len(found)]
        found *= gains[start : start + len(found)]
    return likeness, gain[first::SLOW_HOP][:n_frames, None]


def _patch_match(mel_db: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Correlate log-mel patches of 5 frames (100 ms) with those 4-25 frames earlier."""
    n_frames = len(mel_db)
    level = np.maximum(mel_db, np.percentile(mel_db, 95) - 50.0)
    level = level - level.mean(axis=0)
    padded = np.pad(level, ((2, 2), (0, 0)), mode="edge")
    patches = np.concatenate([padded[k : k + n_frames] for k in range(5)], axis=1)
    patches = patches - patches.mean(axis=1, keepdims=True)
    norm = np.maximum(np.linalg.norm(patches, axis=1), 5.0 * np.sqrt(patches.shape[1]))
    unit = patches / norm[:, None]
    lags = np.arange(4, 26)
    back = np.zeros((n_frames, len(lags)), np.float32)
    ahead = np.zeros_like(back)
    for k, lag in enumerate(lags):
        if lag < n_frames:
            likeness = np.einsum("ij,ij->i", unit[lag:], unit[:-lag])
            back[lag:, k] = likeness
            ahead[:-lag, k] = likeness
    best = back.argmax(axis=1)
    return back.max(axis=1), ahead.max(axis=1), lags[best].astype(np.float32) / 25.0
