"""An array file written row by row, so that an hour of audio takes no more memory than a minute."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from relaylib.models import Encoder

__all__ = ["write_embeddings"]


def write_embeddings(target: Path, source: Path, encoder: Encoder) -> tuple[int, int]:
    """Write the embeddings [shape=(n_frames, dim), float32] of the audio at `source` to `target`, whole or not at all.

    Returns
    -------
    n_frames, duration_ms : int
    """
    from relaylib.audio import stream
    from relaylib.models import embed_stream
    from relaylib.types import samples_to_ms

    n_samples = 0

    def counted() -> Iterator[npt.NDArray[np.float32]]:
        nonlocal n_samples
        for block in stream(source):
            n_samples += len(block)
            yield block

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{secrets.token_hex(6)}.part"
    n_frames = 0
    try:
        with part.open("wb") as file:
            _write_header(file, 0, encoder.dim)
            for rows in embed_stream(counted(), encoder):
                file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
                n_frames += len(rows)
            file.seek(0)
            _write_header(file, n_frames, encoder.dim)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return n_frames, samples_to_ms(n_samples)


def _write_header(file: BinaryIO, n_rows: int, dim: int) -> None:
    """Write the header; numpy pads it such that its length is the same for any number of rows."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (n_rows, dim)})
