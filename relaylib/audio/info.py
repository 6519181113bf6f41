"""What a file says about its audio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["AudioInfo"]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header of an audio file says, before anything is decoded.

    `container` is the format that the content has, whatever the name (``wav``, ``flac``, ``mp3``, ``ogg``, ``mp4``,
    ``webm`` ...); `codec` what the samples are stored in (``pcm_16``, ``float``, ``opus`` ...). `sample_rate` and
    `channels` are those of the file, not of the waveform that `load` returns. `duration_ms` is None where the file
    does not tell, as with recordings written to a pipe; for formats without an index it is the container's estimate.
    """

    path: Path
    container: str
    codec: str
    sample_rate: int
    channels: int
    duration_ms: int | None
