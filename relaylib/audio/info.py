"""What a file's header says of its audio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["AudioInfo"]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header says, without decoding.

    `container` comes from the content, not from the extension: ``wav``, ``aiff``, ``flac``, ``mp3``, ``aac``, ``ogg``,
    ``mp4``, ``webm`` (any Matroska) or another name of FFmpeg's. `codec` is how the samples are stored: ``pcm_16``,
    ``float``, ``opus`` ... `sample_rate` (Hz) and `channels` are those of the file, not of the waveform that `load`
    returns. `duration_ms` is None where the header does not say: recordings written to a pipe, bare AAC, MP3 without a
    LAME tag or joined from several. `n_samples` counts the samples of one channel at that rate, None where the header
    has no exact count.
    """

    path: Path
    container: str
    codec: str
    sample_rate: int
    channels: int
    duration_ms: int | None
    n_samples: int | None = None
