"""Speech that the text does not ask for: other voices, babble, gibberish."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.signal import butter, sosfilt

from relaylib.inject.canvas import Canvas, Edit, FloatArray, Shape, blend, fade, spanning

__all__ = ["FOREIGN"]


def put_in(voice: Callable[[Canvas, int], FloatArray | None]) -> Callable[[Canvas], Edit | None]:
    """Return a way to open speech at a joint and put in what a voice says."""

    def make(canvas: Canvas) -> Edit | None:
        joint = canvas.find_joint()
        said = voice(canvas, canvas.draw_ms(350, 2500)) if joint is not None else None
        if joint is None or said is None:
            return None
        start, end = joint
        edge = canvas.draw_ms(3, 30)
        middle = canvas.rng.integers(start, end + 1)
        left, right = canvas.samples[start:middle], canvas.samples[middle:end]
        loudness = 10 ** (canvas.rng.uniform(-6, 3) / 20)
        said = np.clip(fade(said * loudness, edge), -1, 1)
        piece = np.concatenate([left, said, right]).astype(np.float32)
        return Edit(start, end, piece, len(left), len(left) + len(said))

    return make


def instead(voice: Callable[[Canvas, int], FloatArray | None]) -> Callable[[Canvas], Edit | None]:
    """Return a way to put what a voice says in the place of as much speech."""

    def replaced(canvas: Canvas, dry: FloatArray) -> FloatArray | None:
        said = voice(canvas, len(dry))
        return None if said is None else np.clip(blend(dry, said, canvas.draw_ms(3, 30)), -1, 1)

    return spanning(350, 1800, replaced)


def other_voice(canvas: Canvas, n: int) -> FloatArray | None:
    """Another voice, as it speaks."""
    return canvas.foreign(n)


def other_voice_backwards(canvas: Canvas, n: int) -> FloatArray | None:
    """Another voice from end to start."""
    said = canvas.foreign(n)
    return None if said is None else said[::-1]


def backwards(canvas: Canvas, n: int) -> FloatArray | None:
    """The same voice from end to start."""
    start = canvas.find(n, spoken=0.5)
    return None if start is None else canvas.samples[start : start + n][::-1]


def babble(canvas: Canvas, n: int) -> FloatArray | None:
    """Several voices at once."""
    voices = [said for said in (canvas.foreign(n) for _ in range(int(canvas.rng.integers(2, 6)))) if said is not None]
    return canvas.levelled(np.sum(voices, axis=0).astype(np.float32)) if len(voices) > 1 else None


def gibberish(canvas: Canvas, n: int) -> FloatArray | None:
    """Bits of speech of this voice or another in an order that makes no words."""
    rng = canvas.rng
    source = canvas.foreign(min(3 * n, len(canvas.samples))) if rng.random() < 0.5 else None
    if source is None:
        start = canvas.find(min(2 * n, len(canvas.samples) // 2), spoken=0.5)
        if start is None:
            return None
        source = canvas.samples[start : start + 2 * n]
    edge = canvas.ms(8)
    said = np.zeros(n + canvas.ms(400), np.float32)
    at = 0
    while at < n:
        length = canvas.draw_ms(50, 200)
        if len(source) <= length:
            return None
        first = int(rng.integers(0, len(source) - length))
        bit = source[first : first + length]
        bit = fade(bit[::-1] if rng.random() < 0.3 else bit, edge)
        said[at : at + length] += bit[: len(said) - at]
        at += max(1, length - edge)
    return canvas.levelled(said[:n])


def changed_voice(canvas: Canvas, n: int) -> FloatArray | None:
    """The same voice as a child or a giant: pitch and formants moved together."""
    speed = float(canvas.rng.choice([canvas.rng.uniform(0.6, 0.8), canvas.rng.uniform(1.25, 1.7)]))
    length = int(n * speed) + 1
    start = canvas.find(length, spoken=0.6)
    if start is None:
        return None
    at = np.arange(n) * speed
    return np.interp(at, np.arange(length), canvas.samples[start : start + length]).astype(np.float32)


def mumble(canvas: Canvas, n: int) -> FloatArray | None:
    """Syllables of a made-up throat: pulses and hiss through formants that wander."""
    rng = canvas.rng
    knots = np.arange(0, n + canvas.ms(300), canvas.ms(rng.uniform(70, 160)))
    pitch = np.interp(np.arange(n), knots, rng.uniform(80, 280) * np.exp(rng.normal(0, 0.12, len(knots))))
    pulses = np.diff(np.floor(np.cumsum(pitch) / canvas.sample_rate), prepend=0) * 6
    said = np.zeros(n)
    for start, end in pairwise([*knots[knots < n].tolist(), n]):
        source = pulses[start:end] if rng.random() < 0.75 else 0.4 * rng.standard_normal(end - start)
        for centre in (rng.uniform(250, 900), rng.uniform(900, 2500), rng.uniform(2300, 3500)):
            band = butter(1, [centre * 0.92, centre * 1.08], "bandpass", fs=canvas.sample_rate, output="sos")
            said[start:end] += sosfilt(band, source)
        said[start:end] *= np.hanning(end - start + 2)[1:-1] ** 0.4 * rng.uniform(0.3, 1)
    return canvas.levelled(said.astype(np.float32))


_PUT_IN = (other_voice, other_voice_backwards, backwards, babble, gibberish, changed_voice, mumble)
_INSTEAD = (other_voice, babble, gibberish)

FOREIGN = (
    *(Shape(voice.__name__, "hallucination", put_in(voice)) for voice in _PUT_IN),
    *(Shape(f"{voice.__name__}_instead", "hallucination", instead(voice)) for voice in _INSTEAD),
)
