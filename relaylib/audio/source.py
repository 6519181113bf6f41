"""A file, opened by the decoder that its content asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

from relaylib.audio.cut import find_cut, read_riff
from relaylib.audio.frames import Block
from relaylib.audio.info import AudioInfo
from relaylib.audio.libav import LibavSource
from relaylib.audio.sndfile import SndfileSource
from relaylib.audio.sniff import Container, sniff
from relaylib.errors import AudioDecodeError

__all__ = ["Source", "open_source", "probe"]


class Source(Protocol):
    """An open file that can be described and read."""

    def __enter__(self) -> Source: ...
    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def probe(self) -> AudioInfo:
        """Describe the audio."""
        ...

    def read(self) -> Iterator[Block]:
        """Yield ``(sample_rate, mono block)`` to the end."""
        ...


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Read what a file's header says of its audio, without decoding it.

    A file that is cut, by its own headers, is an error here as it is for :func:`relaylib.audio.load`; damage
    further in shows only on decoding.

    Raises
    ------
    AudioDecodeError
        If the file is absent, empty, cut, or not audio that relaylib reads.
    """
    with open_source(path) as source:
        return source.probe()


def open_source(path: str | os.PathLike[str]) -> Source:
    """Open a file by its content: WAV, AIFF and FLAC with libsndfile, the rest with FFmpeg's libraries.

    Raises
    ------
    AudioDecodeError
        As :func:`probe`.
    """
    container = sniff(path)
    missing = find_cut(path, container)
    if missing is not None:
        raise AudioDecodeError(f"{os.path.basename(path)}: is cut, {missing}; copy it again.")
    if container not in ("wav", "aiff", "flac"):
        return LibavSource(path, container)
    if container == "wav" and _length_is_zero(path):
        return LibavSource(path, container)  # libsndfile takes the 0 at its word
    return _open_pcm(path, container)


def _open_pcm(path: str | os.PathLike[str], container: Container) -> Source:
    try:
        source = SndfileSource(path, container)
    except AudioDecodeError:
        if container != "wav":
            raise
        try:
            return LibavSource(path, container)  # codecs that libsndfile has not, such as ADPCM of cameras
        except AudioDecodeError:
            pass
        raise
    if source.n_samples is None:
        with source:
            return LibavSource(path, container)
    return source


def _length_is_zero(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:
        data = read_riff(file, os.path.getsize(path))
    return data is not None and data.n_declared == 0 and data.n_there > 0
