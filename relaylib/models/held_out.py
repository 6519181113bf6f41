"""Recordings held out from training, laid end to end: what is right or wrong in them at any threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from relaylib.evaluate.matching import count_matches
from relaylib.models.operating_point import OperatingPoint, shape_curve
from relaylib.models.reference import PAUSE_MS, Reference
from relaylib.postprocess.decode import spans_on_track
from relaylib.postprocess.runs import runs_of
from relaylib.postprocess.smooth import spread_scores
from relaylib.types import Annotation, DecodeConfig

__all__ = ["HeldOut", "Labelled", "Tally"]

FloatArray = npt.NDArray[np.float32]


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
    reference : Reference, optional
        What is marked in them, where it has been put together already.
    """

    def __init__(self, recordings: Sequence[Labelled], reference: Reference | None = None) -> None:
        self.reference = reference or Reference(
            [item.annotations for item in recordings],
            [len(item.logits) for item in recordings],
            [item.duration_ms for item in recordings],
        )
        self._recordings, self._track = recordings, self.reference.track
        self._curves = np.ascontiguousarray(self._track.join([item.logits for item in recordings], -np.inf).T)

    def curve(self, column: int, shape: OperatingPoint) -> FloatArray:
        """Return a type's logits on the track, shaped as `shape` says; its threshold is not applied."""
        curve: FloatArray = self._curves[column]
        alone = replace(shape, reach=0)
        if shape.half_step or 2 * shape.min_frames * self._track.hop_ms > PAUSE_MS:
            curve = self._track.join([shape_curve(item.logits[:, column], alone) for item in self._recordings], -np.inf)
        elif shape.min_frames > 1 and not self._track.pauses.all():
            # a recording goes on as it ends: in the nearer half of a pause, which is all that is looked at
            curve = np.where(self._track.pauses, np.float32(-np.inf), shape_curve(curve[self._track.nearest], alone))
        if shape.reach:
            curve = spread_scores(curve[:, None], [shape.reach])[:, 0]
            curve[self._track.pauses] = -np.inf
        return curve

    def sweep(self, artifact_type: str, curve: FloatArray, thresholds: npt.NDArray[np.float64]) -> Tally:
        """Return what is right and wrong at every threshold.

        Parameters
        ----------
        artifact_type : str
            Whose marks are to be found.
        curve : np.ndarray
            See :meth:`curve`.
        thresholds : np.ndarray
            On the scale of the curve, rising.
        """
        reference, usual = self.reference.of_type(artifact_type), DecodeConfig()
        max_gap = usual.merge_window_ms // self._track.hop_ms  # frames that are made one now are fewer to look at
        counts = np.zeros((3, len(thresholds)), np.int64)
        frames = np.flatnonzero((curve >= np.float32(thresholds[0])) & self._track.inside)
        scores = curve[frames]
        for k, threshold in enumerate(thresholds):
            kept = np.flatnonzero(scores >= np.float32(threshold))  # of those at or above the threshold before
            frames, scores = frames[kept], scores[kept]
            runs = runs_of(frames, max_gap)
            starts, ends, _ = spans_on_track(
                runs, self._track, merge_window_ms=usual.merge_window_ms, min_duration_ms=usual.min_duration_ms
            )
            n_hits = count_matches(reference, (starts, ends))
            counts[:, k] = n_hits, len(starts), self.reference.n_stray(starts, ends)
        return Tally(len(reference[0]), self.reference.unmarked_hours, *counts)
