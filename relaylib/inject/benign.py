"""What sounds like an artifact to a careless ear, and is none: hard negatives, which carry no label."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, at_speed, blend, crossed, fade, held_in, spanning

__all__ = ["BENIGN"]


def breath(canvas: Canvas) -> Edit | None:
    """A breath between two words."""
    rng = canvas.rng
    silence = canvas.find_silence(60.0)
    if silence is None:
        return None
    start, end = silence
    n = min(end - start, canvas.draw_ms(120, 400))
    low = rng.uniform(400, 1500)
    high = held_in(low * rng.uniform(2, 4), canvas.sample_rate)
    band = butter(2, [low, high], "bandpass", fs=canvas.sample_rate, output="sos")
    air = sosfilt(band, rng.standard_normal(n))
    air *= canvas.level * 10 ** (rng.uniform(-32, -16) / 20) / (air.std() + 1e-9)
    at = start + (end - start - n) // 2
    piece = canvas.samples[start:end].copy()
    piece[at - start : at - start + n] += fade(air.astype(np.float32), n // 3)
    return Edit(start, end, piece, 0, len(piece))


def lip_smack(canvas: Canvas) -> Edit | None:
    """A soft, wet click before a word."""
    rng = canvas.rng
    silence = canvas.find_silence(40.0)
    if silence is None:
        return None
    start, end = silence
    n = canvas.draw_ms(4, 18)
    time = np.arange(n) / canvas.sample_rate
    smack = sum(np.sin(2 * np.pi * rng.uniform(800, 4500) * time + rng.uniform(0, 6)) for _ in range(4))
    smack = fade((smack * np.exp(-5 * time / time[-1])).astype(np.float32), canvas.ms(0.6))
    smack *= canvas.level * 10 ** (rng.uniform(-26, -12) / 20) / (float(np.abs(smack).max()) + 1e-9)
    piece = canvas.samples[start:end].copy()
    at = int(rng.integers(0, max(1, len(piece) - n)))
    piece[at : at + n] += smack[: len(piece) - at]
    return Edit(start, end, piece, 0, len(piece))


def plosive(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A "p" that hits the microphone: a puff of low air, softer in front than a pop."""
    rng = canvas.rng
    puff = sosfilt(butter(2, rng.uniform(60, 160), fs=canvas.sample_rate, output="sos"), rng.standard_normal(len(dry)))
    puff *= canvas.level * rng.uniform(0.3, 1.2) / (puff.std() + 1e-9)
    envelope = np.minimum(1, np.arange(len(dry)) / canvas.ms(12)) * np.exp(-3 * np.arange(len(dry)) / len(dry))
    piece = dry + fade((puff * envelope).astype(np.float32), canvas.ms(6))
    return np.clip(piece, -1, 1)


def smooth_joint(canvas: Canvas) -> Edit | None:
    """Two silences joined, so that a joint alone says nothing."""
    silence = canvas.find_silence(90.0)
    if silence is None:
        return None
    start, end = silence
    n, edge = (end - start) // 3, canvas.ms(8)
    a, b = start + n, end - n
    x = canvas.samples
    piece = np.concatenate([x[start:a], crossed(x[a : a + edge], x[b - edge : b]), x[b:end]])
    return Edit(start, end, piece, 0, len(piece))


def laid_over(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """A span put in its own place again through cross-fades, a little louder, darker or noisier at most."""
    rng = canvas.rng
    wet = dry * 10 ** (rng.uniform(-2.5, 2.5) / 20)
    if rng.random() < 0.4:
        tilt = butter(1, held_in(rng.uniform(2500, 6000), canvas.sample_rate), fs=canvas.sample_rate, output="sos")
        wet = 0.5 * wet + 0.5 * sosfilt(tilt, wet)
    if rng.random() < 0.4:
        wet = wet + canvas.level * 10 ** (rng.uniform(-45, -32) / 20) * rng.standard_normal(len(dry))
    return blend(dry, np.clip(wet, -1, 1).astype(np.float32), canvas.draw_ms(3, 40))


def said_a_little_faster(canvas: Canvas, dry: FloatArray) -> FloatArray:
    """Speed and pitch off by a few per cent."""
    speed = canvas.rng.uniform(0.96, 1.04)
    return at_speed(dry, speed).astype(np.float32)


BENIGN = (
    Shape("breath", None, breath),
    Shape("lip_smack", None, lip_smack),
    Shape("plosive", None, spanning(30, 110, plosive, spoken=0.5)),
    Shape("smooth_joint", None, smooth_joint),
    Shape("laid_over", None, spanning(250, 1800, laid_over, spoken=0.6)),
    Shape("said_a_little_faster", None, spanning(300, 1500, said_a_little_faster, spoken=0.6)),
)
