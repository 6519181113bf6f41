"""Recordings held out from training, laid end to end: what is right or wrong in them at any threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.matching import Columns, count_matches
from relaylib.models.operating_point import OperatingPoint, shape_curve
from relaylib.postprocess.decode import spans_on_track
from relaylib.postprocess.runs import merge_groups
from relaylib.postprocess.smooth import spread_scores
from relaylib.postprocess.track import Track
from relaylib.types import Annotation, Span

__all__ = ["HeldOut", "Labelled", "Tally"]

FloatArray = npt.NDArray[np.float32]

_PAUSE_MS = 2_000
"""Between recordings: longer than the merge window and twice the collar."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A validation recording: its logits [shape=(n_frames, n_types)] and what a person marked in it."""

    logits: FloatArray
    annotations: tuple[Annotation, ...]
    duration_ms: int


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What one type's detections come to at every threshold.

    Parameters
    ----------
    n_reference : int
        Marked events.
    unmarked_hours : float
        Audio in which nothing is marked.
    hits, found, stray : np.ndarray [shape=(n_thresholds,), int64]
        Detections that match an event, all detections, and those that touch nothing that is marked, of any type.
    """

    n_reference: int
    unmarked_hours: float
    hits: npt.NDArray[np.int64]
    found: npt.NDArray[np.int64]
    stray: npt.NDArray[np.int64]

    @property
    def f1(self) -> npt.NDArray[np.float64]:
        """Event-F1; 0 where there is neither an event nor a detection."""
        return 2 * self.hits / np.maximum(1, self.n_reference + self.found)


class HeldOut:
    """Labelled recordings on one track, so that a threshold is tried on all of them at once.

    Spans are decoded as :func:`relaylib.postprocess.decode` does by default, and counted as
    :func:`relaylib.evaluate.event_counts` does.

    Parameters
    ----------
    recordings : sequence of Labelled, at least one
    """

    def __init__(self, recordings: Sequence[Labelled]) -> None:
        self._recordings = recordings
        self._track = Track(
            [len(item.logits) for item in recordings], [item.duration_ms for item in recordings], pause_ms=_PAUSE_MS
        )
        self._curves = np.ascontiguousarray(self._track.join([item.logits for item in recordings], -np.inf).T)
        self._marked = self._covered()
        duration_ms = sum(item.duration_ms for item in recordings)
        self._unmarked_hours = float(duration_ms - (self._marked[1] - self._marked[0]).sum()) / 3.6e6

    def curve(self, column: int, shape: OperatingPoint) -> FloatArray:
        """Return a type's logits on the track, shaped as `shape` says; its threshold is not applied."""
        curve: FloatArray = self._curves[column]
        if shape.min_frames > 1 or shape.half_step:  # one by one: a recording goes on as it ends
            alone = replace(shape, reach=0)
            curve = self._track.join([shape_curve(item.logits[:, column], alone) for item in self._recordings], -np.inf)
        if shape.reach:
            curve = spread_scores(curve[:, None], [shape.reach])[:, 0]
            curve[self._track.pauses] = -np.inf
        return curve

    def reference(self, artifact_type: str) -> Columns:
        """Return starts and ends on the track of what is marked as a type."""
        return self._on_track(
            [[span for span in item.annotations if span.artifact_type == artifact_type] for item in self._recordings]
        )

    def sweep(self, reference: Columns, curve: FloatArray, thresholds: npt.NDArray[np.float64]) -> Tally:
        """Return what is right and wrong at every threshold.

        Parameters
        ----------
        reference : (np.ndarray, np.ndarray)
            What is marked, see :meth:`reference`.
        curve : np.ndarray
            See :meth:`curve`.
        thresholds : np.ndarray
            On the scale of the curve.
        """
        counts = np.zeros((3, len(thresholds)), np.int64)
        for k, threshold in enumerate(thresholds):
            starts, ends, _ = spans_on_track(None, curve >= np.float32(threshold), self._track)
            counts[:, k] = count_matches(reference, (starts, ends)), len(starts), self._n_stray(starts, ends)
        return Tally(len(reference[0]), self._unmarked_hours, *counts)

    def _n_stray(self, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> int:
        """Return how many spans touch nothing that is marked, of any type."""
        opens, closes = self._marked
        following = np.searchsorted(closes, starts, "right")  # the first that ends behind the start
        begins = np.append(opens, np.iinfo(np.int64).max)[following]
        return int((begins >= ends).sum())

    def _covered(self) -> Columns:
        """Return what the annotations cover together, as spans that do not touch."""
        starts, ends = self._on_track([item.annotations for item in self._recordings])
        order = np.argsort(starts, kind="stable")
        starts, reach = starts[order], np.maximum.accumulate(ends[order])
        opens, closes = merge_groups(starts, reach, 0)
        return starts[opens], reach[closes]

    def _on_track(self, spans: Sequence[Sequence[Span]]) -> Columns:
        """Return spans of the recordings as columns; what lies behind the end of one is kept out of the next."""
        of = np.repeat(np.arange(len(spans)), [len(own) for own in spans])
        limits = np.array([item.duration_ms for item in self._recordings], np.int64)[of] + _PAUSE_MS // 2
        starts = np.array([span.start_ms for own in spans for span in own], np.int64)
        ends = np.array([span.end_ms for own in spans for span in own], np.int64)
        shift = self._track.starts_ms[of]
        return np.minimum(starts, limits) + shift, np.minimum(ends, limits) + shift
