"""Silences that no speaker makes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape

__all__ = ["PAUSES", "opened"]

_EDGE_MS = 3


def opened(canvas: Canvas, filling: FloatArray) -> Edit | None:
    """Return an edit that opens speech at a joint and fills in a silence; all silence heard there is what is wrong."""
    joint = canvas.find_joint()
    if joint is None:
        return None
    start, end = joint
    middle, edge = (start + end) // 2, canvas.ms(_EDGE_MS)
    left, right = canvas.samples[start:middle], canvas.samples[middle:end]
    if len(left) < edge:  # no silence to join: what is cut is faded
        start, end = middle - edge, middle + edge
        ramp = np.linspace(1, 0, edge, dtype=np.float32)
        left, right = canvas.samples[start:middle] * ramp, canvas.samples[middle:end] * ramp[::-1]
    piece = np.concatenate([left, filling, right])
    return Edit(start, end, piece, 0, len(piece))


def _nothing(canvas: Canvas, n: int) -> FloatArray:
    return np.zeros(n, np.float32)


def _hiss(canvas: Canvas, n: int) -> FloatArray:
    loudness = 10 ** (canvas.rng.uniform(-75, -52) / 20)
    return (loudness * canvas.rng.standard_normal(n)).astype(np.float32)


def _room(canvas: Canvas, n: int) -> FloatArray:
    """The recording's own silence, stretched by laying its pieces over one another."""
    silence = canvas.find_silence(40.0)
    if silence is None:
        return _hiss(canvas, n)
    quiet = canvas.samples[silence[0] : silence[1]]
    core = quiet[len(quiet) // 4 : -len(quiet) // 4]
    window = np.hanning(len(core) | 1)[: len(core)].astype(np.float32)
    piece = np.zeros(n + 2 * len(core), np.float32)
    for at in range(0, n + len(core), max(1, len(core) // 2)):
        sign = canvas.rng.choice([-1, 1])
        piece[at : at + len(core)] += sign * window * (core if canvas.rng.random() < 0.5 else core[::-1])
    return piece[len(core) // 2 : len(core) // 2 + n]


def pause(
    filling: Callable[[Canvas, int], FloatArray], low_ms: float, high_ms: float
) -> Callable[[Canvas], Edit | None]:
    """Return a way to make pauses of a length and filling."""
    return lambda canvas: opened(canvas, filling(canvas, canvas.draw_ms(low_ms, high_ms)))


PAUSES = (
    Shape("digital_silence", "long_pause", pause(_nothing, 520, 3000)),
    Shape("hissing_silence", "long_pause", pause(_hiss, 520, 3000)),
    Shape("room_silence", "long_pause", pause(_room, 520, 3000)),
    Shape("short_silence", None, pause(_nothing, 60, 220)),
    Shape("short_room_silence", None, pause(_room, 60, 220)),
)
