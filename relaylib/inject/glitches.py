"""Short disturbances: clicks, pops, bursts, dropouts, broken buffers."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, fade, held_in

__all__ = ["GLITCHES", "widened"]

_LEAST_MS = 10
"""A label is at least this long: nobody marks less."""

_AROUND_MS = 15


def widened(canvas: Canvas, first: int, last: int, n: int) -> tuple[int, int]:
    """Return ``[first, last)`` of a piece of `n` samples, widened evenly to the least length of a label."""
    short = max(0, canvas.ms(_LEAST_MS) - (last - first))
    first = max(0, first - short // 2)
    return first, min(n, max(last + (short + 1) // 2, first + 1))


def _over(canvas: Canvas, added: FloatArray, *, spoken: float = 0.0) -> Edit | None:
    """Return an edit that adds a disturbance to what is there."""
    start = canvas.find(len(added), spoken=spoken)
    return None if start is None else _instead(canvas, start, canvas.samples[start : start + len(added)] + added)


def _instead(canvas: Canvas, start: int, wrong: FloatArray) -> Edit:
    """Return an edit that puts samples in the place of as many from `start` on."""
    around = canvas.ms(_AROUND_MS)
    piece = canvas.samples[start - around : start + len(wrong) + around].copy()
    piece[around : around + len(wrong)] = np.clip(wrong, -1, 1)
    first, last = widened(canvas, around, around + len(wrong), len(piece))
    return Edit(start - around, start + len(wrong) + around, piece, first, last)


def _loud(canvas: Canvas, low: float, high: float) -> float:
    """Return a random amplitude between multiples of the speech level."""
    return float(np.clip(canvas.level * np.exp(canvas.rng.uniform(np.log(low), np.log(high))), 0.03, 0.98))


def click(canvas: Canvas) -> Edit | None:
    """A few single samples, or a very short pulse, far from where the wave was going."""
    rng = canvas.rng
    added = np.zeros(canvas.draw_ms(0.2, 30), np.float32)
    n = 1 if rng.random() < 0.5 else int(rng.integers(2, 7))
    for at in np.concatenate([[0], rng.integers(0, len(added), n - 1)]).tolist():
        width = int(rng.integers(1, max(2, canvas.ms(0.3))))
        pulse = np.ones(width) if rng.random() < 0.5 else np.cos(np.pi * np.arange(width))
        end = min(len(added), at + width)
        added[at:end] += pulse[: end - at] * _loud(canvas, 2.0, 7.0) * rng.choice([-1, 1])
    return _over(canvas, added)


def tick(canvas: Canvas) -> Edit | None:
    """A damped ring, as of a relay or a fingernail."""
    rng = canvas.rng
    time = np.arange(canvas.draw_ms(1.5, 12)) / canvas.sample_rate
    ring = np.sin(2 * np.pi * rng.uniform(900, 0.45 * canvas.sample_rate) * time + rng.uniform(0, 6))
    decay = np.exp(-time * rng.uniform(2.5, 8) / time[-1])
    return _over(canvas, (_loud(canvas, 1.5, 6.0) * ring * decay).astype(np.float32))


def pop(canvas: Canvas) -> Edit | None:
    """A low, damped thump with a steep front."""
    rng = canvas.rng
    time = np.arange(canvas.draw_ms(5, 45)) / canvas.sample_rate
    wave = np.sin(2 * np.pi * np.cumsum(rng.uniform(40, 450) * np.exp(-time * rng.uniform(0, 20))) / canvas.sample_rate)
    front = np.exp(-time * rng.uniform(3, 6) / time[-1])
    return _over(canvas, (_loud(canvas, 2.0, 6.0) * (wave + rng.uniform(-0.6, 0.6)) * front).astype(np.float32))


def burst(canvas: Canvas) -> Edit | None:
    """Noise of some band and envelope."""
    rng = canvas.rng
    n = canvas.draw_ms(4, 70)
    noise = rng.standard_normal(n + 200)
    low = rng.uniform(50, 3000)
    high = held_in(low * rng.uniform(2, 12), canvas.sample_rate)
    band = butter(2, [low, high], "bandpass", fs=canvas.sample_rate, output="sos")
    shaped = sosfilt(band, noise)[200:] if rng.random() < 0.6 else noise[200:]
    shaped /= np.sqrt(np.square(shaped).mean()) + 1e-9
    if rng.random() < 0.4:
        shaped *= np.exp(-np.arange(n) / n * rng.uniform(1, 5))
    return _over(canvas, (_loud(canvas, 0.8, 3.0) * shaped).astype(np.float32))


def crackle(canvas: Canvas) -> Edit | None:
    """Many small clicks, as of a bad contact."""
    rng = canvas.rng
    added = np.zeros(canvas.draw_ms(25, 300), np.float32)
    at = np.flatnonzero(rng.random(len(added)) < rng.uniform(150, 1500) / canvas.sample_rate)
    at = np.concatenate([[0], at, [len(added) - 1]])
    added[at] = rng.standard_normal(len(at)) * _loud(canvas, 1.0, 4.0)
    return _over(canvas, added, spoken=0.3)


def dropout(canvas: Canvas) -> Edit | None:
    """Nothing, or next to nothing, for a moment in the middle of speech."""
    rng = canvas.rng
    found = canvas.find_span(6, 130, spoken=0.95)
    if found is None:
        return None
    start, dry = found
    rest = 0.0 if rng.random() < 0.7 else rng.uniform(0.0, 0.03)
    edge = 0 if rng.random() < 0.6 else canvas.draw_ms(0.3, 3)
    heard = 1 - (1 - rest) * fade(np.ones(len(dry), np.float32), edge)
    return _instead(canvas, start, (dry * heard).astype(np.float32))


def splice(canvas: Canvas) -> Edit | None:
    """A piece is missing, and the wave jumps where the rest was joined."""
    n, half = canvas.draw_ms(10, 150), canvas.ms(_LEAST_MS) // 2
    x = canvas.samples
    starts = [canvas.find(n + 2 * half, spoken=0.9) for _ in range(10)]
    jumps = [(abs(float(x[s + half - 1] - x[s + half + n])), s) for s in starts if s is not None]
    if not jumps or max(jumps)[0] < canvas.level:
        return None
    start = max(jumps)[1]
    around = canvas.ms(_AROUND_MS)
    piece = np.concatenate([x[start - around : start + half], x[start + half + n : start + n + 2 * half + around]])
    return Edit(start - around, start + n + 2 * half + around, piece, around, around + 2 * half)


def stuck_buffer(canvas: Canvas) -> Edit | None:
    """A few ms played over and over, as when a sound card is not fed."""
    n, loop = canvas.draw_ms(20, 200), canvas.draw_ms(1.5, 22)
    start = canvas.find(n, spoken=0.9)
    if start is None or loop * 2 > n:
        return None
    return _instead(canvas, start, np.resize(canvas.samples[start : start + loop], n))


def held_sample(canvas: Canvas) -> Edit | None:
    """The wave stops at a value and stays there."""
    n = canvas.draw_ms(3, 40)
    start = canvas.find(n, spoken=0.9)
    if start is None:
        return None
    start += int(np.abs(canvas.samples[start : start + n // 2 + 1]).argmax())  # not where it is near zero
    if not canvas.is_free(start, start + n):
        return None
    return _instead(canvas, start, np.full(n, canvas.samples[start], np.float32))


def swapped_packets(canvas: Canvas) -> Edit | None:
    """Two neighbouring packets arrive in the wrong order."""
    n = canvas.draw_ms(5, 30)
    start = canvas.find(2 * n, spoken=0.95)
    if start is None:
        return None
    first, second = canvas.samples[start : start + n], canvas.samples[start + n : start + 2 * n]
    return _instead(canvas, start, np.concatenate([second, first]))


def bad_bits(canvas: Canvas) -> Edit | None:
    """Samples with wrong bits: their sign, or the highest ones."""
    rng = canvas.rng
    found = canvas.find_span(3, 70, spoken=0.9)
    if found is None:
        return None
    start, dry = found
    wrong = dry.copy()
    struck = rng.random(len(dry)) < rng.uniform(0.02, 0.6)
    if rng.random() < 0.5:
        wrong[struck] *= -1
    else:
        wrong[struck] += rng.choice([-1, 1], int(struck.sum())) * _loud(canvas, 1.0, 4.0)
    return _instead(canvas, start, wrong)


_WAYS = (click, tick, pop, burst, crackle, dropout, splice, stuck_buffer, held_sample, swapped_packets, bad_bits)

GLITCHES = tuple(Shape(make.__name__, "glitch", make) for make in _WAYS)
