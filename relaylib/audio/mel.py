"""Bands of a spectrum on the mel scale.

librosa has the same filters, which tests compare with these, but takes longer to import than an encoder to load.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaylib.types import SAMPLE_RATE

__all__ = ["mel_edges_hz", "mel_filters"]

_KNEE_HZ = 1000.0
_HZ_PER_MEL = 200.0 / 3
_KNEE = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27


def mel_edges_hz(n_bands: int, lowest_hz: float = 0.0) -> npt.NDArray[np.float64]:
    """Return where bands up to 8 kHz begin, peak and end [shape=(n_bands + 2,)]; each ends where the next one peaks.

    They are evenly apart on the mel scale of Slaney's Auditory Toolbox [1]_, which is linear to 1 kHz and logarithmic
    from there.

    References
    ----------
    .. [1] M. Slaney, "Auditory Toolbox, version 2", Interval Research Corporation, Technical Report 1998-010.
    """
    mels = np.linspace(_mel_of(lowest_hz), _mel_of(SAMPLE_RATE / 2), n_bands + 2)
    return np.where(mels < _KNEE, mels * _HZ_PER_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mels - _KNEE)))


def mel_filters(n_bands: int, n_fft: int, lowest_hz: float = 0.0) -> npt.NDArray[np.float32]:
    """Return the weight of each bin of a spectrum in each band [shape=(n_bands, n_fft // 2 + 1)]: triangles up to 1."""
    edges = mel_edges_hz(n_bands, lowest_hz)
    from_edges = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE) - edges[:, None]
    widths = np.diff(edges)[:, None]
    rising, falling = from_edges[:-2] / widths[:-1], -from_edges[2:] / widths[1:]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _mel_of(hz: float) -> float:
    return hz / _HZ_PER_MEL if hz < _KNEE_HZ else _KNEE + float(np.log(hz / _KNEE_HZ)) / _LOG_STEP
