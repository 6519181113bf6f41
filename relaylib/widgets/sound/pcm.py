"""Canonical samples on disk: what is decoded once is read in pieces."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["PcmFile", "to_int16"]

SAMPLE = np.dtype("<i2")
_FULL_SCALE = 32768


def to_int16(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Return samples of -1..1 as 16 bits, clipped beyond; what came from 16 bits is given back exactly.

    Examples
    --------
    >>> to_int16(np.array([-1.0, 0.0, 0.5, 1.5], np.float32))
    array([-32768,      0,  16384,  32767], dtype=int16)
    """
    scaled = np.rint(samples * np.float32(_FULL_SCALE))
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1, out=scaled).astype(SAMPLE)


class PcmFile:
    """Samples [int16] in a file without a name, which vanishes with the process whatever ends it.

    One thread appends while others read.

    Parameters
    ----------
    folder : str or PathLike, optional
        On which disk; made where it is missing. Default: where temporary files go.

    Raises
    ------
    OSError
        If no file can be made there.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        if folder is not None:
            os.makedirs(folder, exist_ok=True)
        self._file: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as this object
        self._n_samples = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._n_samples

    def append(self, samples: npt.NDArray[np.int16]) -> None:
        """Add samples [shape=(n,)] at the end.

        Raises
        ------
        OSError
            If the disk is full; then none of them count.
        """
        data = samples.astype(SAMPLE, copy=False).tobytes()
        with self._lock:
            self._file.seek(self._n_samples * SAMPLE.itemsize)
            self._file.write(data)
            self._file.flush()
            self._n_samples += len(samples)

    def read(self, start: int, end: int) -> npt.NDArray[np.int16]:
        """Return what there is of the samples ``[start, end)``, 0 <= start, as shape (n,)."""
        with self._lock:
            n_bytes = max(0, min(end, self._n_samples) - start) * SAMPLE.itemsize
            self._file.seek(start * SAMPLE.itemsize)
            return np.frombuffer(self._file.read(n_bytes), SAMPLE)

    def close(self) -> None:
        """Remove the file; a second time does nothing."""
        with self._lock:
            self._file.close()
