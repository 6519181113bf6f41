"""Waveforms to files."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from relaylib.errors import ParameterError, RelayError
from relaylib.files import replacing
from relaylib.types import SAMPLE_RATE, Waveform

__all__ = ["VORBIS_MOST_HZ", "save", "write_in_blocks"]

_FORMATS = {
    ".wav": ("WAV", "FLOAT"),
    ".flac": ("FLAC", "PCM_24"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".aif": ("AIFF", "FLOAT"),
    ".aiff": ("AIFF", "FLOAT"),
}

_WAY_OUT = "resample it or take fewer channels, or write .wav."

_BLOCK = 1 << 16  # libsndfile takes memory for a whole write from the stack in Vorbis, and crashes where that is long

VORBIS_MOST_HZ = 200_000
"""The highest rate that Vorbis knows; libsndfile crashes at others."""

_VORBIS_MOST_CHANNELS = 255  # likewise


def save(
    path: str | os.PathLike[str], waveform: Waveform | npt.NDArray[np.floating], sample_rate: int = SAMPLE_RATE
) -> None:
    """Write a waveform to a file, in the format of its ending.

    The file appears whole or not at all: it is written beside `path` and renamed.

    Parameters
    ----------
    path : str or PathLike
        Where to; what is there is replaced. ``.wav`` and ``.aiff`` keep the float32 samples exactly, ``.flac`` rounds
        them to 24 bits and clips beyond full scale; ``.ogg`` (Vorbis), ``.opus`` and ``.mp3`` are lossy.
    waveform : Waveform or np.ndarray [shape=(n_samples,) or (n_samples, n_channels), floating point]
        Samples of any rate that the format takes.
    sample_rate : int > 0
        Rate of an array in Hz; a `Waveform` brings its own.

    Raises
    ------
    ParameterError
        If the waveform is empty, has samples that are not finite or is an array not of floats in that shape, if the
        ending is not one of those, or the format cannot take the rate or the number of channels.
    RelayError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise ParameterError(
            f"{path}: cannot write {path.suffix or 'a file without ending'!r}; use {', '.join(_FORMATS)}."
        )
    if isinstance(waveform, Waveform):
        samples, sample_rate = waveform.samples, waveform.sample_rate
    else:
        samples = np.asarray(waveform)
    if samples.ndim not in (1, 2) or not np.issubdtype(samples.dtype, np.floating) or sample_rate <= 0:
        raise ParameterError(
            f"{path}: samples have shape {samples.shape} and type {samples.dtype} at {sample_rate} Hz; "
            "need floats, (n_samples,) or (n_samples, n_channels), at a positive rate."
        )
    if not samples.size:
        raise ParameterError(f"{path}: the waveform has no samples; there is nothing to save.")
    if samples.dtype not in (np.float32, np.float64):  # half precision and the like, which libsndfile does not take
        samples = samples.astype(np.float32)
    if not np.isfinite(samples).all():
        raise ParameterError(f"{path}: samples are NaN or infinite; repair the waveform first.")
    format_, subtype = _FORMATS[path.suffix.lower()]
    n_channels = 1 if samples.ndim == 1 else samples.shape[1]
    refusal = f"{path}: {format_} cannot hold {n_channels} channels at {sample_rate} Hz"
    if subtype == "VORBIS" and (sample_rate > VORBIS_MOST_HZ or n_channels > _VORBIS_MOST_CHANNELS):
        raise ParameterError(f"{refusal} (Vorbis ends at {_VORBIS_MOST_CHANNELS} and {VORBIS_MOST_HZ}); {_WAY_OUT}")
    try:
        path.parent.stat()  # a folder that is not there is taken for a slip
        with replacing(path) as part:
            _write(part, samples, sample_rate, n_channels, format_, subtype)
    except soundfile.LibsndfileError as exc:
        raise ParameterError(f"{refusal} ({exc.error_string}); {_WAY_OUT}") from exc
    except OSError as exc:
        raise RelayError(f"{path}: cannot be written: {exc.strerror or exc}.") from exc


def write_in_blocks(file: soundfile.SoundFile, samples: npt.NDArray[np.floating]) -> None:
    """Write samples of any number to a file that is open."""
    for start in range(0, len(samples), _BLOCK):
        file.write(samples[start : start + _BLOCK])


def _write(
    path: Path, samples: npt.NDArray[np.floating], sample_rate: int, n_channels: int, format_: str, subtype: str
) -> None:
    """Write samples to a file; raise its own error rather than what libsndfile makes of it."""
    with _File(path, "w") as out:
        try:
            with soundfile.SoundFile(out, "w", sample_rate, n_channels, subtype, format=format_) as file:
                write_in_blocks(file, samples)
        finally:
            if out.error is not None:
                raise out.error


class _File(io.FileIO):
    """A file for libsndfile to write to, which drops exceptions that pass through it: the first is kept in `error`."""

    error: BaseException | None = None

    def write(self, data: Any) -> int:
        """Write all of `data`; return how much that was, 0 after an error."""
        try:
            done = 0
            while done < len(data):
                done += super().write(data[done:])
        except BaseException as exc:
            self.error = self.error or exc
            return 0
        return done
