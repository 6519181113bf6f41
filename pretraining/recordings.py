"""People's speech that ships in Debian packages, unpacked but not installed."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from talkie import unpack

from relaylib import audio
from relaylib.errors import RelayError
from relaylib.types import SAMPLE_RATE

__all__ = ["PACKAGES", "speakers"]

FloatArray = npt.NDArray[np.float32]

PACKAGES = {
    "asterisk": (
        *(f"asterisk-core-sounds-{language}-g722" for language in ("en", "es", "fr", "it", "ru")),
        "asterisk-prompt-it-menardi-wav",
    ),
    "fillets": ("fillets-ng-data-cs", "fillets-ng-data-nl"),
    "ktuberling": ("ktuberling-data",),
    "tuxpaint": ("tuxpaint-stamps-default",),
    "queen": ("flight-of-the-amazon-queen",),
}
"""Source -> packages."""

_ENDINGS = (".ogg", ".wav", ".g722", ".mp3")
_LOST_S, _FADE_S = 0.15, 0.02
"""Head of a line that was cut out of an MP3 stream: it clicks for want of what went before; and how the rest begins."""
_LEAST = 4_000
"""Bytes: shorter files hold a sound, not a word."""
_SHORTEST_S = 0.4
_LINE = re.compile(r"(JOE|\d{3})\w*?([A-Z_0-9])\d+")


def speakers(source: str) -> Iterator[tuple[str, list[FloatArray]]]:
    """Yield a speaker's name and clips [shape=(n,), float32, 16 kHz] for each speaker, or folder, of a source.

    Raises
    ------
    subprocess.CalledProcessError
        If a package can be neither fetched nor unpacked.
    """
    for package in PACKAGES[source]:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True, capture_output=True)
            for archive in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", archive, folder], check=True, capture_output=True)
            for archive in Path(folder).rglob("queen.1c"):
                unpack(archive, Path(folder))
            paths = sorted(p for p in Path(folder).rglob("*") if p.suffix in _ENDINGS and p.stat().st_size > _LEAST)
            for name, own in _by_speaker(source, package, paths).items():
                clips = [clip for clip in map(_clip, own) if len(clip) >= _SHORTEST_S * SAMPLE_RATE]
                if clips:
                    yield name, clips


def _by_speaker(source: str, package: str, paths: list[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = package
        if source == "ktuberling":
            name = path.parent.name  # a language, each spoken by somebody else
            if "@" in name:  # another spelling of the same
                continue
        elif source == "fillets":  # the small and the big fish have an actor each; other sounds are no speech
            mark = next((part for part in path.stem.split("-") if part in ("m", "v")), None)
            if mark is None:
                continue
            name = f"{package}-{mark}"
        elif source == "tuxpaint":  # a language, most of them spoken by one person; English is many people's
            name = path.stem.rpartition("_desc_")[2]
            if not name.isalpha() or "_desc_" not in path.stem:
                continue
        elif source == "queen":  # a dialogue has two voices, of which the hero's lines have a J; scenes have more
            line = _LINE.fullmatch(path.stem)
            if line is None:
                continue
            name = "joe" if "J" in (line[1][0], line[2]) else line[1]
        found.setdefault(name, []).append(path)
    return found


def _clip(path: Path) -> FloatArray:
    """Return a clip, or nothing where it cannot be read."""
    try:
        if path.suffix == ".g722":
            return (_bare(path)[0] / 32768).astype(np.float32)
        return _begun_late(*_bare(path)) if path.suffix == ".mp3" else audio.load(path).samples
    except (RelayError, av.FFmpegError):
        return np.zeros(0, np.float32)


def _bare(path: Path) -> tuple[npt.NDArray[Any], int]:
    """Return what is in a file without a container, whose decoder has to be told, and its rate."""
    with av.open(str(path), format=path.suffix[1:]) as file:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
        return samples, file.streams.audio[0].rate


def _begun_late(samples: FloatArray, rate: int) -> FloatArray:
    """Return a line that was cut out of a stream without the click at its head."""
    samples = audio.resample(samples[int(_LOST_S * rate) :], rate, SAMPLE_RATE)
    fade = np.linspace(0, 1, int(_FADE_S * SAMPLE_RATE), dtype=np.float32) ** 2
    samples[: len(fade)] *= fade[: len(samples)]
    return samples
