"""The chunks of a WAV file, and lengths in its header that are not so."""

from __future__ import annotations

import io
import logging
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from relaylib.audio.source import cut
from relaylib.errors import AudioDecodeError

__all__ = ["WavHeader", "mend", "read_header"]

log = logging.getLogger(__name__)

# what writers to pipes put for "not known yet": 0, all ones, and values just below 2 GiB
_OPEN_ENDED = 0x7FFF0000
_UNKNOWN = 0xFFFFFFFF
_LIBSNDFILE_TAGS = frozenset({0x1, 0x2, 0x3, 0x6, 0x7, 0x11, 0x31, 0xFFFE})
_SLACK_BYTES = 1024


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What the chunks of a WAV file say; bytes are counted from the start of the file.

    `data_bytes` is the declared length of the data chunk, `data_start` where it begins, both None without one.
    `tag`, `channels` and `rate` are None without a format chunk.
    """

    byte_order: str
    file_bytes: int
    tag: int | None
    channels: int | None
    rate: int | None
    data_start: int | None
    data_bytes: int | None

    @property
    def readable_by_libsndfile(self) -> bool:
        """Whether the samples are stored in a way that libsndfile knows."""
        return self.tag is None or self.tag in _LIBSNDFILE_TAGS


def read_header(file: BinaryIO) -> WavHeader:
    """Walk the chunks of a RIFF, RIFX or RF64 file up to its data, and rewind."""
    order = ">" if file.read(4) == b"RIFX" else "<"
    file_bytes = file.seek(0, io.SEEK_END)
    tag = channels = rate = data_start = data_bytes = None
    data_bytes_64: int | None = None
    at = 12
    while data_start is None:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        name, size = struct.unpack(f"{order}4sI", head)
        if name == b"data":
            data_start = at + 8
            data_bytes = data_bytes_64 if size == _UNKNOWN and data_bytes_64 is not None else size
        elif name == b"fmt " and len(body := file.read(16)) == 16:
            tag, channels, rate = struct.unpack(f"{order}HHI", body[:8])
        elif name == b"ds64" and len(body := file.read(16)) == 16:
            data_bytes_64 = struct.unpack(f"{order}QQ", body)[1]
        at += 8 + size + size % 2
    file.seek(0)
    return WavHeader(order, file_bytes, tag, channels, rate, data_start, data_bytes)


def mend(path: Path, file: BinaryIO, header: WavHeader) -> BinaryIO:
    """Return `file`, or a view of it in which the data chunk is as long as the data that are there.

    Raises
    ------
    AudioDecodeError
        If the header says 0 Hz or no channel, or more data than the file has, by more than 1 kB.
    """
    if header.rate == 0 or header.channels == 0:
        what = "0 Hz" if header.rate == 0 else "0 channels"
        raise AudioDecodeError(f"{path}: the header says {what}; write the file again with the rate it was made at.")
    if header.data_start is None or header.data_bytes is None:
        return file
    present = header.file_bytes - header.data_start
    declared = header.data_bytes
    if declared == 0 and present and not _chunks_to_the_end(file, header):
        return io.BufferedReader(
            _Patched(file, header.data_start - 4, struct.pack(f"{header.byte_order}I", min(present, _UNKNOWN - 1)))
        )
    if present + _SLACK_BYTES < declared < _OPEN_ENDED or (declared > _UNKNOWN and present < declared):
        raise cut(path, f"its header promises {declared} bytes of audio, {present} are there")
    if 0 < declared < present and not _chunks_to_the_end(file, header):
        log.warning("%s: %d bytes after the audio are no WAV chunks; they are not read.", path, present - declared)
    return file


def _chunks_to_the_end(file: BinaryIO, header: WavHeader) -> bool:
    """Whether what follows the declared data is a row of chunks that ends with the file (or nothing)."""
    assert header.data_start is not None
    assert header.data_bytes is not None
    at = header.data_start + header.data_bytes + header.data_bytes % 2
    while at < header.file_bytes:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
            at = header.file_bytes + 2
            break
        size: int = struct.unpack(f"{header.byte_order}I", head[4:])[0]
        at += 8 + size + size % 2
    file.seek(0)
    return at <= header.file_bytes + 1


class _Patched(io.RawIOBase):
    """A file of which a few bytes read as others."""

    def __init__(self, file: BinaryIO, at: int, patch: bytes) -> None:
        self._file, self._at, self._patch = file, at, patch

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        start = self._file.tell()
        piece = bytearray(self._file.read(len(view)))
        first, last = max(start, self._at), min(start + len(piece), self._at + len(self._patch))
        if first < last:
            piece[first - start : last - start] = self._patch[first - self._at : last - self._at]
        view[: len(piece)] = piece
        return len(piece)
