"""Where decoded frames belong on the time axis of the recording."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = ["Timeline"]

FloatArray = npt.NDArray[np.float32]

_GAP_S = 0.1  # clocks of live recordings jitter by less
_LONGEST_GAP_S = 3600.0  # beyond, the clock was set anew
_MOST_SILENT = 100  # times the sound: voice that is sent only while there is some reaches 20
_LOSS_S = 0.005
_HELD_SAMPLES = 4096  # two of the longest frames: padding at the end is shorter
_SILENCE = 1 << 16


class Timeline:
    """Puts blocks one after the other, and silence where the file's clock leaves a gap.

    Time 0 is where the container starts; audio that starts later, as in a film, is led by silence. A gap of more
    than 0.1 s becomes silence, one after a lost packet from 5 ms on; shorter ones and overlaps are jitter, and a jump
    of more than an hour is a clock set anew.

    Parameters
    ----------
    rate : int
        In Hz.
    start_s : float
        Time of the file's clock at which the container starts.
    skip : int
        Samples to leave out at the start; -1 for all of the first block.
    end : int or None
        Where the recording ends, in samples. A few samples beyond it are padding and left out; if there are more than
        4096, `end` is wrong, and nothing is left out.
    """

    def __init__(self, rate: int, *, start_s: float = 0.0, skip: int = 0, end: int | None = None) -> None:
        self.position = 0
        self._rate, self._start_s, self._skip, self._end = rate, start_s, skip, end
        self._lost = False
        self._shift = 0  # samples that were left out at the start
        self._silence = 0
        self._held: list[FloatArray] = []

    def lose(self) -> None:
        """Note that a packet was lost: the next block may come late."""
        self._lost = True

    @property
    def is_stretched(self) -> bool:
        """Whether the gaps add up to more than an hour and 100 times the sound, as damaged timestamps make them."""
        return self._silence > max(_LONGEST_GAP_S * self._rate, _MOST_SILENT * (self.position - self._silence))

    def lateness(self, time_s: float | None) -> int:
        """Return how many samples are missing before a block that the file dates at `time_s`."""
        if time_s is None:
            return 0
        return round((time_s - self._start_s) * self._rate) - self._shift - self.position

    def place(self, block: FloatArray, time_s: float | None) -> Iterator[FloatArray]:
        """Yield `block`, which the file dates at `time_s`, with the silence before it."""
        if self._skip:
            n = len(block) if self._skip < 0 else min(self._skip, len(block))
            self._skip = 0 if self._skip < 0 else self._skip - n
            self._shift += n
            block = block[n:]
            if not len(block):
                return
            time_s = None
        for piece in self._gap(time_s):
            yield from self._trim(piece)
        yield from self._trim(block)

    def finish(self) -> Iterator[FloatArray]:
        """Yield what was held back, without the padding."""
        surplus = self.position - self._end if self._end is not None else 0
        if self._held and (kept := np.concatenate(self._held)[: -surplus or None]).size:
            yield kept
        self._held = []

    def _gap(self, time_s: float | None) -> Iterator[FloatArray]:
        tolerance_s, self._lost = (_LOSS_S if self._lost else _GAP_S), False
        gap = self.lateness(time_s)
        if not tolerance_s * self._rate < gap <= _LONGEST_GAP_S * self._rate:
            return
        self._silence += gap
        for start in range(0, gap, _SILENCE):
            yield np.zeros(min(_SILENCE, gap - start), np.float32)

    def _trim(self, block: FloatArray) -> Iterator[FloatArray]:
        """Hold back what crosses the end, until it proves to be padding or not."""
        self.position += len(block)
        if self._end is None or self.position <= self._end:
            yield block
            return
        self._held.append(block)
        if self.position - self._end > _HELD_SAMPLES:
            self._end = None
            yield from self._held
            self._held = []
