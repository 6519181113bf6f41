"""One recording's embeddings on disk: a ``.npy`` file, beside it a ``.json`` file, and how they come to be.

While it is written an entry is two other files, ``.partial`` (the ``.npy`` file to be) and ``.journal`` (after each
piece, how many rows there are and the CRC-32 of their bytes so far). What a killed run leaves is taken up again as far
as the journal vouches for it.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from relaylib.files import utf8
from relaylib.models.embedding import embed_stream
from relaylib.models.encoder import Encoder
from relaylib.models.recording import AudioSource, Recording
from relaylib.types import Frames, samples_to_ms

__all__ = ["Entry"]

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20


class _Float16Overflow(Exception):
    """A value does not fit into float16."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The files of one entry: `stem` plus a suffix each."""

    stem: Path

    @property
    def array(self) -> Path:
        """The embeddings."""
        return self.stem.with_suffix(".npy")

    @property
    def sidecar(self) -> Path:
        """What dates them; written last, so an entry without it is none."""
        return self.stem.with_suffix(".json")

    @property
    def partial(self) -> Path:
        """The embeddings so far."""
        return self.stem.with_suffix(".partial")

    @property
    def journal(self) -> Path:
        """What of the partial file is sound."""
        return self.stem.with_suffix(".journal")

    @property
    def lock(self) -> Path:
        """Held by who writes or deletes the entry."""
        return self.stem.with_suffix(".lock")

    def read(self, *, verify: bool) -> Frames | None:
        """Return the embeddings, mapped into memory, or None if they are absent or damaged (then logged).

        With `verify` their bytes are compared with the CRC-32 in the sidecar.
        """
        try:
            about = json.loads(self.sidecar.read_text("utf-8"))
            shape, dtype = (int(about["n_frames"]), int(about["dim"])), np.dtype(about["dtype"])
            if verify and not self._intact(shape[0] * shape[1] * dtype.itemsize, about["crc32"]):
                raise ValueError("its bytes have changed")
            rows = self._mapped()
            if rows.shape != shape or rows.dtype != dtype:
                raise ValueError(f"it holds {rows.dtype} of shape {rows.shape}, not {dtype} of {shape}")
            return Frames(rows, duration_ms=int(about["duration_ms"]), hop_ms=int(about["hop_ms"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as exc:
            _log.warning("cached embeddings %s are damaged and will be computed again: %s", self.array, exc)
            return None

    def write(self, source: AudioSource, encoder: Encoder) -> None:
        """Compute the embeddings of `source` and store them, taking up what an interrupted run left.

        As float16, or as float32 if a value does not fit. What a failure of the audio or the encoder leaves is
        removed; what a killed process leaves is kept.
        """
        try:
            try:
                self._write(source, encoder, np.dtype("<f2"))
            except _Float16Overflow:
                self._discard()
                self._write(source, encoder, np.dtype("<f4"))
        except Exception:
            self._discard()
            raise

    def remove(self) -> None:
        """Delete the entry's files."""
        for path in (self.sidecar, self.array):
            path.unlink(missing_ok=True)
        self._discard()

    def size_bytes(self) -> int:
        """Size of all its files."""
        total = 0
        for path in (self.array, self.sidecar, self.partial, self.journal):
            with contextlib.suppress(FileNotFoundError):
                total += path.stat().st_size
        return total

    def _discard(self) -> None:
        for path in (self.journal, self.partial):
            path.unlink(missing_ok=True)

    def _mapped(self) -> npt.NDArray[np.floating]:
        """Return the array, mapped for its holder alone to write to, as torch wants it.

        By torch, which closes the file: NumPy would hold it open, and trainings have more recordings than files may be.
        """
        import torch  # not needed by those who only count and delete entries

        name = os.fspath(self.array)
        with self.array.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
        n_bytes = math.prod(shape) * dtype.itemsize
        if not n_bytes:
            return np.zeros(shape, dtype)  # nothing cannot be mapped
        if utf8(name) != name:  # torch opens no file by a name that is no text
            return np.load(self.array, mmap_mode="c", allow_pickle=False)
        file_bytes = torch.from_file(name, shared=False, size=start + n_bytes, dtype=torch.uint8).numpy()
        return file_bytes[start:].view(dtype).reshape(shape)

    def _intact(self, n_bytes: int, crc: int) -> bool:
        with self.array.open("rb") as file:
            file.seek(-n_bytes, os.SEEK_END)
            return _crc(file, n_bytes) == crc

    def _write(self, source: AudioSource, encoder: Encoder, dtype: np.dtype[np.floating]) -> None:
        head = _header(0, encoder.dim, dtype)
        n_rows, crc = self._sound(head, encoder.dim * dtype.itemsize)
        recording = Recording(source)
        with (
            self.partial.open("r+b" if n_rows else "w+b") as file,
            self.journal.open("a" if n_rows else "w") as journal,
        ):
            if not n_rows:
                file.write(head)
            file.seek(len(head) + n_rows * encoder.dim * dtype.itemsize)
            file.truncate()
            for rows in _rounded(embed_stream(recording, encoder, skip=n_rows), dtype):
                data = rows.tobytes()
                file.write(data)
                file.flush()
                n_rows, crc = n_rows + len(rows), zlib.crc32(data, crc)
                journal.write(f"{n_rows} {crc}\n")
                journal.flush()
            file.seek(0)
            file.write(_header(n_rows, encoder.dim, dtype))
            file.flush()
            os.fsync(file.fileno())
        self._publish(
            {
                "encoder": encoder.name,
                "fingerprint": encoder.fingerprint,
                "n_frames": n_rows,
                "dim": encoder.dim,
                "dtype": dtype.str,
                "hop": encoder.hop,
                "hop_ms": samples_to_ms(encoder.hop),
                "duration_ms": recording.duration_ms,
                "crc32": crc,
            }
        )

    def _publish(self, about: dict[str, str | int]) -> None:
        """Turn the partial files into the entry; the sidecar comes last and makes it one."""
        self.journal.write_text(json.dumps(about, indent=1) + "\n", "utf-8")
        self.sidecar.unlink(missing_ok=True)  # of a damaged entry, so that it never vouches for the new array
        self.partial.replace(self.array)
        self.journal.replace(self.sidecar)

    def _sound(self, head: bytes, row_bytes: int) -> tuple[int, int]:
        """Return the rows of the partial file that the journal vouches for, and their CRC-32."""
        sound = (0, 0)
        try:
            lines = self.journal.read_text("ascii").splitlines()
            with self.partial.open("rb") as file:
                if file.read(len(head)) != head:
                    return sound
                for line in lines:
                    n_rows, crc = map(int, line.split())
                    if _crc(file, (n_rows - sound[0]) * row_bytes, sound[1]) != crc:
                        break
                    sound = (n_rows, crc)
        except (OSError, ValueError):
            return sound  # absent, or a line cut short
        return sound


def _crc(file: BinaryIO, n_bytes: int, crc: int = 0) -> int | None:
    """Return the CRC-32 of the next `n_bytes`, continued from `crc`; None if there are fewer."""
    while n_bytes > 0:
        data = file.read(min(n_bytes, _CHUNK))
        if not data:
            return None
        crc = zlib.crc32(data, crc)
        n_bytes -= len(data)
    return crc


def _header(n_rows: int, dim: int, dtype: np.dtype[np.floating]) -> bytes:
    """Return the head of a ``.npy`` file; numpy pads it so that its length does not depend on `n_rows`."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": dtype.str, "fortran_order": False, "shape": (n_rows, dim)})
    return head.getvalue()


def _rounded(
    pieces: Iterator[npt.NDArray[np.float32]], dtype: np.dtype[np.floating]
) -> Iterator[npt.NDArray[np.floating]]:
    for piece in pieces:
        with np.errstate(over="ignore"):
            rows = piece.astype(dtype)
        if not np.isfinite(rows).all():
            raise _Float16Overflow
        yield rows
