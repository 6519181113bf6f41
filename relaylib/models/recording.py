"""Any source of audio as blocks of mono 16 kHz samples that can be gone through more than once."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib import audio as _audio
from relaylib.errors import ParameterError
from relaylib.models.ahead import read_ahead
from relaylib.postprocess.levels import LevelMeter
from relaylib.types import SAMPLE_RATE, Levels, Waveform, samples_to_ms

__all__ = ["AudioSource", "Recording"]

FloatArray = npt.NDArray[np.float32]

AudioSource = str | os.PathLike[str] | Waveform | npt.NDArray[Any] | Iterable[npt.NDArray[Any]]
"""A file, a waveform of any rate, mono samples at 16 kHz, or consecutive blocks of them."""

_BLOCK = 1 << 16
_BLOCKS_AHEAD = 4


class Recording:
    """The blocks of a source, and their duration once they were read.

    Each iteration starts anew: a file is decoded again, so that it is never held whole. An iterator, which can be read
    once only, is first copied to a temporary file (up to a minute of it stays in memory).

    With `measured`, it keeps the levels of each ms, see :class:`~relaylib.postprocess.levels.LevelMeter`.

    Blocks hold finite samples of one channel in floating point: others raise :class:`~relaylib.errors.ParameterError`.
    """

    def __init__(self, source: AudioSource, *, measured: bool = False) -> None:
        self._levels: Levels | None = None
        self._measured = measured
        self._duration_ms = source.duration_ms if isinstance(source, Waveform) else None
        self._n_samples = 0
        if isinstance(source, Waveform):
            source = _at_16_khz(source)
        self._source = _Spool(map(_checked, source)) if isinstance(source, Iterator) else source

    def __iter__(self) -> Iterator[FloatArray]:
        n_samples = 0
        meter = LevelMeter() if self._measured and self._levels is None else None
        for block in self._blocks():
            n_samples += len(block)
            if meter is not None:
                meter.add(block)
            self._n_samples = max(self._n_samples, n_samples)
            yield block
        if meter is not None:
            self._levels = meter.levels()

    @property
    def duration_ms(self) -> int:
        """Length in ms: of a waveform, at its own rate; else of what was read so far."""
        return samples_to_ms(self._n_samples) if self._duration_ms is None else self._duration_ms

    @property
    def levels(self) -> Levels | None:
        """Levels of each ms once it was read to its end, if they were to be kept."""
        return self._levels

    def _blocks(self) -> Iterator[FloatArray]:
        source = self._source
        if isinstance(source, (str, os.PathLike)):
            yield from map(_checked, read_ahead(_audio.stream(source), _BLOCKS_AHEAD))
        elif isinstance(source, np.ndarray):
            yield _checked(source)
        elif not isinstance(source, Waveform):
            yield from map(_checked, source)


class _Spool:
    """A copy of blocks that can be read once only."""

    def __init__(self, blocks: Iterator[FloatArray]) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=60 * SAMPLE_RATE * 4)  # noqa: SIM115 (closed below)
        weakref.finalize(self, self._file.close)
        for block in blocks:
            self._file.write(block.tobytes())

    def __iter__(self) -> Iterator[FloatArray]:
        position = 0
        while True:
            self._file.seek(position)  # another iteration may have moved it
            data = self._file.read(_BLOCK * 4)
            if not data:
                return
            position += len(data)
            yield np.frombuffer(data, np.float32)


def _at_16_khz(waveform: Waveform) -> FloatArray:
    samples = _checked(waveform.samples)  # before the resampler smears what is not finite
    if waveform.sample_rate == SAMPLE_RATE or not len(samples):
        return samples
    resampled: FloatArray = _audio.resample(samples, waveform.sample_rate, SAMPLE_RATE)
    return resampled


def _checked(block: npt.NDArray[Any]) -> FloatArray:
    given = np.asarray(block)
    if not given.ndim:
        raise ParameterError("samples come one by one; make one array of the list or tensor that holds them.")
    if given.dtype.kind != "f":
        raise ParameterError(f"samples are {given.dtype}; need floats in -1..1, so divide int16 by 32768.")
    if isinstance(block, np.ma.MaskedArray):
        raise ParameterError("samples are a masked array; fill what is masked, see its method filled.")
    samples = np.asarray(given, np.float32)
    if samples.ndim != 1:
        raise ParameterError(f"samples have shape {samples.shape}; need one dimension (mono).")
    if not all(np.isfinite(samples[k : k + _BLOCK]).all() for k in range(0, len(samples), _BLOCK)):
        raise ParameterError("samples hold NaN or infinity; repair the audio, an embedding of it means nothing.")
    return samples
