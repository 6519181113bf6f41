"""How a download is named and typed, for any name that a client may have sent; pure."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["content_disposition", "safe_content_type"]

_TOKEN = r"[0-9A-Za-z!#$&^_.+-]{1,100}"
_CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}(?:; ?{_TOKEN}={_TOKEN})*")
_PLAIN = re.compile(r"[^0-9A-Za-z !#$&+,.()=@\[\]^_`{}~-]")
_LONGEST = 255


def content_disposition(filename: str) -> str:
    r"""Return a header that saves a download as `filename`, without its folders.

    The name is there twice: in ASCII, where other characters become ``_``, and in full.

    References
    ----------
    .. [1] RFC 6266 and RFC 8187.

    Examples
    --------
    >>> content_disposition("voice.wav")
    'attachment; filename="voice.wav"; filename*=UTF-8\'\'voice.wav'
    >>> content_disposition('Stra\u00dfe "1".wav')
    'attachment; filename="Stra_e _1_.wav"; filename*=UTF-8\'\'Stra%C3%9Fe%20%221%22.wav'
    """
    name = re.split(r"[/\\]", filename)[-1]
    name = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "_", name)[-_LONGEST:] or "download"
    return f"attachment; filename=\"{_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"


def safe_content_type(content_type: str) -> str:
    """Return `content_type` if it can be a header, the type of unknown bytes if not."""
    return content_type if _CONTENT_TYPE.fullmatch(content_type) else "application/octet-stream"
