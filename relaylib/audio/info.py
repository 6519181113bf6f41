"""What a file's header says of its audio."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["AudioInfo"]


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What the header says, without decoding.

    `container` is ``wav``, ``aiff``, ``flac``, ``mp3``, ``aac``, ``ogg``, ``mp4`` or ``webm`` and comes from
    the content, not from the extension. `sample_rate` (Hz) and `channels` are those of the file,
    `n_samples` counts samples of one channel at that rate. `n_samples` and `duration_ms` are None where the
    header does not say: bare AAC, MP3 without a frame count, WebM straight from a recorder.
    """

    path: str
    container: str
    codec: str
    sample_rate: int
    channels: int
    duration_ms: int | None
    n_samples: int | None
