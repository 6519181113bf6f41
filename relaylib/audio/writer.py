"""Waveforms to files."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.types import SAMPLE_RATE, Waveform

__all__ = ["save"]

_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
    ".opus": ("OGG", "OPUS"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
_BLOCK = 1 << 16  # libsndfile's Vorbis encoder overflows its stack on long calls


def save(
    path: str | os.PathLike[str],
    audio: Waveform | npt.NDArray[Any],
    sample_rate: int = SAMPLE_RATE,
    *,
    subtype: str | None = None,
) -> None:
    """Write a waveform in the format that the extension names: WAV, FLAC, OGG (Vorbis), OPUS or MP3.

    The file appears whole or not at all: it is written beside its place and then renamed.

    Parameters
    ----------
    path : path with one of the extensions above, in a folder that exists
        A file that is there is replaced.
    audio : Waveform or np.ndarray [shape=(n_samples,) or (n_samples, n_channels), floating point]
    sample_rate : int > 0
        Rate of an array in Hz; a `Waveform` brings its own.
    subtype : str, optional
        A sample format of libsndfile, such as ``"PCM_24"`` or ``"FLOAT"``. By default WAV and FLAC have 16 bits:
        values are rounded, and clipped beyond -1..1; samples read from a 16-bit file come back bit for bit.

    Raises
    ------
    ParameterError
        If the extension is unknown, the folder is absent, the samples are not finite floats of the right
        shape, or the format cannot hold them (Opus takes 8, 12, 16, 24 and 48 kHz only).
    """
    target = Path(path)
    if target.suffix.lower() not in _FORMATS:
        raise ParameterError(f"{target.name}: unknown extension; need one of {', '.join(_FORMATS)}.")
    if not target.parent.is_dir():
        raise ParameterError(f"{target.parent}: no such folder; make it first.")
    samples, rate = (
        (audio.samples, audio.sample_rate) if isinstance(audio, Waveform) else (np.asarray(audio), sample_rate)
    )
    _check_samples(samples, rate)
    container, default = _FORMATS[target.suffix.lower()]
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        _write(part, samples, rate, container, subtype or default)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _write(path: Path, samples: npt.NDArray[Any], rate: int, container: str, subtype: str) -> None:
    import soundfile

    channels = 1 if samples.ndim == 1 else samples.shape[1]
    try:
        with soundfile.SoundFile(path, "w", rate, channels, subtype, format=container) as file:
            for start in range(0, len(samples), _BLOCK):
                block = samples[start : start + _BLOCK]
                file.write(_to_int16(block) if subtype == "PCM_16" else block.astype(np.float32, copy=False))
    except (soundfile.SoundFileError, ValueError) as exc:
        raise ParameterError(
            f"{container} cannot hold {channels} channels of {subtype} at {rate} Hz ({exc}); "
            "resample first, or choose another format."
        ) from exc


def _to_int16(x: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
    """Round to the grid on which 16-bit files are read (libsndfile's own way is off by one above 0.5)."""
    return np.clip(np.rint(x * 32768.0), -32768, 32767).astype(np.int16)


def _check_samples(samples: npt.NDArray[Any], rate: int) -> None:
    if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
        raise ParameterError(f"samples have shape {samples.shape}; need (n_samples,) or (n_samples, n_channels).")
    if not np.issubdtype(samples.dtype, np.floating):
        raise ParameterError(f"samples are {samples.dtype}; scale them to float -1..1 first.")
    if not np.isfinite(samples).all():
        raise ParameterError("samples hold NaN or infinite values; mend them before writing.")
    if rate <= 0:
        raise ParameterError(f"sample_rate={rate}: need a positive rate in Hz.")
