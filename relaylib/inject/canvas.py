"""A clean recording in which places are taken one after another, and the edits that go there."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from relaylib.errors import ParameterError

__all__ = [
    "Canvas",
    "Edit",
    "Shape",
    "at_speed",
    "blend",
    "checked",
    "crossed",
    "fade",
    "held_in",
    "length_of",
    "spanning",
]

FloatArray = npt.NDArray[np.float32]

_STEP_MS = 5
"""Resolution at which speech and silence are told apart."""

_MARGIN_MS = 100
"""Kept free at both ends of a recording."""

_TRIES = 60

_LEAST_RATE = 8000
"""In Hz. Of what is put in, some needs 3.8 kHz."""


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """Replace ``samples[start:end]`` by `piece`, of which ``[first, last)`` is what one hears as wrong."""

    start: int
    end: int
    piece: FloatArray
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Shape:
    """One way in which speech is damaged, or changed without damage (`artifact_type` None).

    `make` is given a canvas and returns an edit, or None if the recording has no place for it.
    """

    name: str
    artifact_type: str | None
    make: Callable[[Canvas], Edit | None]


@dataclass(slots=True, eq=False)
class Canvas:
    """A clean recording, and what is known of it; shapes ask it for places.

    Attributes
    ----------
    samples : np.ndarray [shape=(n,), float32]
    sample_rate : int
    rng : np.random.Generator
        Everything that is drawn comes from here.
    others : sequence of np.ndarray [shape=(n,), float32]
        Speech of other voices, at the same rate.
    gap_ms : int
        Least distance between two edits.
    level : float
        Root mean square of the recording where somebody speaks.
    silences : list of (int, int)
        Where nobody speaks, in order.
    """

    samples: FloatArray
    sample_rate: int
    rng: np.random.Generator
    others: Sequence[FloatArray] = ()
    gap_ms: int = 350
    level: float = field(init=False)
    silences: list[tuple[int, int]] = field(init=False)
    _taken: list[tuple[int, int]] = field(init=False, default_factory=list)
    _spoken: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        step = self.ms(_STEP_MS)
        n = len(self.samples) // step
        power = np.square(self.samples[: n * step].reshape(n, step), dtype=np.float64).mean(axis=1)
        loudness_db = 10 * np.log10(maximum_filter1d(power, 3) + 1e-10) if n else np.zeros(0)
        loud, soft = (np.percentile(loudness_db, share) if n else 0.0 for share in (95, 5))
        active = loudness_db > max(loud - 40.0, min(soft + 8.0, loud - 25.0))
        self._spoken = np.concatenate([[0], np.cumsum(active)])
        self.level = float(np.sqrt(power[active].mean())) if active.any() else 0.05
        edges = np.flatnonzero(np.diff(np.concatenate([[False], ~active, [False]]).astype(np.int8)))
        self.silences = [(int(a) * step, int(b) * step) for a, b in edges.reshape(-1, 2)]

    def ms(self, ms: float) -> int:
        """Return a length in samples, one at least."""
        return length_of(ms, self.sample_rate)

    def draw_ms(self, low: float, high: float) -> int:
        """Return a random length in samples; short and long ones are equally usual on a logarithmic scale."""
        return self.ms(float(np.exp(self.rng.uniform(np.log(low), np.log(high)))))

    def share_spoken(self, start: int, end: int) -> float:
        """Return the share of ``[start, end)`` in which somebody speaks."""
        step = self.ms(_STEP_MS)
        first, last = start // step, min(len(self._spoken) - 1, max(start // step + 1, end // step))
        return float(self._spoken[last] - self._spoken[first]) / max(1, last - first)

    def is_free(self, start: int, end: int) -> bool:
        """Whether ``[start, end)`` is inside, and far enough from the ends and from what is taken."""
        margin, gap = self.ms(_MARGIN_MS), self.ms(self.gap_ms)
        if start < margin or end > len(self.samples) - margin:
            return False
        at = bisect_right(self._taken, start, key=itemgetter(0))  # they are in order, and do not overlap
        before, behind = self._taken[max(0, at - 1) : at], self._taken[at : at + 1]
        return all(b + gap <= start for _, b in before) and all(end + gap <= a for a, _ in behind)

    def find(self, n: int, *, spoken: float = 0.7) -> int | None:
        """Return the start of a free stretch of `n` samples, at least this share of it spoken; None if not found."""
        margin = self.ms(_MARGIN_MS)
        last = len(self.samples) - n - margin
        if last <= margin:
            return None
        for start in self.rng.integers(margin, last, _TRIES).tolist():
            if self.is_free(start, start + n) and self.share_spoken(start, start + n) >= spoken:
                return int(start)
        return None

    def find_span(self, low_ms: float, high_ms: float, *, spoken: float = 0.7) -> tuple[int, FloatArray] | None:
        """Return the start and samples of a free stretch of random length, see :meth:`find`; None if not found."""
        n = self.draw_ms(low_ms, high_ms)
        start = self.find(n, spoken=spoken)
        return None if start is None else (start, self.samples[start : start + n])

    def find_silence(self, least_ms: float = 15.0) -> tuple[int, int] | None:
        """Return a free silence between words, or None."""
        inner = [(a, b) for a, b in self.silences if b - a >= self.ms(least_ms) and self.is_free(a, b)]
        return inner[int(self.rng.integers(len(inner)))] if inner else None

    def find_joint(self) -> tuple[int, int] | None:
        """Return where to cut speech open: a silence, or an empty span at the softest 10 ms of some place."""
        silence = self.find_silence()
        if silence is not None:
            return silence
        width, window = self.ms(120), self.ms(10)
        start = self.find(width, spoken=0.0)
        if start is None:
            return None
        power = np.convolve(np.square(self.samples[start : start + width]), np.ones(window), "valid")
        at = start + int(power.argmin()) + window // 2
        return at, at

    def foreign(self, n: int) -> FloatArray | None:
        """Return `n` samples of another voice at this one's level, or None if there is no other that long."""
        long_enough = [other for other in self.others if len(other) > n]
        if not long_enough:
            return None
        other = long_enough[int(self.rng.integers(len(long_enough)))]
        best: FloatArray | None = None
        for start in self.rng.integers(0, len(other) - n, 8).tolist():  # the loudest of several: speech, not its pauses
            taken = other[start : start + n]
            if best is None or np.square(taken).mean() > np.square(best).mean():
                best = taken
        assert best is not None
        return self.levelled(best)

    def levelled(self, piece: FloatArray) -> FloatArray:
        """Return `piece` as loud as the speech of the recording, without going over full scale."""
        loudness = float(np.sqrt(np.square(piece, dtype=np.float64).mean()))
        if loudness < 1e-6:
            return piece
        gain = min(self.level / loudness, 0.98 / float(np.abs(piece).max()))
        return (piece * gain).astype(np.float32)

    def take(self, edit: Edit) -> None:
        """Take the place of an edit, which is free."""
        insort(self._taken, (edit.start, edit.end))


