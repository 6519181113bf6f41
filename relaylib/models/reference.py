"""What is marked in labelled recordings, laid end to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.matching import Columns
from relaylib.postprocess.runs import merge_groups
from relaylib.postprocess.track import Track
from relaylib.types import Annotation

__all__ = ["PAUSE_MS", "Reference"]

PAUSE_MS = 2_000
"""Between recordings: longer than the merge window and twice the collar."""


class Reference:
    """The marks of recordings on one track.

    Parameters
    ----------
    annotations : sequence of sequences of Annotation, one for each recording
    n_frames, durations_ms : sequence of int, alike
        See :class:`relaylib.postprocess.track.Track`.

    Attributes
    ----------
    track : Track
    unmarked_hours : float
        Audio in which nothing is marked.
    """

    def __init__(
        self, annotations: Sequence[Sequence[Annotation]], n_frames: Sequence[int], durations_ms: Sequence[int]
    ) -> None:
        self.track = Track(n_frames, durations_ms, pause_ms=PAUSE_MS)
        spans = [span for own in annotations for span in own]
        of = np.repeat(np.arange(len(annotations)), [len(own) for own in annotations])
        # what lies behind the end of a recording is kept out of the next
        limits = np.asarray(durations_ms, np.int64)[of] + PAUSE_MS // 2
        shift = self.track.starts_ms[of]
        self._starts = np.minimum(np.array([span.start_ms for span in spans], np.int64), limits) + shift
        self._ends = np.minimum(np.array([span.end_ms for span in spans], np.int64), limits) + shift
        self._types = np.array([span.artifact_type for span in spans], object)
        self._marked = self._covered()
        self.unmarked_hours = float(sum(durations_ms) - (self._marked[1] - self._marked[0]).sum()) / 3.6e6

    def of_type(self, artifact_type: str) -> Columns:
        """Return starts and ends of what is marked as a type."""
        chosen = self._types == artifact_type
        return self._starts[chosen], self._ends[chosen]

    def n_stray(self, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> int:
        """Return how many spans touch nothing that is marked, of any type."""
        opens, closes = self._marked
        following = np.searchsorted(closes, starts, "right")  # the first that ends behind the start
        begins = np.append(opens, np.iinfo(np.int64).max)[following]
        return int((begins >= ends).sum())

    def _covered(self) -> Columns:
        """Return what the annotations cover together, as spans that do not touch."""
        order = np.argsort(self._starts, kind="stable")
        starts, reach = self._starts[order], np.maximum.accumulate(self._ends[order])
        opens, closes = merge_groups(starts, reach, 0)
        return starts[opens], reach[closes]
