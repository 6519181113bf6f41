"""Speech that comes back: delays and rooms."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, blend, held_in, length_of

__all__ = ["ECHOES", "room_response"]

_MEMORY_MS = 900
"""How far before the span sound may still come back from."""


def _answered(canvas: Canvas, response: FloatArray) -> Edit | None:
    """Return an edit in which speech is heard through an impulse response, whose first sample is the speech itself."""
    n = canvas.draw_ms(350, 2200)
    start = canvas.find(n, spoken=0.6)
    if start is None:
        return None
    before = min(start, canvas.ms(_MEMORY_MS))
    dry = canvas.samples[start : start + n]
    wet = fftconvolve(canvas.samples[start - before : start + n], response)[before : before + n]
    wet *= min(1.0, 0.98 / (float(np.abs(wet).max()) + 1e-9))
    return Edit(start, start + n, blend(dry, wet.astype(np.float32), canvas.draw_ms(4, 40)), 0, n)


def room_response(rng: np.random.Generator, sample_rate: int, rt60_s: float, direct: float) -> FloatArray:
    """Return the response of a room: noise that decays, darker and darker, behind the direct sound.

    Parameters
    ----------
    rng : np.random.Generator
    sample_rate : int
    rt60_s : float
        Time after which it is 60 dB down.
    direct : float
        Amplitude of the direct sound over that of all the rest.
    """
    n = length_of(1000 * min(rt60_s, 1.5), sample_rate)
    time = np.arange(n) / sample_rate
    tail = rng.standard_normal(n) * np.exp(-6.9 * time / rt60_s)
    tail[: length_of(rng.uniform(2, 25), sample_rate)] = 0  # nothing comes back at once
    dark = butter(1, held_in(rng.uniform(1500, 6500), sample_rate), fs=sample_rate, output="sos")
    tail = sosfilt(dark, tail)
    response = tail / (np.sqrt(np.square(tail).sum()) + 1e-9) / direct
    response[0] += 1
    return response.astype(np.float32)


def slap(canvas: Canvas) -> Edit | None:
    """One clear repetition of everything, a little later."""
    response = np.zeros(canvas.draw_ms(55, 420) + 1, np.float32)
    response[0], response[-1] = 1, canvas.rng.uniform(0.35, 0.85)
    return _answered(canvas, response)


def feedback(canvas: Canvas) -> Edit | None:
    """Repetitions that fade out, each darker than the one before or not."""
    rng = canvas.rng
    delay, gain = canvas.draw_ms(50, 300), rng.uniform(0.35, 0.75)
    response = np.zeros(min(6 * delay, canvas.ms(_MEMORY_MS)) + 1, np.float32)
    high = held_in(rng.uniform(1200, 5000), canvas.sample_rate)
    dark = butter(1, high, fs=canvas.sample_rate, output="sos") if rng.random() < 0.5 else None
    for k in range(0, len(response), delay):
        again = np.zeros_like(response)
        again[k] = gain ** (k // delay)
        for _ in range(k // delay if dark is not None else 0):
            again = sosfilt(dark, again).astype(np.float32)
        response += again
    return _answered(canvas, response)


def taps(canvas: Canvas) -> Edit | None:
    """Several echoes at uneven distances."""
    rng = canvas.rng
    response = np.zeros(canvas.ms(600), np.float32)
    response[rng.integers(canvas.ms(45), len(response), int(rng.integers(2, 6)))] = rng.uniform(0.25, 0.6)
    response[0] = 1
    return _answered(canvas, response)


def hall(canvas: Canvas) -> Edit | None:
    """A large room, suddenly."""
    rng = canvas.rng
    return _answered(canvas, room_response(rng, canvas.sample_rate, rng.uniform(0.7, 2.5), rng.uniform(0.5, 1.3)))


ECHOES = tuple(Shape(make.__name__, "echo", make) for make in (slap, feedback, taps, hall))
