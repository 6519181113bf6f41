"""Files as canonical audio, 16 kHz mono: in blocks of bounded memory, or whole."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from relaylib.audio.frames import Block
from relaylib.audio.resampler import MAX_RATE, MIN_RATE, Resampler
from relaylib.audio.source import open_source
from relaylib.errors import AudioDecodeError, ParameterError
from relaylib.types import SAMPLE_RATE, Waveform, samples_to_ms

__all__ = ["DECODER_VERSION", "load", "stream"]

FloatArray = npt.NDArray[np.float32]

DECODER_VERSION = "1:mean,soxr-hq-16000"
"""The recipe from bytes to samples; it changes whenever the samples of some file would."""


def stream(path: str | os.PathLike[str], *, block_samples: int = 10 * SAMPLE_RATE) -> Iterator[FloatArray]:
    """Decode a file block by block, mixed down and resampled to 16 kHz mono; memory does not grow with length.

    Channels are averaged, all with the same weight. Integer samples are scaled to -1..1; float samples
    are kept as they are, beyond 1.0 too: nothing is clipped or normalised. Of several audio tracks the
    first is read, and a picture is ignored.

    Position 0 is the start of the recording. Delays of an encoder that the container declares (LAME and Xing
    tags, Opus pre-skip, edit lists of MP4) are cut; a bare MP3 without a tag loses the 1105 samples that
    nearly all encoders add, bare AAC its first frame. Where an MP4 or WebM has a gap of 0.1 s or more in its
    timestamps, or its sound starts after its picture, silence fills it as in a player.

    Parameters
    ----------
    path : path of a WAV, AIFF, FLAC, MP3, AAC, Ogg (Opus, Vorbis, FLAC), MP4/M4A or WebM file
        Known by its content; the extension has no say.
    block_samples : int >= 1
        Length of the blocks; only the last may be shorter. However long they are, the samples are the same.

    Yields
    ------
    np.ndarray [shape=(block_samples,), float32]

    Raises
    ------
    ParameterError
        If `block_samples` is less than 1; at once.
    AudioDecodeError
        While iterating: if the file is absent, empty or not audio; if it holds no sample; if it is damaged;
        if a sample is NaN or infinite; if its rate is outside 1 kHz to 1 MHz; or if it is cut, i.e. ends before
        its own headers say: the bytes of a WAV or AIFF (by more than 20 ms), the samples of a FLAC, the frames
        that the tag of an MP3 counts, the boxes of an MP4, the segment of a WebM, the last page of an Ogg.
        Blocks that came before are then not to be used.

    Notes
    -----
    What is odd but decodes: a RIFF size that does not fit; a data size of 0 or near 2**31 or 2**32, which
    programs that stream leave behind (everything to the end of the file is read); a FLAC without a sample
    count. A data size that is too small is believed. Bare AAC and an MP3 without a tag say nothing of
    their length: what is there is decoded, up to three broken frames before the first and behind the last
    left out.
    """
    if block_samples < 1:
        raise ParameterError(f"block_samples={block_samples}: need at least 1.")
    return _stream(path, block_samples)


def load(path: str | os.PathLike[str]) -> Waveform:
    """Decode a whole file to 16 kHz mono; what :func:`stream` says holds here too.

    Returns
    -------
    Waveform [n_samples >= 1, sample_rate=16000]

    Raises
    ------
    AudioDecodeError
        If the file is absent, empty, cut, damaged or not audio, or its samples cannot be used; see :func:`stream`.
    """
    return Waveform(np.concatenate(list(stream(path, block_samples=60 * SAMPLE_RATE))))


def _stream(path: str | os.PathLike[str], block_samples: int) -> Iterator[FloatArray]:
    name = os.path.basename(path)
    is_empty = True
    with open_source(path) as source:
        for block in _cut_to(_to_canonical(source.read(), name), block_samples):
            is_empty = False
            yield block
    if is_empty:
        raise AudioDecodeError(f"{name}: holds no audio, its header is followed by no samples; record it again.")


def _to_canonical(blocks: Iterable[Block], name: str) -> Iterator[FloatArray]:
    resampler: Resampler | None = None
    position = 0
    for rate, block in blocks:
        if not MIN_RATE <= rate <= MAX_RATE:
            raise AudioDecodeError(
                f"{name}: its header says {rate} Hz, need {MIN_RATE} to {MAX_RATE}; the file is damaged, export it again."
            )
        _check_finite(block, rate, position, name)
        position += len(block)
        if resampler is None or resampler.from_rate != rate:  # links of a chained Ogg differ in rate
            if resampler is not None:
                yield resampler.flush()
            resampler, position = Resampler(rate, SAMPLE_RATE), 0
        yield resampler.push(block)
    if resampler is not None:
        yield resampler.flush()


def _check_finite(block: FloatArray, rate: int, position: int, name: str) -> None:
    finite = np.isfinite(block)
    if not finite.all():
        first = int(np.argmin(finite))
        kind = "NaN" if np.isnan(block[first]) else "infinite"
        raise AudioDecodeError(
            f"{name}: sample {position + first} ({samples_to_ms(position + first, rate)} ms) is {kind}; "
            "mend what wrote the file and export it again."
        )


def _cut_to(blocks: Iterable[FloatArray], n_samples: int) -> Iterator[FloatArray]:
    """Cut and join to blocks of `n_samples`, the last as long as what is left."""
    parts: list[FloatArray] = []
    n_parts = 0
    for block in blocks:
        while n_parts + len(block) >= n_samples:
            n_taken = n_samples - n_parts
            yield np.concatenate([*parts, block[:n_taken]])
            block, parts, n_parts = block[n_taken:], [], 0
        parts.append(block)
        n_parts += len(block)
    if n_parts:
        yield np.concatenate(parts)
