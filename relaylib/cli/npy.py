"""An array file written row by row, so that an hour of audio takes no more memory than a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from relaylib.models import Encoder

__all__ = ["write_embeddings"]


def write_embeddings(target: Path, source: Path, encoder: Encoder) -> tuple[int, int]:
    """Write the embeddings [shape=(n_frames, dim), float32] of the audio at `source` to `target`, whole or not at all.

    Returns
    -------
    n_frames, duration_ms : int
    """
    from relaylib.files import replacing
    from relaylib.models import embed_stream
    from relaylib.models.recording import Recording

    recording = Recording(source)
    n_frames = 0
    with replacing(target) as part, part.open("wb") as file:
        _write_header(file, 0, encoder.dim)
        for rows in embed_stream(recording, encoder):
            file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
            n_frames += len(rows)
        file.seek(0)
        _write_header(file, n_frames, encoder.dim)
    return n_frames, recording.duration_ms


def _write_header(file: BinaryIO, n_rows: int, dim: int) -> None:
    """Write the header; numpy pads it such that its length is the same for any number of rows."""
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (n_rows, dim)})
