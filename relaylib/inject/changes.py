"""Changes that some call an artifact and some do not: sound, level, speed and pitch that jump, other sounds on top."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, at_speed, blend, crossed, spanning
from relaylib.inject.glitches import widened

__all__ = ["CHANGES"]

_LENGTH_MS = (300, 2500)


def _changed(canvas: Canvas, dry: FloatArray, wet: FloatArray) -> FloatArray:
    return blend(dry, np.clip(wet, -1, 1).astype(np.float32), canvas.draw_ms(3, 30))


def clipped(canvas: Canvas, dry: FloatArray) -> FloatArray | None:
    """Driven over the edge, hard or soft."""
    limit = float(np.abs(dry).max()) * canvas.rng.uniform(0.05, 0.35)
    if not limit:
        return None
    wet = np.clip(dry, -limit, limit) if canvas.rng.random() < 0.6 else limit * np.tanh(dry / limit)
    return _changed(canvas, dry, wet * canvas.rng.uniform(1.0, 2.5))


def hum(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Mains on top."""
    time = np.arange(len(dry)) / canvas.sample_rate
    mains = canvas.rng.choice([50, 60])
    wave = sum(canvas.rng.uniform(0, 1) / k * np.sin(2 * np.pi * mains * k * time) for k in range(1, 12))
    return _changed(canvas, dry, dry + canvas.level * canvas.rng.uniform(0.2, 1.0) * wave)


def muffled(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Only low frequencies, or only those of a telephone."""
    high = canvas.rng.uniform(700, 2500)
    if canvas.rng.random() < 0.6:
        band = butter(6, high, fs=canvas.sample_rate, output="sos")
    else:
        band = butter(4, [high * 0.4, high * 1.6], "bandpass", fs=canvas.sample_rate, output="sos")
    return _changed(canvas, dry, sosfilt(band, dry))


def louder_or_softer(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Another level, at once."""
    gain_db = canvas.rng.uniform(8, 22) * canvas.rng.choice([-1, 1])
    return _changed(canvas, dry, dry * 10 ** (gain_db / 20))


def faster_or_slower(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Another speed, and with it another pitch."""
    speed = canvas.rng.choice([canvas.rng.uniform(0.6, 0.85), canvas.rng.uniform(1.18, 1.6)])
    return at_speed(dry, speed).astype(np.float32)


def skip(canvas: Canvas) -> Edit | None:
    """A piece of speech is missing, and the rest joined smoothly; marked is the joint."""
    n, edge = canvas.draw_ms(150, 900), canvas.draw_ms(4, 25)
    start = canvas.find(n + 2 * edge, spoken=0.8)
    if start is None:
        return None
    x = canvas.samples
    joint = crossed(x[start : start + edge], x[start + n : start + n + edge])
    around = canvas.ms(20)
    end = start + n + edge
    piece = np.concatenate([x[start - around : start], joint, x[end : end + around]])
    return Edit(start - around, end + around, piece, *widened(canvas, around, around + edge, len(piece)))


def crosstalk(canvas: Canvas, dry: FloatArray) -> FloatArray | None:
    """Another voice at the same time."""
    said = canvas.foreign(len(dry))
    return None if said is None else _changed(canvas, dry, dry + said * canvas.rng.uniform(0.25, 0.9))


CHANGES = (
    Shape("clipped", "distortion", spanning(80, 1500, clipped)),
    Shape("hum", "hum", spanning(*_LENGTH_MS, hum)),
    Shape("muffled", "bandwidth", spanning(*_LENGTH_MS, muffled)),
    Shape("louder_or_softer", "level_jump", spanning(*_LENGTH_MS, louder_or_softer)),
    Shape("faster_or_slower", "pitch_jump", spanning(*_LENGTH_MS, faster_or_slower)),
    Shape("skip", "skip", skip),
    Shape("crosstalk", "crosstalk", spanning(400, 2500, crosstalk)),
)
