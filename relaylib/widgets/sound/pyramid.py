"""The extremes of the waveform for each column of the picture, at any zoom."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError

__all__ = ["COLUMN", "MAX_LEVEL", "Pyramid", "check_level"]

COLUMN = 64
"""Samples in a column of level 0, 4 ms; a column of level L has ``2**L`` times as many."""

MAX_LEVEL = 20
"""The coarsest level: one column is more than an hour."""

_FULL_SCALE, _TOP = 32768, 127
_FIRST_CAPACITY = 1 << 12


def check_level(level: int) -> None:
    """Refuse a level that there is not.

    Raises
    ------
    ParameterError
        If it is not 0 to :data:`MAX_LEVEL`.
    """
    if not 0 <= level <= MAX_LEVEL:
        raise ParameterError(f"level={level}: need 0 <= level <= {MAX_LEVEL}; level 0 has 4 ms a column.")


class Pyramid:
    """The smallest and largest sample of every column of level 0; coarser columns are made of those when asked for.

    An hour takes 3.6 MB, and its coarsest column a millisecond, so the levels above are not kept.
    One thread appends while others read.

    Examples
    --------
    >>> pyramid = Pyramid()
    >>> pyramid.append(np.array([0] * 100 + [-32768] + [0] * 99, np.int16))
    >>> pyramid.peaks(0, 0, 3).tolist()
    [[0, 0], [-127, 0], [0, 0]]
    >>> pyramid.peaks(1, 0, 1).tolist()
    [[-127, 0]]
    """

    def __init__(self) -> None:
        self._low = np.zeros(_FIRST_CAPACITY, np.int16)
        self._high = np.zeros(_FIRST_CAPACITY, np.int16)
        self._n_columns = 0
        self._n_whole = 0
        self._rest = np.empty(0, np.int16)  # samples of the last column while it is not whole
        self._lock = threading.Lock()

    def append(self, samples: npt.NDArray[np.int16]) -> None:
        """Add samples [shape=(n,)] at the end."""
        joined = np.concatenate([self._rest, samples])
        if not len(joined):
            return
        starts = np.arange(0, len(joined), COLUMN)
        low, high = np.minimum.reduceat(joined, starts), np.maximum.reduceat(joined, starts)
        with self._lock:
            end = self._n_whole + len(starts)
            if end > len(self._low):
                room = np.zeros(end, np.int16)  # doubles, at least
                self._low, self._high = np.concatenate([self._low, room]), np.concatenate([self._high, room])
            self._low[self._n_whole : end], self._high[self._n_whole : end] = low, high
            self._n_columns = end
            self._n_whole += len(joined) // COLUMN
        self._rest = joined[len(joined) - len(joined) % COLUMN :]

    def peaks(self, level: int, first: int, n_columns: int) -> npt.NDArray[np.int8]:
        """Return the extremes of columns ``[first, first + n_columns)``, rounded away from the middle.

        So a sample that is not 0 is never drawn as silence.

        Parameters
        ----------
        level : int, 0 to :data:`MAX_LEVEL`
        first, n_columns : int >= 0

        Returns
        -------
        np.ndarray [shape=(n_columns, 2), int8, -127..127]
            Smallest and largest sample of each column, 127 being full scale; 0 where nothing is decoded.

        Raises
        ------
        ParameterError
            If there is no such level.
        """
        check_level(level)
        step = 1 << level
        peaks = np.zeros((n_columns, 2), np.int8)
        with self._lock:
            end = min((first + n_columns) * step, self._n_columns)
            starts = np.arange(0, end - first * step, step)
            if len(starts):
                low = np.minimum.reduceat(self._low[first * step : end], starts).astype(np.int32)
                high = np.maximum.reduceat(self._high[first * step : end], starts).astype(np.int32)
                peaks[: len(starts), 0] = low * _TOP // _FULL_SCALE
                peaks[: len(starts), 1] = -(-high * _TOP // _FULL_SCALE)
        return peaks
