"""Likeness of the signal to itself a moment later: echoes."""

from __future__ import annotations

import numpy as np

from relaylib.models.spectral.decimation import decimate
from relaylib.models.spectral.framing import FloatArray, centred_frames, n_frames_of
from relaylib.models.spectral.spectrum import even_part, power_spectra
from relaylib.types import HOP

__all__ = ["echo_features"]

ECHO_RATE_DIVISOR = 2
ECHO_WINDOW = 4096  # 512 ms at 8 kHz
ECHO_QUEFRENCIES_MS = (45, 300)
AT_ONCE = 64  # frames, which stay in the caches


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
    half = decimate(samples, ECHO_RATE_DIVISOR)
    hop = 2 * HOP // ECHO_RATE_DIVISOR
    window = np.hanning(ECHO_WINDOW).astype(np.float32)
    columns: list[FloatArray] = []
    framed = centred_frames(half, ECHO_WINDOW, hop)
    low, high = (ms * 8 for ms in ECHO_QUEFRENCIES_MS)
    for first in range(0, len(framed), AT_ONCE):
        power = power_spectra(framed[first : first + AT_ONCE], 2 * ECHO_WINDOW, window)
        power += 1e-3 * power.mean(axis=1, keepdims=True) + 1e-10
        cepstrum = even_part(np.log(power, out=power))[:, : 2 * high + 2]
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
