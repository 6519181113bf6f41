"""An open audio file, whichever library decodes it, and the words for what is wrong with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relaylib.audio.info import AudioInfo
from relaylib.errors import AudioDecodeError

__all__ = ["Source", "cut", "damaged", "undecodable"]


class Source(ABC):
    """An open audio file: what it says of itself, and its samples once, in order."""

    info: AudioInfo

    @abstractmethod
    def blocks(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield mono blocks [shape=(n,), float32] at the file's own rate."""

    @abstractmethod
    def close(self) -> None:
        """Close the decoder."""


def undecodable(path: Path, reason: str) -> AudioDecodeError:
    """Return the error for a file that is no audio that can be decoded."""
    return AudioDecodeError(
        f"{path}: not audio that can be decoded ({_bare(reason)}); "
        "give WAV, FLAC, MP3, OGG, Opus, M4A, MP4, AAC or WebM."
    )


def damaged(path: Path, at_ms: int, reason: str) -> AudioDecodeError:
    """Return the error for a file whose audio cannot be used from `at_ms` on."""
    return AudioDecodeError(f"{path}: damaged at {at_ms / 1000:.3f} s ({_bare(reason)}); get an intact copy.")


def cut(path: Path, reason: str) -> AudioDecodeError:
    """Return the error for a file that ends too early."""
    return AudioDecodeError(f"{path}: the file breaks off ({_bare(reason)}); get a complete copy.")


def _bare(reason: str) -> str:
    return reason.strip().rstrip(".")
