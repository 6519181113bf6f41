"""Files to canonical audio: mono, 16 kHz, float32."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from relaylib.audio.compressed import CompressedSource
from relaylib.audio.extent import check_extent
from relaylib.audio.info import AudioInfo
from relaylib.audio.pcm import PcmSource
from relaylib.audio.resampler import Resampler
from relaylib.audio.source import Source, damaged
from relaylib.audio.wav import mend, read_header
from relaylib.errors import AudioDecodeError, ParameterError
from relaylib.types import SAMPLE_RATE, Waveform, samples_to_ms

__all__ = ["DECODER_VERSION", "load", "probe", "stream"]

DECODER_VERSION = "1:mean:soxr-hq:16000"
"""Names the recipe from bytes to samples; changes when the samples may."""

FloatArray = npt.NDArray[np.float32]

_WAV = (b"RIFF", b"RIFX", b"RF64")
_MIN_RATE, _MAX_RATE = 1000, 768_000
_LOUDEST = 1e10  # times full scale; whole numbers of 32 bits stored as floats reach 2e9


def probe(path: str | os.PathLike[str]) -> AudioInfo:
    """Return what a file says about its audio, decoding none of it.

    Parameters
    ----------
    path : str or PathLike
        An audio file; its content decides what it is, not its ending.

    Raises
    ------
    AudioDecodeError
        If the file cannot be read, or is not audio that can be decoded.
    """
    with _open(path) as source:
        return source.info


def stream(
    path: str | os.PathLike[str], *, speed: float = 1.0, block_samples: int = 10 * SAMPLE_RATE
) -> Iterator[FloatArray]:
    """Yield the audio of a file in blocks, in memory that does not grow with its length.

    Channels are averaged, all with the same weight, then resampled. Integer samples are scaled to -1..1, float samples
    kept as they are, beyond 1.0 too. Of several audio tracks the first is read; pictures are ignored.

    Time 0 is the start of the recording. Encoder delay that the container declares (LAME tag, Opus pre-skip, MP4 edit
    list) is cut; a bare MP3 without a tag loses the 1105 samples that nearly all encoders add, bare AAC its first
    frame. A fragmented MP4 without an edit list keeps its one frame of delay. Sound that starts after the picture, and
    gaps of more than 0.1 s in the timestamps, are silence, as in a player.

    Parameters
    ----------
    path : str or PathLike
        An audio file; its content decides how it is decoded, not its ending.
    speed : float in 0.5..2
        Played so many times as fast, as from a tape: times shrink, and pitch rises, by that factor.
    block_samples : int > 0
        Length of the blocks; the last may be shorter. It does not change the samples.

    Yields
    ------
    np.ndarray [shape=(n,), float32, nominally -1..1]
        Consecutive mono blocks at 16 kHz, none empty.

    Raises
    ------
    ParameterError
        If `block_samples` is not positive, or `speed` out of range; at the call.
    AudioDecodeError
        While iterating, if the file is absent, empty, not audio, without an audio track or without samples (or with too
        few for one at 16 kHz); if a sample is NaN, infinite or beyond 1e10 times full scale; if the rate is outside 1
        to 768 kHz or changes on the way; if the file is damaged; or if it was cut, that is, ends before it says: the
        data of a WAV (by more than 1 kB), the frames of FLAC and AAC, the boxes of an MP4, the segment of a WebM, the
        last page of an Ogg, the tag of an MP3. Blocks that came before are then not to be used.

    Notes
    -----
    Odd, but decoded to the end of the file: a RIFF size that does not fit; a data size of 0 or just below 2 or 4 GiB,
    as programs leave it that write to pipes; a FLAC or WebM that does not know its length. A data size that is too
    small is believed, with a warning in the log. A cut MP3 without a tag cannot be told from a short one. A few packets
    of a lossy codec that do not decode become silence, with a warning; see
    :class:`relaylib.audio.compressed.CompressedSource`.
    """
    if block_samples <= 0:
        raise ParameterError(f"block_samples={block_samples}: need a positive number of samples.")
    return _stream(path, _checked_speed(speed), block_samples)


def _checked_speed(speed: float) -> float:
    if not 0.5 <= speed <= 2.0:
        raise ParameterError(f"speed={speed}: need 0.5 <= speed <= 2.")
    return speed


def _stream(path: str | os.PathLike[str], speed: float, block_samples: int) -> Iterator[FloatArray]:
    pending: list[FloatArray] = []
    n_pending = 0
    for piece in _canonical(path, speed):
        pending.append(piece)
        n_pending += len(piece)
        if n_pending < block_samples:
            continue
        joined = np.concatenate(pending)
        n_whole = n_pending - n_pending % block_samples
        for start in range(0, n_whole, block_samples):
            yield joined[start : start + block_samples].copy()
        pending, n_pending = [joined[n_whole:].copy()], n_pending - n_whole
    if n_pending:
        yield np.concatenate(pending)


def load(path: str | os.PathLike[str], *, speed: float = 1.0) -> Waveform:
    """Return the audio of a whole file: the blocks of `stream`, joined.

    Parameters
    ----------
    path : str or PathLike
        An audio file; its content decides how it is decoded, not its ending.
    speed : float in 0.5..2
        Played so many times as fast, see `stream`.

    Returns
    -------
    Waveform
        Mono, 16 kHz, float32, at least one sample.

    Raises
    ------
    ParameterError
        If `speed` is out of range.
    AudioDecodeError
        If the file cannot be read, is not audio, is cut or damaged, or holds NaN, infinity or no samples; see `stream`.
    """
    return Waveform(np.concatenate(list(_canonical(path, _checked_speed(speed)))), SAMPLE_RATE)


def _canonical(path: str | os.PathLike[str], speed: float) -> Iterator[FloatArray]:
    """Yield mono pieces at 16 kHz, of whatever sizes come."""
    with _open(path) as source:
        rate = source.info.sample_rate
        resampler = Resampler(round(rate * speed), SAMPLE_RATE)
        n_read = n_made = 0
        for block in source.blocks():
            usable = np.abs(block) < _LOUDEST  # False for NaN
            if not usable.all():
                at = samples_to_ms(n_read + int(usable.argmin()), rate)
                raise damaged(source.info.path, at, "samples are NaN, infinite or enormous")
            n_read += len(block)
            if len(piece := resampler.push(block)):
                n_made += len(piece)
                yield piece
        if len(piece := resampler.flush()):
            n_made += len(piece)
            yield piece
        if not n_made:
            what = f"is shorter than a sample at {SAMPLE_RATE} Hz" if n_read else "holds no samples"
            raise AudioDecodeError(f"{source.info.path}: {what}; the recording is empty, leave it out.")


@contextmanager
def _open(given: str | os.PathLike[str]) -> Iterator[Source]:
    path = Path(given)
    with _readable(path) as file, _disk_errors_named(path):
        head = file.read(32)
        file.seek(0)
        if not head:
            raise AudioDecodeError(f"{path}: the file is empty (0 bytes); record or copy it again.")
        check_extent(path, file)
        source = _source(path, file, head)
        try:
            if not _MIN_RATE <= source.info.sample_rate <= _MAX_RATE:
                raise AudioDecodeError(
                    f"{path}: the header says {source.info.sample_rate} Hz; need {_MIN_RATE} to {_MAX_RATE} Hz."
                )
            yield source
        finally:
            source.close()


@contextmanager
def _disk_errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise AudioDecodeError(f"{path}: cannot be read: {exc.strerror or exc}; copy it again.") from exc


def _readable(path: Path) -> BinaryIO:
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return open(path, "rb")
    except (OSError, ValueError) as exc:  # ValueError: a null byte in the path
        raise AudioDecodeError(f"{path}: cannot be read: {getattr(exc, 'strerror', exc)}; check the path.") from exc
    if stat.S_ISDIR(mode):
        raise AudioDecodeError(f"{path}: is a directory; give the files in it, see find_audio.")
    raise AudioDecodeError(f"{path}: is no regular file; copy the audio to one.")  # a pipe would wait for its writer


def _source(path: Path, file: BinaryIO, head: bytes) -> Source:
    """Choose who decodes, by the first bytes of the file."""
    if head[:4] in _WAV and head[8:12] == b"WAVE":
        header = read_header(file)
        file = mend(path, file, header)
        by_libsndfile = header.readable_by_libsndfile
    elif head[:4] == b"fLaC":
        # libsndfile stumbles over the end of one that was written to a pipe and has a length of 0
        by_libsndfile = len(head) >= 26 and int.from_bytes(head[21:26], "big") & 0xFFFFFFFFF > 0
    else:
        by_libsndfile = head[:4] == b"FORM" and head[8:11] == b"AIF"
    return PcmSource(path, file) if by_libsndfile else CompressedSource(path, file)
