"""What a detector suggests for recordings that are to be labelled."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from relaylib.errors import ParameterError
from relaylib.evaluate import pair_files
from relaylib.types import Detection
from relaylib.widgets.review_state import DetectionsGiven, results_given

__all__ = ["Detects", "Suggestions", "suggest"]


class Detects(Protocol):
    """What finds spans in a recording, as a :class:`relaylib.Detector` does."""

    def detect(self, source: Path, /) -> list[Detection]:
        """Return the detections in the recording at `source`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Suggestions:
    """Suggestions by filename: those that are known, and a detector for the rest. `by` names the model."""

    known: Mapping[str, tuple[Detection, ...]]
    detector: Detects | None = None
    by: str | None = None

    def of(self, filename: str, path: Path) -> tuple[Detection, ...]:
        """Return the suggestions for a recording, which lies at `path`; with a detector this takes its time.

        Raises
        ------
        RelayError, OSError
            If the detector cannot use the recording.
        """
        if filename in self.known or self.detector is None:
            return self.known.get(filename, ())
        return tuple(self.detector.detect(path))


def suggest(
    source: DetectionsGiven | Detects,
    filenames: Sequence[str],
    *,
    by: str | None = None,
) -> Suggestions:
    """Return what `source` suggests for recordings.

    Parameters
    ----------
    source : sequence of FileResult, mapping of str to sequence of Detection, path or Detector
        Results, detections by file name, a file of them (detections JSON), or what makes them, recording by recording
        as they are asked for.
    filenames : sequence of str
        The recordings; names of results are matched by :func:`relaylib.evaluate.pair_files`. A failed result
        suggests nothing.
    by : str, optional
        Name of the model.

    Raises
    ------
    FormatError
        If a file is no detections JSON.
    ParameterError
        If there is more than one result for a name, or `source` is none of these.
    """
    if not isinstance(source, (str, os.PathLike, Sequence, Mapping)):
        if not hasattr(source, "detect"):
            raise ParameterError(f"suggest is a {type(source).__name__}; give results, a file of them, or a detector.")
        return Suggestions({}, source, by)
    results = results_given(source)
    pairing = pair_files(filenames, [result.original_filename for result in results])
    return Suggestions({filenames[i]: results[j].detections for i, j in pairing.pairs}, by=by)
