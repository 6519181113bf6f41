"""WAV, AIFF and FLAC, by libsndfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.audio.channels import downmix
from relaylib.audio.info import AudioInfo
from relaylib.audio.sniff import Container
from relaylib.errors import AudioDecodeError
from relaylib.types import samples_to_ms

__all__ = ["open_sndfile", "probe_sndfile", "read_sndfile"]

_BLOCK_VALUES = 1 << 17  # samples times channels, 512 KiB


def open_sndfile(path: str | os.PathLike[str]) -> Any:
    """Open the file as a ``soundfile.SoundFile``.

    Raises
    ------
    AudioDecodeError
        If libsndfile does not take the header.
    """
    import soundfile

    try:
        return soundfile.SoundFile(os.fspath(path))
    except (soundfile.SoundFileError, OSError) as exc:
        why = getattr(exc, "error_string", None) or str(exc)
        raise AudioDecodeError(
            f"{os.path.basename(path)}: its header is damaged or of a kind that cannot be decoded ({why.strip()}); "
            "export it again."
        ) from exc


def probe_sndfile(file: Any, path: str | os.PathLike[str], container: Container) -> AudioInfo:
    """Describe an open file."""
    n_samples = _declared(file)
    return AudioInfo(
        path=os.fspath(path),
        container=container,
        codec=file.subtype.lower() if container != "flac" else "flac",
        sample_rate=file.samplerate,
        channels=file.channels,
        duration_ms=None if n_samples is None else samples_to_ms(n_samples, file.samplerate),
        n_samples=n_samples,
    )


def read_sndfile(file: Any, path: str | os.PathLike[str]) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield ``(sample_rate, mono block)`` to the end of an open file.

    Raises
    ------
    AudioDecodeError
        If a block does not decode, or fewer samples come than the header says.
    """
    import soundfile

    name, rate, declared = os.path.basename(path), file.samplerate, _declared(file)
    n_block = max(1, _BLOCK_VALUES // file.channels)
    position = 0
    while True:
        try:
            block = file.read(n_block, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, OSError) as exc:
            why = getattr(exc, "error_string", None) or str(exc) or "the decoder gave up"
            raise AudioDecodeError(
                f"{name}: damaged or cut after {samples_to_ms(position, rate)} ms ({why.strip()}); copy it again."
            ) from exc
        if len(block) == 0:
            break
        position += len(block)
        yield rate, downmix(block)
    if declared is not None and position < declared:
        said, there = samples_to_ms(declared, rate), samples_to_ms(position, rate)
        raise AudioDecodeError(f"{name}: is cut, its header says {said} ms and {there} ms are there; copy it again.")


def _declared(file: Any) -> int | None:
    n_samples = int(file.frames)
    return n_samples if n_samples < 1 << 48 else None  # libsndfile's word for unknown is close to 2 ** 63
