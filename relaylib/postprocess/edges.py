"""Where within its frames a short event is: a click of 3 ms is heard in frames of 20 ms, and shows in the signal."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaylib.postprocess.runs import IntArray
from relaylib.types import ms_to_samples

__all__ = ["DetailLevels", "tightened"]

FloatArray = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint8]

_ORDER = 3  # of the difference: speech rolls off by less than it rises, what is torn does not
_FLOOR_DB, _STEPS_PER_DB = -109.0, 2

_LONGEST_MS = 150
_AROUND_MS = 100
_USUAL = 0.9  # of the ms around so many are no louder than what counts as usual there
_LEAST_DB = 3.0
_BELOW_PEAK_DB = 10.0


class DetailLevels:
    """How loud each ms of a recording is in its finest detail: the power of the third difference of its samples.

    It takes a byte for each ms, so that it can be kept for hours.

    Examples
    --------
    >>> levels = DetailLevels()
    >>> levels.add(np.zeros(80, np.float32))
    >>> levels.add(np.ones(16, np.float32))
    >>> levels.of_ms().tolist()
    [0, 0, 0, 0, 0, 209]
    """

    def __init__(self) -> None:
        self._before = np.zeros(_ORDER, np.float32)
        self._rest = np.zeros(0, np.float32)
        self._parts: list[Levels] = []

    def add(self, block: FloatArray) -> None:
        """Go on with the next samples [shape=(n,), float32, 16 kHz], of any number."""
        samples = np.concatenate([self._before, block])
        self._before = samples[len(samples) - _ORDER :]
        detail = np.concatenate([self._rest, np.diff(samples, _ORDER)])
        per_ms = ms_to_samples(1)
        cells = detail[: len(detail) - len(detail) % per_ms].reshape(-1, per_ms)
        self._rest = detail[cells.size :]
        power = np.einsum("ij,ij->i", cells, cells) / per_ms
        with np.errstate(divide="ignore"):
            steps = _STEPS_PER_DB * (10.0 * np.log10(power) - _FLOOR_DB)
        self._parts.append(np.clip(np.rint(steps), 0, 255).astype(np.uint8))

    def of_ms(self) -> Levels:
        """Return the levels of all whole ms so far [shape=(n_ms,), uint8], in half dB above -109 dB of full scale."""
        return np.concatenate([np.zeros(0, np.uint8), *self._parts])


def tightened(starts: IntArray, ends: IntArray, levels: Levels, min_duration_ms: int = 0) -> tuple[IntArray, IntArray]:
    """Return spans of which the short ones are no longer than what stands out in them.

    A span of at most 150 ms becomes what reaches from the first to the last ms within 10 dB of the loudest, if that is
    louder by 3 dB or more than nine in ten of the ms around the span. The others stay as they are, as do all where
    nothing is around.

    Parameters
    ----------
    starts, ends : np.ndarray [shape=(n,), int]
        In ms.
    levels : np.ndarray [shape=(n_ms,), uint8]
        See :class:`DetailLevels`.
    min_duration_ms : int >= 0
        Spans that were as long stay as long at least: what stands out is in their middle, as far as they reach.
    """
    starts, ends = starts.copy(), ends.copy()
    for k in np.flatnonzero(ends - starts <= _LONGEST_MS):
        start, end = int(starts[k]), int(ends[k])
        around = np.concatenate([levels[max(0, start - _AROUND_MS) : start], levels[end : end + _AROUND_MS]])
        inside = levels[start:end].astype(np.float64)
        if not len(around) or not len(inside):
            continue
        usual = float(np.quantile(around, _USUAL))
        if inside.max() < usual + _LEAST_DB * _STEPS_PER_DB:
            continue
        loud = np.flatnonzero(inside >= max(usual, inside.max() - _BELOW_PEAK_DB * _STEPS_PER_DB))
        starts[k], ends[k] = _widened(start + int(loud[0]), start + int(loud[-1]) + 1, (start, end), min_duration_ms)
    return starts, ends


def _widened(start: int, end: int, within: tuple[int, int], least: int) -> tuple[int, int]:
    """Return a span that is as long as `least`, or as what it lies within if that is shorter, evenly to both sides."""
    length = max(end - start, min(least, within[1] - within[0]))
    first = min(max(within[0], start - (length - (end - start)) // 2), within[1] - length)
    return first, first + length
