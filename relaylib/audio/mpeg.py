"""Headers of bare MPEG audio, MP3 and ADTS AAC: enough to know it and to see what it says of its length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["MpegFrame", "find_mpeg_audio", "has_length_tag"]

# kbit/s by (MPEG-1?, layer); index 0 is free format, 15 is forbidden
_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_RATE_DIVISOR = {3: 1, 2: 2, 0: 4}  # MPEG 1, 2, 2.5


@dataclass(frozen=True, slots=True)
class MpegFrame:
    """One frame header: which stream it belongs to (`family`, equal in all its frames) and its length."""

    container: Literal["mp3", "aac"]
    family: tuple[int, ...]
    n_bytes: int
    layer: int
    side_bytes: int


def find_mpeg_audio(head: bytes, *, at_end: bool) -> Literal["mp3", "aac"] | None:
    """Return which bare MPEG audio `head` holds, if any.

    A stream that starts at the first byte needs two frames in a row (or one that fills the file, where
    `at_end` says that `head` is all there is); one behind junk needs four, which chance does not bring.
    """
    first = _frame(head, 0)
    if first is not None and (_chain(head, 0, 2) or (at_end and first.n_bytes >= len(head))):
        return first.container
    start = head.find(b"\xff", 1)
    while start != -1:
        if _chain(head, start, 4):
            frame = _frame(head, start)
            return frame.container if frame else None
        start = head.find(b"\xff", start + 1)
    return None


def has_length_tag(head: bytes) -> bool:
    """Say whether an MP3 stream, which starts near the head of `head`, counts its frames in a Xing, Info or VBRI tag."""
    start = head.find(b"\xff")
    while start != -1:
        frame = _frame(head, start)
        if frame is not None and frame.container == "mp3" and (_chain(head, start, 2) or start == 0):
            tag = start + 4 + frame.side_bytes
            if head[tag : tag + 4] in (b"Xing", b"Info"):
                return bool(head[tag + 7 : tag + 8] and head[tag + 7] & 1)
            return head[start + 36 : start + 40] == b"VBRI"
        start = head.find(b"\xff", start + 1)
    return False


def _chain(head: bytes, start: int, n_frames: int) -> bool:
    family = None
    for _ in range(n_frames):
        frame = _frame(head, start)
        if frame is None or (family is not None and frame.family != family):
            return False
        family = frame.family
        start += frame.n_bytes
    return True


def _frame(data: bytes, at: int) -> MpegFrame | None:
    b = data[at : at + 7]
    if len(b) < 7 or b[0] != 0xFF or b[1] & 0xE0 != 0xE0:
        return None
    if b[1] & 0xF6 == 0xF0:
        return _adts_frame(b)
    version, layer = b[1] >> 3 & 3, 4 - (b[1] >> 1 & 3)
    bitrate, rate, padding = b[2] >> 4, b[2] >> 2 & 3, b[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    mpeg1, mono = version == 3, b[3] >> 6 == 3
    hz, bits = _RATES[rate] // _RATE_DIVISOR[version], 1000 * _BITRATES[mpeg1, layer][bitrate]
    if layer == 1:
        n_bytes = (12 * bits // hz + padding) * 4
    else:
        n_bytes = (144 if mpeg1 or layer == 2 else 72) * bits // hz + padding
    side_bytes = (17 if mono else 32) if mpeg1 else (9 if mono else 17)
    return MpegFrame("mp3", (version, layer, rate), n_bytes, layer, side_bytes)


def _adts_frame(b: bytes) -> MpegFrame | None:
    rate, n_bytes = b[2] >> 2 & 15, (b[3] & 3) << 11 | b[4] << 3 | b[5] >> 5
    if rate > 12 or n_bytes < 7:
        return None
    return MpegFrame("aac", (b[1], b[2] & 0xFC), n_bytes, 0, 0)
