"""The sound behind a picture: a file or samples in memory, as extremes to draw and as clips to hear."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from relaylib.audio import resample
from relaylib.errors import ParameterError
from relaylib.evaluate.clips import sound_uri
from relaylib.types import SAMPLE_RATE, Waveform, ms_to_samples, samples_to_ms
from relaylib.widgets.sound import Recording
from relaylib.widgets.sound.pcm import to_int16
from relaylib.widgets.sound.pyramid import COLUMN, Pyramid

__all__ = ["AudioGiven", "Sound", "open_sound", "outline", "player"]

AudioGiven = str | os.PathLike[str] | Waveform | npt.NDArray[np.floating]
"""A file, or samples: those of an array are at 16 kHz."""

_FINE_SAMPLES = 60 * SAMPLE_RATE
_FULL_SCALE = 32768.0
_TOP = 127.0
_LEAD = 64  # samples around a clip, 4 ms, so that it is known to be a cut and faded


class Sound(Protocol):
    """Canonical sound of one recording, as far as it is there."""

    @property
    def duration_ms(self) -> int:
        """Its length."""

    @property
    def decoded_ms(self) -> int:
        """How far it is decoded."""

    @property
    def error(self) -> str | None:
        """Why no more of it can be decoded, None if it can."""

    def samples(self, start: int, end: int) -> npt.NDArray[np.int16]:
        """Return what there is of the samples ``[start, end)``."""

    def peaks(self, level: int, first: int, n_columns: int) -> npt.NDArray[np.int8]:
        """Return extremes [shape=(n_columns, 2)], see :meth:`Pyramid.peaks`."""


class _InMemory:
    error = None

    def __init__(self, samples: npt.NDArray[np.int16]) -> None:
        self._samples = samples
        self._pyramid = Pyramid()
        self._pyramid.append(samples)

    @property
    def duration_ms(self) -> int:
        return samples_to_ms(len(self._samples))

    @property
    def decoded_ms(self) -> int:
        return self.duration_ms

    def samples(self, start: int, end: int) -> npt.NDArray[np.int16]:
        return self._samples[start:end]

    def peaks(self, level: int, first: int, n_columns: int) -> npt.NDArray[np.int8]:
        return self._pyramid.peaks(level, first, n_columns)


def open_sound(audio: AudioGiven, on_progress: Callable[[Recording], None] | None = None) -> Sound:
    """Open a file, which is decoded in the background, or take samples.

    Parameters
    ----------
    audio : path, Waveform or np.ndarray [shape=(n_samples,), floating point, 16 kHz]
    on_progress : callable, optional
        For files, see :class:`relaylib.widgets.sound.Recording`; called in another thread.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if isinstance(audio, (str, os.PathLike)):
        return Recording(Path(audio), on_progress=on_progress)
    if isinstance(audio, np.ndarray):
        audio = Waveform(audio.astype(np.float32, copy=False))
    if not isinstance(audio, Waveform):
        raise ParameterError(f"audio is a {type(audio).__name__}; need a file, a Waveform or an array at 16 kHz.")
    return _InMemory(to_int16(resample(audio.samples, audio.sample_rate, SAMPLE_RATE)))


def outline(sound: Sound, start_ms: int, end_ms: int, n_columns: int) -> dict[str, npt.NDArray[np.float64]]:
    """Return the waveform of a stretch: its extremes in at most `n_columns`, or every sample if there are fewer.

    Parameters
    ----------
    sound : Sound
    start_ms, end_ms : int, 0 <= start_ms <= end_ms
    n_columns : int > 0

    Returns
    -------
    dict with `x` in seconds, the middle of each column, and `low` and `high`, -1..1 [each: shape=(n,)]
        No sample leaves its column, so a click of one sample shows at any zoom. What is not decoded is not there.

    Examples
    --------
    >>> click = np.zeros(3200, np.float32)
    >>> click[1600] = 0.5
    >>> drawn = outline(open_sound(click), 0, 200, 10)
    >>> drawn["high"].tolist().index(0.5), drawn["x"][5].round(2).item()
    (5, 0.11)
    """
    first, last = ms_to_samples(start_ms), ms_to_samples(end_ms)
    if last - first <= _FINE_SAMPLES:
        samples = sound.samples(first, last) / _FULL_SCALE
        step = max(1, -(-(last - first) // n_columns))
        starts = np.arange(0, len(samples), step)
        low, high = (f.reduceat(samples, starts) if len(starts) else samples for f in (np.minimum, np.maximum))
        return {"x": (first + starts + step / 2) / SAMPLE_RATE, "low": low, "high": high}
    level = max(0, int(np.ceil(np.log2((last - first) / (COLUMN * n_columns)))))
    width = COLUMN << level
    column = first // width
    peaks = sound.peaks(level, column, -(-last // width) - column) / _TOP
    x = (column + np.arange(len(peaks)) + 0.5) * width / SAMPLE_RATE
    return {"x": x, "low": peaks[:, 0], "high": peaks[:, 1]}


def player(sound: Sound, start_ms: int, end_ms: int, *, autoplay: bool = True) -> str:
    """Return an HTML player for a stretch, which it holds as FLAC; a sentence where there is no sound."""
    first, last = ms_to_samples(max(0, start_ms)), ms_to_samples(end_ms)
    lead = min(first, _LEAD)
    samples = sound.samples(first - lead, last + _LEAD) / np.float32(_FULL_SCALE)
    if len(samples) <= lead:
        return "<i>The recording has no sound there.</i>"
    start_ms = samples_to_ms(lead)
    uri = sound_uri(Waveform(samples), start_ms, start_ms + samples_to_ms(last - first))
    play = " autoplay" if autoplay else ""
    return f'<audio controls{play} style="height:32px" src="{uri}"></audio>'
