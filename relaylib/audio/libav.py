"""Every compressed format, and WAV whose length was never filled in, by PyAV (FFmpeg's libraries)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.audio.channels import downmix
from relaylib.audio.info import AudioInfo
from relaylib.audio.mpeg import has_length_tag
from relaylib.audio.sniff import Container, audio_head
from relaylib.errors import AudioDecodeError
from relaylib.types import samples_to_ms

__all__ = ["LibavFile"]

FloatArray = npt.NDArray[np.float32]

_DEMUXER = {"wav": "wav", "mp3": "mp3", "aac": "aac", "ogg": "ogg", "mp4": "mp4", "webm": "matroska"}
_BARE = ("mp3", "aac")  # streams without a container: a broken first or last frame is part of life
_BROKEN_ENDS = 3

_MP3_DELAY = 529 + 576
_GAP_S = 0.1
_MAX_GAP_S = 3600.0
_PENDING = 1 << 16  # samples decoded before they go on: FFmpeg's frames are too short to work on singly
_LAST = 1 << 12  # samples held back at the end, more than the padding of any codec's last frame

_SCALE = {"u1": (128.0, 1 / 128), "i2": (0.0, 1 / 32768), "i4": (0.0, 1 / 2147483648)}


class LibavFile:
    """An open file; a context manager.

    The demuxer is the one that `container` names: content that was taken for one format is never tried as
    another, playlists that name other files or hosts included.

    Raises
    ------
    AudioDecodeError
        If the header is damaged, there is no audio in it, or its codec is unknown.
    """

    def __init__(self, path: str | os.PathLike[str], container: Container) -> None:
        import av

        self.path, self.name, self.container = os.fspath(path), os.path.basename(os.fspath(path)), container
        options = {"protocol_whitelist": "file"}
        try:
            self._file = av.open(f"file:{self.path}", format=_DEMUXER[container], options=options)
        except (av.FFmpegError, OSError, ValueError) as exc:
            raise AudioDecodeError(
                f"{self.name}: its {container} header is damaged or cut ({_words(exc)}); copy or export it again."
            ) from exc
        if not self._file.streams.audio:
            self._file.close()
            raise AudioDecodeError(f"{self.name}: has no audio track; export it with sound.")
        self._stream = self._file.streams.audio[0]
        # without a codec FFmpeg still lists the track, and PyAV has no context for it
        if self._stream.codec_context is None:
            self._file.close()
            raise AudioDecodeError(f"{self.name}: its audio codec is unknown; export it as WAV or FLAC.")

    def __enter__(self) -> LibavFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def probe(self) -> AudioInfo:
        """Describe the first audio track."""
        codec = self._stream.codec_context
        rate, seconds = codec.sample_rate, self._declared_seconds()
        exact = seconds is not None and self.container in ("mp3", "mp4", "wav")
        return AudioInfo(
            path=self.path,
            container=self.container,
            codec=codec.name,
            sample_rate=rate,
            channels=codec.channels,
            duration_ms=None if seconds is None else round(1000 * seconds),
            n_samples=round(seconds * rate) if exact and seconds is not None else None,
        )

    def read(self) -> Iterator[tuple[int, FloatArray]]:
        """Yield ``(sample_rate, mono block)`` to the end of the first audio track.

        Delays that the container declares are cut by FFmpeg; see :func:`relaylib.audio.stream` for the rest.

        Raises
        ------
        AudioDecodeError
            If a packet does not decode, or fewer samples come than the header says.
        """
        declared = self._declared_seconds()
        skip = self._undeclared_delay()
        position, rate, pending = 0, 0, _Pending()
        for frame in self._frames():
            if frame.sample_rate != rate and rate:
                yield from ((rate, block) for block in pending.take(0))
                position = position * frame.sample_rate // rate
            rate = frame.sample_rate
            mono = _to_mono(frame)
            gap = self._gap(frame, position, rate)
            for n_silent in _pieces(gap):
                yield from ((rate, block) for block in pending.take(0))
                yield rate, np.zeros(n_silent, np.float32)
            if skip:
                skip, mono = max(0, skip - len(mono)), mono[skip:]
            position += gap + len(mono)
            pending.add(mono)
            yield from ((rate, block) for block in pending.take(_LAST) if len(pending) >= 0)
        yield from self._end(pending, position, rate, declared)

    def _end(self, pending: _Pending, position: int, rate: int, declared: float | None) -> Iterator[Any]:
        if rate and declared is not None:
            wanted = round(declared * rate)
            if self.container == "mp3" and wanted - position > rate * _GAP_S:
                said, there = samples_to_ms(wanted, rate), samples_to_ms(position, rate)
                raise AudioDecodeError(
                    f"{self.name}: is cut or damaged, its header says {said} ms and {there} ms are there; copy it again."
                )
            if self.container == "mp4" and 0 < position - wanted < _LAST:
                pending.drop_last(position - wanted)
        yield from ((rate, block) for block in pending.take(0))
