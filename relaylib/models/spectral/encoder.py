"""The encoder that needs no weights: hand-made features of what goes wrong in speech."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Final

import numpy as np

from relaylib.models.spectral.echo import echo_features
from relaylib.models.spectral.fine import fine_features
from relaylib.models.spectral.framing import FloatArray, median
from relaylib.models.spectral.mel import active_frames, log_mel_of, mel_features, reference_level, spectrogram
from relaylib.models.spectral.quiet import quiet_features
from relaylib.models.spectral.repetition import repetition_features
from relaylib.models.spectral.residual import residual_features
from relaylib.models.spectral.voice import pitch_features, texture_features, timbre_features
from relaylib.models.threads import spread
from relaylib.types import HOP, SAMPLE_RATE

__all__ = ["SpectralEncoder"]

_REVISION: Final = "spectral/2"
"""Goes into the fingerprint: raise it whenever a feature changes."""


class SpectralEncoder:
    """Log-mel energies beside features for clicks, pauses, repetitions, echoes, foreign voices and processing.

    It needs no download, runs at more than a hundred times real time on one core, and is the floor that
    pretrained encoders have to beat. What describes the sound is relative to the usual sound of the window
    (the recording, up to 30 s), so that voice, gain and microphone matter little.
    """

    name: Final = "spectral"
    layer: Final = None
    n_layers: Final = 1
    hop: Final = HOP
    window: Final = 30 * SAMPLE_RATE
    context: Final = 4 * SAMPLE_RATE

    def __init__(self) -> None:
        self.fingerprint = hashlib.sha256(_REVISION.encode()).hexdigest()
        self.dim = self.encode(np.zeros(HOP, np.float32)).shape[1]

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the features [shape=(ceil(n / 320), dim), float32] of `samples` [shape=(n,), 16 kHz]."""
        if len(samples) == 0:
            return np.zeros((0, self.dim), np.float32)
        power = spectrogram(samples)
        mel_db = log_mel_of(power)
        level = reference_level(mel_db)
        active = active_frames(mel_db, level)
        # the short ones first: between them this thread can help one beside it, which mostly wants it early on
        mel, quiet, timbre, texture = spread(
            [
                partial(mel_features, mel_db, level, active),
                partial(quiet_features, samples),
                partial(timbre_features, mel_db, active),
                partial(texture_features, samples, power, mel_db),
            ]
        )
        echo, repetition, residual, pitch, fine = spread(
            [
                partial(echo_features, samples),
                partial(repetition_features, samples, mel_db),
                partial(residual_features, samples),
                partial(pitch_features, samples),
                partial(fine_features, samples, level),
            ]
        )
        # how speech sounds depends on the voice, and what is wrong with it is rare: so it is given relative to
        # the usual frame of this recording, and a voice that training never heard looks like those it did
        sound = [columns - median(columns) for columns in (mel, fine, residual, pitch, timbre, texture)]
        return np.concatenate([*sound, quiet, repetition, echo], axis=1)
