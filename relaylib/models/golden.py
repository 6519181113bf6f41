"""The golden clip: a second and a half of sound whose scores a detector remembers.

A detector that scores it differently after loading is not the one that was validated, whatever changed
underneath: weights, encoder, library or processor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaylib.types import SAMPLE_RATE

__all__ = ["as_samples", "golden_clip", "tolerance"]

_WITHIN = 0.02
"""Largest difference of scores that processors and library versions may make among themselves."""

_ACROSS = 0.1
"""Likewise, where one side embeds in bfloat16: measured up to 0.011 with small random models."""


def tolerance(saved: str | None, at_hand: str | None) -> float:
    """Return the largest difference to allow between the precisions of two encoders (None: without a choice)."""
    return _WITHIN if (saved == "bf16") == (at_hand == "bf16") else _ACROSS


def golden_clip() -> npt.NDArray[np.int16]:
    """Return the clip [shape=(24000,), int16, 16 kHz]: a voice-like glide, a click, a hole and hiss."""
    time = np.arange(SAMPLE_RATE * 3 // 2) / SAMPLE_RATE
    pitch = np.cumsum(110.0 + 40.0 * np.sin(2 * np.pi * 0.7 * time)) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 24))
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * 4.0 * time)
    # hiss without a random generator, whose streams may change between versions
    hiss = np.modf(np.sin(np.arange(len(time)) * 12.9898) * 43758.5453)[0]
    clip = 0.25 * voice * syllables + 0.003 * hiss
    clip[9000:9003] += 0.6
    clip[14000:15600] = 0.0
    return np.round(np.clip(clip, -1.0, 1.0) * 32767).astype(np.int16)


def as_samples(clip: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Return a stored clip as samples [float32, -1..1]."""
    return clip.astype(np.float32) / 32768.0
