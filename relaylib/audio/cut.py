"""Files that end before their container says they do.

A download or a recorder that broke off leaves such a file. Decoded as it stands it would be a shorter
recording, silently; each check here reads a few headers and says what is missing.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

from relaylib.audio.sniff import Container

__all__ = ["RiffData", "find_cut", "read_riff"]

_SLIP_MS = 20  # a writer's arithmetic slip, not a cut
_OGG_TAIL_BYTES = 1 << 17  # two pages of the largest size


@dataclass(frozen=True, slots=True)
class RiffData:
    """Where the samples of a WAV or AIFF file lie: bytes declared, bytes there, and bytes per second."""

    n_declared: int
    n_there: int
    byte_rate: int

    @property
    def open_ended(self) -> bool:
        """Whether the length is the placeholder of a writer that could not go back to fill it in."""
        return self.n_declared == 0 or self.n_declared >= 0x7FFF0000


def find_cut(path: str | os.PathLike[str], container: Container) -> str | None:
    """Return what is missing at the end of the file, as words for an error; None where nothing is.

    MP3 and bare AAC declare no length in front, FLAC is checked by its decoder.
    """
    n_bytes = os.path.getsize(path)
    with open(path, "rb") as file:
        if container in ("wav", "aiff"):
            return _riff_cut(read_riff(file, n_bytes))
        if container == "mp4":
            return _mp4_cut(file, n_bytes)
        if container == "webm":
            return _webm_cut(file, n_bytes)
        if container == "ogg":
            return _ogg_cut(file, n_bytes)
    return None


def read_riff(file: BinaryIO, n_bytes: int) -> RiffData | None:
    """Walk the chunks up to the samples; None if there are none, or no format before them."""
    form = file.read(12)
    order = "<" if form[:4] in (b"RIFF", b"RF64") else ">"
    long_size = byte_rate = 0
    while len(header := file.read(8)) == 8:
        name, size = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        start = file.tell()
        if name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"fmt ":
            fmt = file.read(16)
            if len(fmt) == 16:
                byte_rate = struct.unpack(f"{order}I", fmt[4:8])[0] * struct.unpack(f"{order}H", fmt[12:14])[0]
        elif name == b"COMM":
            byte_rate = _aiff_byte_rate(file.read(18))
        elif name in (b"data", b"SSND"):
            if form[:4] == b"RF64" and size == 0xFFFFFFFF:
                size = long_size
            there = n_bytes - start
            if size == 0 and _is_chunk(file.read(8), order, there):
                there = 0  # no samples, rather than a length that was never filled in
            return RiffData(size, there, byte_rate)
        file.seek(start + size + size % 2)
    return None


def _is_chunk(header: bytes, order: str, there: int) -> bool:
    if len(header) < 8:
        return False
    return all(32 <= b < 127 for b in header[:4]) and struct.unpack(f"{order}I", header[4:])[0] <= there - 8


def _aiff_byte_rate(common: bytes) -> int:
    if len(common) < 18:
        return 0
    channels, _, bits, exponent, mantissa = struct.unpack(">hLhHQ", common)
    shift = 16383 + 63 - (exponent & 0x7FFF)
    rate = mantissa >> shift if 0 <= shift < 64 else 0  # an 80-bit float
    return max(0, channels) * -(-bits // 8) * rate


def _riff_cut(data: RiffData | None) -> str | None:
    if data is None or data.open_ended or data.byte_rate == 0:
        return None
    missing = data.n_declared - data.n_there
    if missing * 1000 <= _SLIP_MS * data.byte_rate:
        return None
    said, there = (1000 * n // data.byte_rate for n in (data.n_declared, data.n_there))
    return f"its header says {said} ms of audio and the file ends after {there} ms"


def _mp4_cut(file: BinaryIO, n_bytes: int) -> str | None:
    at, names = 0, set()
    while len(header := file.read(16)) >= 8:
        size, name = int.from_bytes(header[:4], "big"), header[4:8]
        if size == 1 and len(header) == 16:
            size = int.from_bytes(header[8:], "big")
        if size == 0:
            size = n_bytes - at  # the last box may reach to the end of the file
        if name in (b"mdat", b"moov", b"moof") and at + size > n_bytes:
            missing = at + size - n_bytes
            return f"its {name.decode()!r} box is to go on for {missing} bytes past the end of the file"
        names.add(name)
        if size < 8:
            break
        at += size
        file.seek(at)
    if b"moov" not in names:
        return "it has no 'moov' box, the index that is written last"
    return None


def _webm_cut(file: BinaryIO, n_bytes: int) -> str | None:
    for _ in range(8):  # the EBML header, perhaps padding, then the segment
        name, _ = _ebml_number(file, keep_marker=True)
        size, unknown = _ebml_number(file, keep_marker=False)
        if name is None or size is None:
            return None
        start = file.tell()
        if name == 0x18538067:
            missing = start + size - n_bytes
            if unknown or missing <= 0:
                return None
            return f"its segment is to go on for {missing} bytes past the end of the file"
        file.seek(start + size)
    return None


def _ebml_number(file: BinaryIO, *, keep_marker: bool) -> tuple[int | None, bool]:
    """Read a variable-length number; also say whether all its bits are set, which stands for "unknown"."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None, False
    n_bytes = 9 - first[0].bit_length()
    rest = file.read(n_bytes - 1)
    if len(rest) < n_bytes - 1:
        return None, False
    value = int.from_bytes(first + rest, "big")
    bare = value & ((1 << 7 * n_bytes) - 1)
    return (value if keep_marker else bare), bare == (1 << 7 * n_bytes) - 1


def _ogg_cut(file: BinaryIO, n_bytes: int) -> str | None:
    """Check that the last page is whole. An absent end mark is no sign: recorders of live streams leave it out."""
    file.seek(max(0, n_bytes - _OGG_TAIL_BYTES))
    tail = file.read()
    at = tail.rfind(b"OggS\0")
    if at == -1:
        return None
    page = tail[at:]
    lacing = page[27 : 27 + page[26]] if len(page) > 26 else b""
    whole = 27 + len(lacing) + sum(lacing)
    if len(page) <= 26 or len(lacing) < page[26] or len(page) < whole:
        return "its last page is incomplete"
    return None
