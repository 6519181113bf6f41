"""Log-mel energies, relative to the level and to the colour of the speech around."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch

from relaylib.audio.mel import mel_filters
from relaylib.models.spectral.framing import FloatArray, centred_frames, log_power_db
from relaylib.models.spectral.spectrum import power_spectra
from relaylib.models.threads import one_core

__all__ = ["active_frames", "log_mel", "log_mel_of", "mel_features", "reference_level", "spectrogram"]

WINDOW = 512
N_BANDS = 40


@cache
def _filters() -> FloatArray:
    return mel_filters(N_BANDS, WINDOW, lowest_hz=60.0)


def spectrogram(samples: FloatArray) -> FloatArray:
    """Return the power spectra [shape=(n_frames, WINDOW // 2 + 1)] of 32 ms Hann windows."""
    return power_spectra(centred_frames(samples, WINDOW), WINDOW, _window())


def log_mel_of(power: FloatArray) -> FloatArray:
    """Return log-mel energies in dB [shape=(n_frames, N_BANDS)] of a :func:`spectrogram`."""
    # torch's product: NumPy's leaves threads waiting on all cores, in the way of whatever runs next; on one core, since
    # on an AMD processor the last digit depends on how many it is
    with one_core():
        bands: FloatArray = (torch.from_numpy(power) @ torch.from_numpy(_filters()).t()).numpy()
    return log_power_db(bands / np.sum(_window() ** 2))


def log_mel(samples: FloatArray) -> FloatArray:
    """Return log-mel energies in dB [shape=(n_frames, N_BANDS)] of 32 ms Hann windows."""
    return log_mel_of(spectrogram(samples))


def _window() -> FloatArray:
    return np.hanning(WINDOW).astype(np.float32)


def reference_level(mel_db: FloatArray) -> float:
    """Return the level in dB that loud speech reaches here: the 90th percentile of the frames' energy."""
    return float(np.percentile(_frame_db(mel_db), 90))


def active_frames(mel_db: FloatArray, level: float) -> npt.NDArray[np.bool_]:
    """Mark the frames within 30 dB of the reference level: speech rather than gaps."""
    return _frame_db(mel_db) > level - 30.0


def _frame_db(mel_db: FloatArray) -> FloatArray:
    return log_power_db(np.sum(10.0 ** (mel_db / 10.0), axis=1))


def mel_features(mel_db: FloatArray, level: float, active: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the bands in units of 20 dB, re the reference level and re the mean colour of the speech.

    The first half says how loud a band is, the second how unlike the rest of the recording it sounds,
    in pairs of bands: another voice, room or bandwidth shows there whatever the speaker.
    """
    relative = np.clip((mel_db - level) / 20.0, -4.0, 1.0)
    colour = mel_db[active].mean(axis=0) if active.any() else mel_db.mean(axis=0)
    unlike = np.clip((mel_db - colour) / 20.0, -3.0, 2.0)
    pairs = unlike.reshape(len(unlike), N_BANDS // 2, 2).mean(axis=2)
    return np.concatenate([relative, pairs], axis=1).astype(np.float32)
