"""What a file is called and said to be when it is sent."""

from __future__ import annotations

import mimetypes
import os
import unicodedata
from pathlib import PurePath

__all__ = ["content_type_of", "sent_name"]

_CONTENT_TYPES = {
    ".wav": "audio/wav",
    ".wave": "audio/wav",
    ".mp3": "audio/mpeg",
    ".mp4": "audio/mp4",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".webm": "audio/webm",
    ".aac": "audio/aac",
}


def sent_name(path: str | os.PathLike[str]) -> str:
    """Return the name under which a file is sent: without its folders, in composed letters (NFC).

    Bytes of a name that are not UTF-8 become replacement characters, since JSON could not hold them.
    """
    name = PurePath(os.fspath(path)).name
    return unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def content_type_of(path: str | os.PathLike[str]) -> str:
    """Return the MIME type that the ending of a file stands for.

    Those of the API's documented formats are known here; any other is the system's, for the server to judge.

    Examples
    --------
    >>> content_type_of("take-1.OPUS")
    'audio/ogg'
    """
    name = PurePath(os.fspath(path)).name
    known = _CONTENT_TYPES.get(PurePath(name).suffix.lower())
    return known or mimetypes.guess_type(name)[0] or "application/octet-stream"
