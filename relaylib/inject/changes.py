"""Changes that some call an artifact and some do not: sound, level, speed and pitch that jump, other sounds on top."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, blend
from relaylib.inject.glitches import widened

__all__ = ["CHANGES"]

_LENGTH_MS = (300, 2500)


def _changed(canvas: Canvas, start: int, dry: FloatArray, wet: FloatArray) -> Edit:
    piece = blend(dry, np.clip(wet, -1, 1).astype(np.float32), canvas.draw_ms(3, 30))
    return Edit(start, start + len(dry), piece, 0, len(dry))


def clipped(canvas: Canvas) -> Edit | None:
    """Driven over the edge, hard or soft."""
    found = canvas.find_span(80, 1500)
    if found is None:
        return None
    start, dry = found
    limit = float(np.abs(dry).max()) * canvas.rng.uniform(0.05, 0.35)
    wet = np.clip(dry, -limit, limit) if canvas.rng.random() < 0.6 else limit * np.tanh(dry / limit)
    return _changed(canvas, start, dry, wet * canvas.rng.uniform(1.0, 2.5))


def hum(canvas: Canvas) -> Edit | None:
    """Mains on top."""
    found = canvas.find_span(*_LENGTH_MS)
    if found is None:
        return None
    start, dry = found
    time = np.arange(len(dry)) / canvas.sample_rate
    mains = canvas.rng.choice([50, 60])
    wave = sum(canvas.rng.uniform(0, 1) / k * np.sin(2 * np.pi * mains * k * time) for k in range(1, 12))
    return _changed(canvas, start, dry, dry + canvas.level * canvas.rng.uniform(0.2, 1.0) * wave)


def muffled(canvas: Canvas) -> Edit | None:
    """Only low frequencies, or only those of a telephone."""
    found = canvas.find_span(*_LENGTH_MS)
    if found is None:
        return None
    start, dry = found
    high = canvas.rng.uniform(700, 2500)
    if canvas.rng.random() < 0.6:
        band = butter(6, high, fs=canvas.sample_rate, output="sos")
    else:
        band = butter(4, [high * 0.4, high * 1.6], "bandpass", fs=canvas.sample_rate, output="sos")
    return _changed(canvas, start, dry, sosfilt(band, dry))


def louder_or_softer(canvas: Canvas) -> Edit | None:
    """Another level, at once."""
    found = canvas.find_span(*_LENGTH_MS)
    if found is None:
        return None
    start, dry = found
    gain_db = canvas.rng.uniform(8, 22) * canvas.rng.choice([-1, 1])
    return _changed(canvas, start, dry, dry * 10 ** (gain_db / 20))


def faster_or_slower(canvas: Canvas) -> Edit | None:
    """Another speed, and with it another pitch."""
    found = canvas.find_span(*_LENGTH_MS)
    if found is None:
        return None
    start, dry = found
    speed = canvas.rng.choice([canvas.rng.uniform(0.6, 0.85), canvas.rng.uniform(1.18, 1.6)])
    piece = np.interp(np.arange(0, len(dry) - 1, speed), np.arange(len(dry)), dry).astype(np.float32)
    return Edit(start, start + len(dry), piece, 0, len(piece))


def skip(canvas: Canvas) -> Edit | None:
    """A piece of speech is missing, and the rest joined smoothly; marked is the joint."""
    n, edge = canvas.draw_ms(150, 900), canvas.draw_ms(4, 25)
    start = canvas.find(n + 2 * edge, spoken=0.8)
    if start is None:
        return None
    x, rising = canvas.samples, np.linspace(0, 1, edge, dtype=np.float32)
    joint = x[start : start + edge] * rising[::-1] + x[start + n : start + n + edge] * rising
    around = canvas.ms(20)
    end = start + n + edge
    piece = np.concatenate([x[start - around : start], joint, x[end : end + around]])
    return Edit(start - around, end + around, piece, *widened(canvas, around, around + edge, len(piece)))


def crosstalk(canvas: Canvas) -> Edit | None:
    """Another voice at the same time."""
    found = canvas.find_span(400, 2500)
    said = canvas.foreign(len(found[1])) if found is not None else None
    if found is None or said is None:
        return None
    start, dry = found
    return _changed(canvas, start, dry, dry + said * canvas.rng.uniform(0.25, 0.9))


CHANGES = (
    Shape("clipped", "distortion", clipped),
    Shape("hum", "hum", hum),
    Shape("muffled", "bandwidth", muffled),
    Shape("louder_or_softer", "level_jump", louder_or_softer),
    Shape("faster_or_slower", "pitch_jump", faster_or_slower),
    Shape("skip", "skip", skip),
    Shape("crosstalk", "crosstalk", crosstalk),
)