def checked(samples: npt.ArrayLike, sample_rate: int) -> FloatArray:
    """Return a recording as float32, or raise ParameterError if it is none, or of a rate below that of a telephone."""
    given = np.asarray(samples)
    if given.dtype.kind != "f":
        raise ParameterError(
            f"samples are {given.dtype}; need floats in -1..1: those of a Waveform, or int16 divided by 32768."
        )
    given = given.astype(np.float32, copy=False)
    if given.ndim != 1:
        raise ParameterError(f"samples have shape {given.shape}; need one dimension (mono).")
    if not np.isfinite(given).all():
        raise ParameterError("samples hold values that are not finite numbers; repair the recording first.")
    if sample_rate < _LEAST_RATE:
        raise ParameterError(f"sample_rate={sample_rate}: need {_LEAST_RATE} Hz or more; resample first.")
    return given


def held_in(hz: float, sample_rate: int) -> float:
    """Return a frequency, or the highest that a filter can have at this rate if that is lower."""
    return min(hz, 0.49 * sample_rate)


def length_of(ms: float, sample_rate: int) -> int:
    """Return a length in samples, one at least."""
    return max(1, round(ms * sample_rate / 1000))


def spanning(
    low_ms: float, high_ms: float, change: Callable[[Canvas, FloatArray], FloatArray | None], *, spoken: float = 0.7
) -> Callable[[Canvas], Edit | None]:
    """Return a way to put in the place of a span, of random length and so much of it spoken, what `change` makes of it.

    All of that is then what one hears as wrong. Where `change` gives None, there is no edit.
    """

    def make(canvas: Canvas) -> Edit | None:
        found = canvas.find_span(low_ms, high_ms, spoken=spoken)
        piece = change(canvas, found[1]) if found is not None else None
        if found is None or piece is None:
            return None
        start, dry = found
        return Edit(start, start + len(dry), piece, 0, len(piece))

    return make


def at_speed(samples: FloatArray, speed: float) -> npt.NDArray[np.float64]:
    """Return samples played `speed` times as fast, and with that higher, along straight lines between them."""
    return np.interp(np.arange(0, len(samples) - 1, speed), np.arange(len(samples)), samples)


def crossed(ending: FloatArray, beginning: FloatArray) -> FloatArray:
    """Return one stretch fading out while another of the same length fades in, along straight lines."""
    rising = np.linspace(0, 1, len(ending), dtype=np.float32)
    return (ending * rising[::-1] + beginning * rising).astype(np.float32)


def fade(piece: FloatArray, n: int) -> FloatArray:
    """Return `piece` with `n` samples faded in and out, at most half of it each."""
    n = min(n, len(piece) // 2)
    done = piece.astype(np.float32, copy=True)
    if n:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)).astype(np.float32)
        done[:n] *= ramp
        done[-n:] *= ramp[::-1]
    return done


def blend(dry: FloatArray, wet: FloatArray, n: int) -> FloatArray:
    """Return `wet`, cross-faded at both ends over `n` samples with `dry` of the same length."""
    share = fade(np.ones(len(dry), np.float32), n)
    return (dry * (1 - share) + wet * share).astype(np.float32)
