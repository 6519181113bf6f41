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

__all__ = ["SndfileSource"]

_BLOCK_VALUES = 1 << 17  # samples times channels: 512 KiB


class SndfileSource:
    """An open WAV, AIFF or FLAC file; close it by ``with``.

    Raises
    ------
    AudioDecodeError
        If libsndfile does not take the header.
    """

    def __init__(self, path: str | os.PathLike[str], container: Container) -> None:
        import soundfile

        self.path, self.container = os.fspath(path), container
        self.name = os.path.basename(self.path)
        try:
            self._file: Any = soundfile.SoundFile(self.path)
        except (soundfile.SoundFileError, OSError) as exc:
            raise AudioDecodeError(
                f"{self.name}: its {container} header is damaged or of a kind that cannot be decoded ({_words(exc)}); "
                "copy or export it again."
            ) from exc

    def __enter__(self) -> SndfileSource:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    @property
    def n_samples(self) -> int | None:
        """Samples per channel by the header; None where a FLAC encoder could not go back to fill it in."""
        n_samples = int(self._file.frames)
        return n_samples if n_samples < 1 << 48 else None  # libsndfile's word for "unknown" is close to 2 ** 63

    def probe(self) -> AudioInfo:
        """Describe the audio."""
        rate = self._file.samplerate
        return AudioInfo(
            path=self.path,
            container=self.container,
            codec="flac" if self.container == "flac" else self._file.subtype.lower(),
            sample_rate=rate,
            channels=self._file.channels,
            duration_ms=None if self.n_samples is None else samples_to_ms(self.n_samples, rate),
            n_samples=self.n_samples,
        )

    def read(self) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
        """Yield ``(sample_rate, mono block)`` to the end.

        Raises
        ------
        AudioDecodeError
            If a block does not decode, or fewer samples come than the header says.
        """
        import soundfile

        rate, position = self._file.samplerate, 0
        n_block = max(1, _BLOCK_VALUES // self._file.channels)
        while True:
            try:
                block = self._file.read(n_block, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, OSError) as exc:
                at_ms = samples_to_ms(position, rate)
                raise AudioDecodeError(
                    f"{self.name}: is damaged or cut, after {at_ms} ms at the earliest ({_words(exc)}); copy it again."
                ) from exc
            if len(block) == 0:
                break
            position += len(block)
            yield rate, downmix(block)
        if self.n_samples is not None and position < self.n_samples:
            said, there = samples_to_ms(self.n_samples, rate), samples_to_ms(position, rate)
            raise AudioDecodeError(
                f"{self.name}: is cut, its header says {said} ms of audio and {there} ms are there; copy it again."
            )


def _words(exc: Exception) -> str:
    return (getattr(exc, "error_string", "") or str(exc) or "the decoder gave up").strip()
