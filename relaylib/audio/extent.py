"""Whether a file is as long as its container says: a file cut short is told before anything is decoded."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import BinaryIO

from relaylib.audio.source import cut

__all__ = ["check_extent", "reaches_past_tag"]

_SLACK_BYTES = 1024
_TAG_BYTES = 256  # an ID3v1 tag that was counted and taken off since
_OGG_PAGE = 65_307  # the longest there is
_ADTS_FRAME = 8191  # likewise
_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067


def check_extent(path: Path, file: BinaryIO) -> None:
    """Refuse a file that ends before its container says, and rewind it.

    MP4 boxes, the WebM segment, the last Ogg page, the AIFF form, the frames of AAC and the Xing, Info or VBRI tag of
    an MP3 carry lengths. WebM and MP4 that say "to the end" are believed, and an Ogg stream may lack its last page. MP3
    without a tag cannot tell.

    Raises
    ------
    AudioDecodeError
        If the file was cut.
    """
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(16).ljust(16, b"\0")
    needs = 0
    if head[4:8] in (b"ftyp", b"styp"):
        needs = _mp4_end(file, end)
    elif head.startswith(b"\x1a\x45\xdf\xa3"):
        needs = _webm_end(file, end)
    elif head.startswith(b"OggS"):
        needs = _ogg_end(file, end)
    elif head.startswith(b"FORM"):
        needs = struct.unpack(">I", head[4:8])[0] + 8 - _SLACK_BYTES
    elif head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        needs = _adts_end(file, end)
    elif head.startswith(b"ID3") or (head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        needs = _mp3_frames(file)[1] - _TAG_BYTES
    file.seek(0)
    if needs > end:
        raise cut(path, f"its container reaches to byte {needs}, it has {end}")


def reaches_past_tag(file: BinaryIO) -> bool:
    """Whether an MP3 goes on for more than a 16th beyond what its tag counts; the position in `file` stays.

    Of one that several were joined to, FFmpeg then takes the delay from the tag, and guesses the length.
    """
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    start, end = _mp3_frames(file)
    file.seek(at)
    return end > 0 and 16 * (size - end) > end - start


def _mp4_end(file: BinaryIO, end: int) -> int:
    """Return where the last box ends; one of size 0 reaches to the end of the file."""
    at = 0
    while at < end:
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break  # a few bytes of padding
        size = struct.unpack(">I", head[:4])[0]
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:])[0]
        if size < 8:
            return end
        at += size
    return at


def _webm_end(file: BinaryIO, end: int) -> int:
    """Return where the segment ends, 0 if it does not say."""
    file.seek(0)
    for wanted in (_EBML_HEADER, _SEGMENT):
        name, _ = _vint(file, keep_marker=True)
        size, n_bytes = _vint(file, keep_marker=False)
        if name != wanted or size == (1 << 7 * n_bytes) - 1:
            return 0
        if wanted == _EBML_HEADER:
            if size > end:
                return file.tell() + size  # may be more than a seek can take
            file.seek(size, io.SEEK_CUR)
    return file.tell() + size


def _vint(file: BinaryIO, *, keep_marker: bool) -> tuple[int, int]:
    """Read a number of variable length: the zeros before its first 1 tell how many bytes follow."""
    first = file.read(1)
    if not first or not first[0]:
        return 0, 1
    n_bytes = 9 - first[0].bit_length()
    value = first[0] if keep_marker else first[0] & (0xFF >> n_bytes)
    for byte in file.read(n_bytes - 1):
        value = value << 8 | byte
    return value, n_bytes


def _ogg_end(file: BinaryIO, end: int) -> int:
    """Return where the last page ends, or beyond the end if other bytes follow a page that is not the stream's last.

    Such bytes stand where pages were, as in a download that was never filled in. A live recording may lack the mark of
    its last page, but ends with a page.
    """
    start = file.seek(max(0, end - 2 * _OGG_PAGE))
    tail = file.read()
    at = tail.rfind(b"OggS\x00")
    if at < 0:
        return 0
    if len(tail) < at + 27 or len(tail) < at + 27 + tail[at + 26]:
        return end + 1
    n_segments = tail[at + 26]
    page_end = start + at + 27 + n_segments + sum(tail[at + 27 : at + 27 + n_segments])
    is_last = bool(tail[at + 5] & 4)
    return end + 1 if page_end < end and not is_last else page_end


def _adts_end(file: BinaryIO, end: int) -> int:
    """Return where the last AAC frame ends, 0 if other bytes follow the frames."""
    start = file.seek(max(0, end - 4 * _ADTS_FRAME))
    tail = file.read()
    first = 0
    while (first := tail.find(b"\xff", first)) >= 0:
        at, n_frames = first, 0
        while len(tail) >= at + 6 and tail[at] == 0xFF and tail[at + 1] & 0xF6 == 0xF0:
            at += max(7, (tail[at + 3] & 3) << 11 | tail[at + 4] << 3 | tail[at + 5] >> 5)
            n_frames += 1
        if n_frames > 2:  # in step with the frames, not with bytes that look like one
            return start + at
        first += 1
    return 0


def _mp3_frames(file: BinaryIO) -> tuple[int, int]:
    """Return where the frames begin, and where they end by the tag in the first of them, 0 without such a tag."""
    file.seek(0)
    head = file.read(10)
    at = 0
    if head.startswith(b"ID3") and len(head) == 10:
        at = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        at += 10 if head[5] & 0x10 else 0  # a footer
    file.seek(at)
    frame = file.read(256)
    for mark in (b"Xing", b"Info"):
        place = frame.find(mark, 4, 48)
        if place >= 0 and len(frame) >= place + 16:
            flags = struct.unpack(">I", frame[place + 4 : place + 8])[0]
            if not flags & 2:
                return at, 0
            field = place + 8 + (4 if flags & 1 else 0)
            return at, at + int(struct.unpack(">I", frame[field : field + 4])[0])
    place = frame.find(b"VBRI", 36, 40)
    if place >= 0 and len(frame) >= place + 14:
        return at, at + int(struct.unpack(">I", frame[place + 10 : place + 14])[0])
    return at, 0
