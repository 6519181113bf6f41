"""Speech said again: stutters, repeated syllables and words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, at_speed, crossed

__all__ = ["REPETITIONS"]


def _again(canvas: Canvas, start: int, n: int, times: int, *, edge: int, varied: bool, rest: int = 0) -> Edit:
    """Return an edit in which ``[start, start + n)`` is said `times` in all, cross-faded over `edge` samples."""
    x = canvas.samples
    edge = max(1, min(edge, n // 3, rest // 2 if rest else n))
    rising = np.linspace(0, 1, edge, dtype=np.float32)
    said = [x[start : start + n]]
    following = x[start + n : start + n + edge]
    for _ in range(times - 1):
        copy = x[start : start + n].copy()
        if varied:
            copy = _a_little_different(canvas, copy)
        if rest:  # a breath's silence between them: fade out, wait, fade in
            said.append((following * rising[::-1]).astype(np.float32))
            said.append(np.zeros(rest - edge, np.float32))
            copy[:edge] *= rising
        else:
            copy[:edge] = crossed(following, copy[:edge])
        said.append(copy)
    piece = np.concatenate(said).astype(np.float32)
    return Edit(start, start + n, piece, 0, len(piece))


def _a_little_different(canvas: Canvas, copy: FloatArray) -> FloatArray:
    """Return a copy at a slightly other level and speed, and with that pitch."""
    speed = canvas.rng.uniform(0.96, 1.04)
    return (at_speed(copy, speed) * canvas.rng.uniform(0.8, 1.15)).astype(np.float32)


def _softest(canvas: Canvas, at: int, reach: int) -> int:
    """Return where speech is softest within `reach` of a sample: between syllables, more or less."""
    window = canvas.ms(8)
    low, high = max(0, at - reach), min(len(canvas.samples), at + reach)
    power = np.convolve(np.square(canvas.samples[low:high]), np.ones(window), "same")
    return low + int(power.argmin())


def exactly(
    low_ms: float, high_ms: float, *, times: tuple[int, int], edge_ms: tuple[float, float]
) -> Callable[[Canvas], Edit | None]:
    """Return a way to say a stretch of speech again, exactly: `times` in all, from the first to below the second."""

    def make(canvas: Canvas) -> Edit | None:
        found = canvas.find_span(low_ms, high_ms, spoken=0.8)
        if found is None:
            return None
        n_times, edge = int(canvas.rng.integers(*times)), canvas.draw_ms(*edge_ms)
        return _again(canvas, found[0], len(found[1]), n_times, edge=edge, varied=False)

    return make


def word(canvas: Canvas) -> Edit | None:
    """From one soft place to another, again, and never quite the same."""
    n = canvas.draw_ms(180, 900)
    at = canvas.find(n, spoken=0.7)
    if at is None:
        return None
    start, end = (_softest(canvas, edge, canvas.ms(60)) for edge in (at, at + n))
    if end - start < canvas.ms(120) or not canvas.is_free(start, end):
        return None
    rest = canvas.draw_ms(20, 120) if canvas.rng.random() < 0.4 else 0
    times = 2 if canvas.rng.random() < 0.7 else 3
    return _again(
        canvas, start, end - start, times, edge=canvas.draw_ms(4, 25), varied=canvas.rng.random() < 0.6, rest=rest
    )


REPETITIONS = (
    Shape("stutter", "repetition", exactly(70, 180, times=(3, 6), edge_ms=(2, 15))),
    Shape("loop", "repetition", exactly(110, 450, times=(2, 5), edge_ms=(2, 25))),
    Shape("word", "repetition", word),
)
