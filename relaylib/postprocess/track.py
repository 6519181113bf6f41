"""Many recordings as one stretch of frames, so that what is done to each can be done to all at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.postprocess.runs import IntArray, Mask
from relaylib.types import HOP_MS

__all__ = ["Track"]


class Track:
    """Recordings laid end to end, with a pause behind each.

    Parameters
    ----------
    n_frames, durations_ms : sequence of int, one for each recording
        Frames of its scores, and its length (encoders leave up to a frame at the end without a frame of its own).
    pause_ms : int >= 0
        Silence behind each. It keeps apart what is further apart than that in no recording: longer than the merge
        window and the collars that are asked of the spans.
    hop_ms : int > 0
        Length of a frame.

    Attributes
    ----------
    starts_ms : np.ndarray [shape=(n_recordings,), int64]
        Where each recording begins on the track.
    pauses : np.ndarray [shape=(n_frames of the track,), bool]
        The frames that belong to no recording.

    Examples
    --------
    >>> track = Track([3, 2], [70, 40], pause_ms=40)
    >>> track.starts_ms.tolist(), track.join([np.array([1, 2, 3]), np.array([4, 5])], 0).tolist()
    ([0, 120], [1, 2, 3, 0, 0, 0, 4, 5, 0, 0])
    """

    def __init__(
        self, n_frames: Sequence[int], durations_ms: Sequence[int], *, pause_ms: int = 0, hop_ms: int = HOP_MS
    ) -> None:
        self.hop_ms = hop_ms
        self._n_frames = np.asarray(n_frames, np.int64)
        self._durations_ms = np.asarray(durations_ms, np.int64)
        # a duration may go on behind the frames
        lengths = np.maximum(self._n_frames, -(-self._durations_ms // hop_ms)) + -(-pause_ms // hop_ms)
        self._firsts, self._length = np.cumsum(lengths) - lengths, int(lengths.sum())
        self.starts_ms: IntArray = self._firsts * hop_ms
        self.pauses: Mask = np.ones(self._length, np.bool_)
        for first, n in zip(self._firsts, self._n_frames, strict=True):
            self.pauses[first : first + n] = False

    @cached_property
    def inside(self) -> Mask:
        """Which frames of the track belong to a recording and begin before its end [shape=(n_frames,)]."""
        begin = self.hop_ms * np.arange(self._length)
        of = np.searchsorted(self.starts_ms, begin, "right") - 1
        return ~self.pauses & (begin < (self.starts_ms + self._durations_ms)[of])

    @cached_property
    def nearest(self) -> IntArray:
        """The frame of a recording that is nearest to each frame of the track: itself but in a pause.

        There must be one that belongs to a recording.
        """
        own = np.flatnonzero(~self.pauses)
        middles = (own[1:] + own[:-1] + 1) // 2  # from here on the latter is as near
        return own[np.searchsorted(middles, np.arange(self._length), "right")]

    def join(self, curves: Sequence[npt.NDArray[Any]], pause: float) -> npt.NDArray[Any]:
        """Return one curve for the track out of one [shape=(n_frames, …)] for each recording.

        Pauses have the value `pause`. Frames that a recording lacks are part of its pause.
        """
        joined = np.full((self._length, *curves[0].shape[1:]), pause, curves[0].dtype)
        for first, curve in zip(self._firsts, curves, strict=True):
            joined[first : first + len(curve)] = curve
        return joined

    def clamp(self, starts_ms: IntArray, ends_ms: IntArray) -> tuple[IntArray, IntArray, Mask]:
        """Cut spans at the end of their recording; one that reaches its last frame reaches the end.

        Returns
        -------
        starts_ms, ends_ms : np.ndarray
            Of the spans that begin inside.
        inside : np.ndarray [shape=(n_spans,), bool]
            Which those are.
        """
        of = np.searchsorted(self.starts_ms, starts_ms, "right") - 1
        limits = (self.starts_ms + self._durations_ms)[of]
        last_frames_end = (self.starts_ms + self._n_frames * self.hop_ms)[of]
        inside = starts_ms < limits
        cut = np.where(ends_ms == last_frames_end, limits, np.minimum(ends_ms, limits))
        return starts_ms[inside], cut[inside], inside
