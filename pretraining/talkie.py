"""Lines of an adventure game, out of the one file that ScummVM reads them from."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["unpack"]

_MAGIC = b"QTBL"
_HEADER, _ENTRY = struct.Struct(">4s6sBBBH"), struct.Struct(">12sBII")


def unpack(archive: Path, folder: Path) -> list[Path]:
    """Write the lines in `archive` (``queen.1c``, MP3) to `folder`, a file each; return their paths, by name.

    Raises
    ------
    ValueError
        If it is not such an archive.
    """
    data = archive.read_bytes()
    magic, *_, n_entries = _HEADER.unpack_from(data) if len(data) >= _HEADER.size else (b"", 0)
    if magic != _MAGIC:
        raise ValueError(f"{archive} is not an archive of this game: it does not begin with {_MAGIC.decode()}.")
    paths = []
    for number in range(n_entries):
        name, _, start, size = _ENTRY.unpack_from(data, _HEADER.size + number * _ENTRY.size)
        stem, _, ending = name.partition(b"\0")[0].decode("ascii").partition(".")
        if ending == "SB":
            path = folder / f"{stem}.mp3"
            path.write_bytes(data[start : start + size])
            paths.append(path)
    return sorted(paths)
