"""WAV, FLAC, AIFF and their kin, decoded by libsndfile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile

from relaylib.audio.channels import downmix
from relaylib.audio.info import AudioInfo
from relaylib.audio.seeking import Lent
from relaylib.audio.source import Source, cut, damaged, undecodable
from relaylib.types import samples_to_ms

__all__ = ["PcmSource"]

FloatArray = npt.NDArray[np.float32]

_BLOCK = 1 << 16  # samples per block, over all channels


class PcmSource(Source):
    """An open file that libsndfile reads.

    Parameters
    ----------
    path : Path
        What messages call it.
    file : binary file
        Where it is read from; closed by the caller.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        try:
            self._file = soundfile.SoundFile(Lent(file))
        except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as exc:
            raise undecodable(path, getattr(exc, "error_string", str(exc))) from exc
        rate = self._file.samplerate
        self.info = AudioInfo(
            path=path,
            container=self._file.format.lower(),
            codec=self._file.subtype.lower(),
            sample_rate=rate,
            channels=self._file.channels,
            duration_ms=samples_to_ms(self._file.frames, rate) if rate > 0 else None,
            n_samples=self._file.frames,
        )

    def blocks(self) -> Iterator[FloatArray]:
        """Yield mono blocks [shape=(n,), float32] at the file's own rate."""
        n_read, n_frames = 0, self._file.frames
        # 8 channels take no more memory than 1
        size = max(1024, _BLOCK // self.info.channels)
        while n_read < n_frames:
            try:
                block = self._file.read(size, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError) as exc:
                at = samples_to_ms(n_read, self.info.sample_rate)
                raise damaged(self.info.path, at, getattr(exc, "error_string", str(exc))) from exc
            if not len(block):
                break
            n_read += len(block)
            yield downmix(block)
        if n_read < n_frames:
            rate = self.info.sample_rate
            raise cut(self.info.path, f"its header promises {n_frames / rate:.3f} s, {n_read / rate:.3f} s are there")

    def close(self) -> None:
        """Close the decoder."""
        self._file.close()
