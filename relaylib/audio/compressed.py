"""MP3, OGG, Opus, M4A, MP4, AAC and WebM, decoded by FFmpeg through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from relaylib.audio.channels import downmix
from relaylib.audio.info import AudioInfo
from relaylib.audio.source import Source, damaged, undecodable
from relaylib.types import samples_to_ms

__all__ = ["CompressedSource"]

FloatArray = npt.NDArray[np.float32]

# playlists and scripts that name other files or addresses are not among them
_CONTAINERS = "mp3,ogg,mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,flac,wav,w64,aiff,au,caf,asf,amr,ac3,eac3,loas,mpegts"
_NAMES = {"mov": "mp4", "matroska": "webm"}


class CompressedSource(Source):
    """An open file that FFmpeg reads: the first audio stream of it.

    Parameters
    ----------
    path : Path
        What messages call it.
    file : binary file
        Where it is read from; closed by the caller.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        import av

        try:
            self._container = av.open(file, "r", metadata_errors="replace", options={"format_whitelist": _CONTAINERS})
        except (av.FFmpegError, ValueError) as exc:
            raise undecodable(path, _words(exc)) from exc
        if not self._container.streams.audio:
            self._container.close()
            raise undecodable(path, "it has no audio stream")
        self._stream = self._container.streams.audio[0]
        name = self._container.format.name.split(",")[0]
        duration = self._container.duration
        self.info = AudioInfo(
            path=path,
            container=_NAMES.get(name, name),
            codec=self._stream.codec_context.name if self._stream.codec_context else "unknown",
            sample_rate=self._stream.rate or 0,
            channels=self._stream.channels,
            duration_ms=None if duration is None else round(duration / 1000),
        )

    def blocks(self) -> Iterator[FloatArray]:
        """Yield mono blocks [shape=(n,), float32] at the file's own rate."""
        import av

        n_read = 0
        try:
            for frame in self._container.decode(self._stream):
                block = _mono(frame)
                n_read += len(block)
                yield block
        except av.FFmpegError as exc:
            raise damaged(self.info.path, samples_to_ms(n_read, self.info.sample_rate), _words(exc)) from exc

    def close(self) -> None:
        """Close the decoder."""
        self._container.close()


def _mono(frame: Any) -> FloatArray:
    """Return the samples of a frame [shape=(n,), float32, -1..1], channels averaged."""
    samples = frame.to_ndarray()
    samples = samples.T if frame.format.is_planar else samples.reshape(frame.samples, -1)
    if samples.dtype.kind == "f":
        return downmix(samples)
    if samples.dtype == np.uint8:
        return downmix(samples.astype(np.float32) / 128 - 1)
    return downmix(samples.astype(np.float32) / -float(np.iinfo(samples.dtype).min))


def _words(exc: BaseException) -> str:
    return getattr(exc, "strerror", None) or str(exc)
