"""Likeness of the signal to itself some time ago: repetitions and echoes."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, signal

from relaylib.models.spectral.framing import FloatArray, centred_frames, moving_mean, n_frames_of
from relaylib.models.spectral.spectrum import correlate, even_part, power_spectra
from relaylib.types import HOP

__all__ = ["echo_features", "repetition_features"]

SLOW_HOP = HOP // 4  # at 4 kHz
PATCH = 400  # 100 ms at 4 kHz
LAGS = (320, 2000)  # 80 to 500 ms at 4 kHz


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
    slow = signal.resample_poly(samples, 1, 4).astype(np.float32)
    slow = slow - ndimage.uniform_filter1d(slow, 200)
    least, most = LAGS
    reach = most + PATCH // 2
    tail = n_frames * SLOW_HOP - len(slow) + PATCH
    padded = np.concatenate([np.zeros(reach, np.float32), slow, np.zeros(max(0, tail) + PATCH, np.float32)])
    starts = reach + SLOW_HOP // 2 - PATCH // 2 + SLOW_HOP * np.arange(n_frames)
    power = np.concatenate([[0.0], np.cumsum(padded.astype(np.float64) ** 2)])
    pasts = np.lib.stride_tricks.sliding_window_view(padded, most - least + PATCH)
    patches = np.lib.stride_tricks.sliding_window_view(padded, PATCH)
    floor = PATCH * 10.0 ** (np.percentile(20 * np.log10(np.abs(slow) + 1e-6), 90) / 10.0 - 4.0)
    gain = (1.0 / np.sqrt(np.maximum(power[PATCH:] - power[:-PATCH], floor))).astype(np.float32)  # of each patch
    n_lags = most - least + 1
    gains = np.lib.stride_tricks.sliding_window_view(gain, n_lags)
    match = np.empty((n_frames, n_lags), np.float32)
    for first in range(0, n_frames, 256):
        rows = starts[first : first + 256]
        product = correlate(pasts[rows - most], patches[rows])
        product *= gains[rows - most]
        product *= gain[rows, None]
        match[first : first + 256] = product[:, ::-1]  # column k: lag least + k
    np.clip(match, 0.0, 1.0, out=match)
    back_at = match.argmax(axis=1)
    back = match[np.arange(n_frames), back_at]
    ahead = np.zeros(n_frames, np.float32)
    # looking ahead by a lag is another frame looking back by the same lag
    coarse = (
        match.reshape(n_frames, -1)[:, : (n_lags // SLOW_HOP) * SLOW_HOP].reshape(n_frames, -1, SLOW_HOP).max(axis=2)
    )
    for k in range(coarse.shape[1]):
        shift = round((least + (k + 0.5) * SLOW_HOP) / SLOW_HOP)
        if shift < n_frames:
            np.maximum(ahead[:-shift], coarse[shift:, k], out=ahead[:-shift])
    return back, ahead, (least + back_at.astype(np.float32)) / 2000.0


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


ECHO_RATE_DIVISOR = 2
ECHO_WINDOW = 4096  # 512 ms at 8 kHz
ECHO_QUEFRENCIES_MS = (45, 300)


def echo_features(samples: FloatArray) -> FloatArray:
    """Return the strength of a delayed copy of the signal in itself [shape=(n_frames, 6)].

    The real cepstrum of half a second peaks at the delay of an echo, whatever is said; voices peak below
    20 ms. Given are the highest cepstral peak at 45-300 ms against the spread there, its sum with the peak
    at twice the delay, and the delay, for every second frame and held for the next.

    References
    ----------
    .. [1] Bogert, Healy, Tukey, "The quefrency alanysis of time series for echoes", 1963.
    """
    n_frames = n_frames_of(len(samples))
    half = signal.resample_poly(samples, 1, ECHO_RATE_DIVISOR).astype(np.float32)
    hop = 2 * HOP // ECHO_RATE_DIVISOR
    window = np.hanning(ECHO_WINDOW).astype(np.float32)
    columns: list[FloatArray] = []
    framed = centred_frames(half, ECHO_WINDOW, hop)
    low, high = (ms * 8 for ms in ECHO_QUEFRENCIES_MS)
    for first in range(0, len(framed), 128):
        power = power_spectra(framed[first : first + 128] * window, 2 * ECHO_WINDOW)
        power += 1e-3 * power.mean(axis=1, keepdims=True) + 1e-10
        cepstrum = even_part(np.log(power))[:, : 2 * high + 2]
        region = cepstrum[:, low:high]
        spread = np.sqrt(np.mean(region**2, axis=1)) + 1e-4
        at = region.argmax(axis=1)
        rows = np.arange(len(at))
        peak = region[rows, at]
        twice = np.max(
            np.stack([cepstrum[rows, np.minimum(2 * (at + low) + d, cepstrum.shape[1] - 1)] for d in (-1, 0, 1)]),
            axis=0,
        )
        dip = region.min(axis=1)
        columns.append(
            np.stack(
                [
                    peak * 10,
                    peak / spread / 5,
                    (peak - twice) * 10,
                    (at + low) / 1000.0,
                    dip * 10,
                    peak / (spread - dip),
                ],
                axis=1,
            ).astype(np.float32)
        )
    return np.repeat(np.concatenate(columns), 2, axis=0)[:n_frames]
