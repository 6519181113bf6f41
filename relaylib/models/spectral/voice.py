"""Pitch, timbre against the rest of the recording, and the traces of machine processing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from relaylib.models.spectral.framing import FloatArray, centred_frames, moving_mean
from relaylib.models.spectral.spectrum import even_part, power_spectra
from relaylib.types import SAMPLE_RATE

__all__ = ["pitch_features", "texture_features", "timbre_features"]

PITCH_WINDOW = 1024
PITCH_LAGS = (SAMPLE_RATE // 400, SAMPLE_RATE // 60)


def pitch_features(samples: FloatArray) -> FloatArray:
    """Return voicing, pitch against the recording's own, its movement and steadiness [shape=(n_frames, 6)].

    Pitch is the strongest normalised autocorrelation of 64 ms between 60 and 400 Hz, in octaves.
    """
    framed = centred_frames(samples, PITCH_WINDOW)
    low, high = PITCH_LAGS
    voicing = np.zeros(len(framed), np.float32)
    octave = np.zeros(len(framed), np.float32)
    for first in range(0, len(framed), 512):
        block = framed[first : first + 512]
        block = block - block.mean(axis=1, keepdims=True)
        match = even_part(power_spectra(block, 2 * PITCH_WINDOW))[:, : high + 1]
        match /= match[:, :1] + 1e-6 * PITCH_WINDOW
        region = (match / (1.0 - np.arange(high + 1) / PITCH_WINDOW))[:, low:]
        weight = region - 0.1 * np.log2(np.arange(low, high + 1) / low)
        at = weight.argmax(axis=1)
        voicing[first : first + 512] = np.clip(region[np.arange(len(at)), at], 0, 1)
        octave[first : first + 512] = np.log2(SAMPLE_RATE / (at + low) / 100.0)
    voiced = voicing > 0.6
    usual = float(np.median(octave[voiced])) if voiced.any() else 0.0
    relative = np.where(voiced, octave - usual, 0.0).astype(np.float32)
    movement = np.abs(np.diff(relative, prepend=relative[:1])) * voiced
    share = moving_mean(voiced.astype(np.float32), 25) + 1e-3
    local = moving_mean(relative, 25) / share
    spread = np.sqrt(np.maximum(moving_mean(relative**2, 25) / share - local**2, 0.0))
    absolute = np.where(voiced, octave, 0.0)
    return np.stack([voicing, relative, movement, local, spread, absolute], axis=1).astype(np.float32)


N_CEPSTRA = 13


def timbre_features(mel_db: FloatArray, active: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the timbre of the 0.6 s around a frame against the recording's [shape=(n_frames, N_CEPSTRA + 2)].

    Mel-cepstra of active frames, averaged around the frame, less the median of the recording's and over
    their spread; then the mean absolute difference, and the largest change from the 0.4 s before to after.
    """
    cepstra = fft.dct(mel_db, axis=1, norm="ortho")[:, 1 : N_CEPSTRA + 1].astype(np.float32)
    weight = active.astype(np.float32)[:, None]
    if not active.any():
        return np.zeros((len(mel_db), N_CEPSTRA + 2), np.float32)
    centre = np.median(cepstra[active], axis=0)
    spread = cepstra[active].std(axis=0) + 3.0
    unlike = (cepstra - centre) / spread * weight
    local = moving_mean(unlike, 31) / (moving_mean(weight, 31) + 0.05)
    side = moving_mean(unlike, 21) / (moving_mean(weight, 21) + 0.05)
    before = ndimage.shift(side, (11, 0), order=0, mode="nearest")
    after = ndimage.shift(side, (-11, 0), order=0, mode="nearest")
    change = np.sqrt(np.mean((after - before) ** 2, axis=1, keepdims=True))
    distance = np.sqrt(np.mean(local**2, axis=1, keepdims=True))
    return np.concatenate([local, distance, change], axis=1).astype(np.float32)


def texture_features(samples: FloatArray, power: FloatArray, mel_db: FloatArray) -> FloatArray:
    """Return what processing leaves behind: spectral roughness, peakiness in time, steadiness [shape=(n_frames, 8)].

    `power` is the :func:`~relaylib.models.spectral.mel.spectrogram` of the samples, `mel_db` its log-mel energies.
    """
    spectrum = power + 1e-9
    log_spectrum = np.log(spectrum)
    flatness = [
        log_spectrum[:, a:b].mean(axis=1) - np.log(spectrum[:, a:b].mean(axis=1))
        for a, b in ((4, 64), (64, 160), (160, 256))
    ]
    tilt = np.log(spectrum[:, 160:].sum(axis=1)) - np.log(spectrum[:, 4:64].sum(axis=1))
    long = centred_frames(samples, 640)
    square = long * long  # products: raising to powers takes ten times as long
    mean = square.mean(axis=1)
    crest = np.log(np.abs(long).max(axis=1) + 1e-5) - 0.5 * np.log(mean + 1e-10)
    kurtosis = np.log(np.mean(square * square, axis=1) / (mean**2 + 1e-14) + 0.1)
    skew = np.mean(square * long, axis=1) / (mean**1.5 + 1e-10)
    flux = np.abs(np.diff(mel_db, axis=0, prepend=mel_db[:1])).mean(axis=1) / 10.0
    return np.stack([*flatness, tilt / 5.0, crest, kurtosis, np.clip(skew, -4, 4), flux], axis=1).astype(np.float32)
