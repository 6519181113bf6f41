"""What a file is, told from its first bytes; its extension has no say."""

from __future__ import annotations

import os
import stat
from typing import Literal, cast

from relaylib.audio.mpeg import find_mpeg_audio
from relaylib.errors import AudioDecodeError

__all__ = ["Container", "sniff"]

Container = Literal["wav", "aiff", "flac", "mp3", "aac", "ogg", "mp4", "webm"]

_HEAD_BYTES = 1 << 16
_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"styp", b"sidx")


def sniff(path: str | os.PathLike[str]) -> Container:
    """Return the container of an audio file.

    Raises
    ------
    AudioDecodeError
        If the path is absent, not a regular file, unreadable or empty, or its content is no audio that
        relaylib knows.
    """
    name = os.path.basename(os.fspath(path))
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioDecodeError(f"{name}: is a folder; give the files in it, see relaylib.audio.find_audio.")
        if not stat.S_ISREG(mode):
            raise AudioDecodeError(f"{name}: is not a regular file; copy the audio to one.")
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
            tag_bytes = _id3_bytes(head)
            if tag_bytes:
                file.seek(tag_bytes)
                head = file.read(_HEAD_BYTES)
    except FileNotFoundError as exc:
        raise AudioDecodeError(f"{name}: no such file; check the path.") from exc
    except (OSError, ValueError) as exc:
        raise AudioDecodeError(f"{name}: cannot be read ({exc}); check the path and its permissions.") from exc
    if not head:
        state = "holds a tag and nothing else" if tag_bytes else "is empty (0 bytes)"
        raise AudioDecodeError(f"{name}: {state}; record or copy it again.")
    container = _by_signature(head) or find_mpeg_audio(head, at_end=len(head) < _HEAD_BYTES)
    if container is None:
        raise AudioDecodeError(
            f"{name}: is not audio that relaylib reads (it begins with {_excerpt(head)}); "
            "need WAV, AIFF, FLAC, MP3, AAC, Ogg, MP4/M4A or WebM."
        )
    return cast(Container, container)


def _by_signature(head: bytes) -> Container | None:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "webm"
    if head[4:8] in _MP4_FIRST_BOXES:
        return "mp4"
    return None


def _id3_bytes(head: bytes) -> int:
    """Return the length of an ID3v2 tag in front, which any player skips; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10 or max(head[6:10]) > 127:
        return 0
    n_bytes = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + n_bytes + (10 if head[5] & 0x10 else 0)


def _excerpt(head: bytes) -> str:
    text = head[:24]
    if all(32 <= byte < 127 or byte in (9, 10, 13) for byte in text):
        return f"the text {text.decode('ascii')!r}"
    return f"the bytes {head[:8].hex(' ')}"
