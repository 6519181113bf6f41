"""Many files, of which a bad one does not stop the rest."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import partial

from relaylib.audio import AudioFile
from relaylib.errors import RelayError
from relaylib.models.detector import Detector
from relaylib.models.many import map_recordings
from relaylib.postprocess import decode
from relaylib.types import DecodeConfig, FileResult

__all__ = ["detect_files"]

_log = logging.getLogger(__name__)


def detect_files(
    detector: Detector, files: Iterable[AudioFile], config: DecodeConfig | None = None
) -> Iterator[FileResult]:
    """Yield the result of each file, in order: its detections, or why there are none.

    On a CPU as many files are gone through at a time as there are cores.

    Parameters
    ----------
    detector : Detector
    files : iterable of AudioFile
        See :func:`relaylib.audio.find_audio`.
    config : DecodeConfig, optional

    Yields
    ------
    FileResult
        ``completed``, or ``failed`` with a reason when the file cannot be read: never a silent zero.
    """
    yield from map_recordings(partial(_result, detector, config), files, detector.encoder)


def _result(detector: Detector, config: DecodeConfig | None, file: AudioFile) -> FileResult:
    try:
        scores = detector.score(file.path)
        found = tuple(decode(scores, config))
    except (RelayError, OSError, MemoryError) as exc:
        _log.info("%s failed", file.path, exc_info=True)
        return FileResult(file.name, None, "failed", error_message=str(exc) or type(exc).__name__)
    return FileResult(file.name, scores.duration_ms, "completed", found)
