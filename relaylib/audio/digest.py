"""What a cache is keyed by: the bytes of a file."""

from __future__ import annotations

import hashlib
import os
import stat

from relaylib.errors import AudioDecodeError

__all__ = ["content_digest"]

_CHUNK_BYTES = 1 << 20


def content_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of the file's bytes in hex, read in pieces of 1 MiB.

    Together with :data:`relaylib.audio.DECODER_VERSION` it names the samples that :func:`relaylib.audio.load` gives.

    Raises
    ------
    AudioDecodeError
        If the file is absent, not a regular file (a device never ends), or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise AudioDecodeError(f"{os.fspath(path)}: is no regular file; copy the audio to one.")
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except AudioDecodeError:
        raise
    except (OSError, ValueError) as exc:  # ValueError: a null byte in the path
        raise AudioDecodeError(
            f"{os.fspath(path)}: cannot be read: {getattr(exc, 'strerror', exc)}; check the path."
        ) from exc
    return digest.hexdigest()
