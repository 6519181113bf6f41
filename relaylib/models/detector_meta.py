"""What the file of a detector says about itself, readable without its weights and without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from relaylib.errors import ModelFormatError
from relaylib.models.config import HEADS
from relaylib.types import SAMPLE_RATE
from relaylib.version import __version__

__all__ = ["KEY", "DetectorMeta", "EncoderMeta", "PointMeta", "metadata_of"]

FORMAT = 1
"""Version of the file's layout; a library reads its own and earlier ones."""

KEY = "relaylib"
"""Under which the header of the file holds the metadata, as JSON."""


class EncoderMeta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which encoder the head belongs to, and in which precision, if it has a choice, it made the golden scores."""

    name: str
    layer: int | Literal["mix"] | None
    fingerprint: str
    dim: int
    n_layers: int
    hop: int
    precision: str | None = None


class PointMeta(msgspec.Struct, frozen=True, omit_defaults=True):
    """Operating point of one type, see :class:`relaylib.models.operating_point.OperatingPoint`."""

    logit: float
    min_frames: int
    reach: int
    half_step: int = 0
    temperature: float = 1.0
    trained: float | None = None


class DetectorMeta(msgspec.Struct, frozen=True, kw_only=True):
    """All of a detector but its weights; `checksum` covers those, too, and is filled in when they are written."""

    artifact_types: list[str]
    encoder: EncoderMeta
    head: str
    n_members: int
    points: list[PointMeta]
    decoding: dict[str, Any]
    metrics: dict[str, Any]
    train_config: dict[str, Any]
    sample_rate: int = 16_000
    resampler: str = "soxr HQ"
    format: int = FORMAT
    library_version: str = __version__
    checksum: str = ""


def metadata_of(path: Path, data: bytes) -> DetectorMeta:
    """Return the checked metadata from the header of a file: 8 bytes of length, then JSON.

    Raises
    ------
    ModelFormatError
        If it is not a detector, damaged, of a later format, or breaks its own rules.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise ModelFormatError(f"{path} is not a .safetensors file, or was cut off; copy or train it again.")
    try:
        header = msgspec.json.decode(data[8 : 8 + length])
        text = header["__metadata__"][KEY]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, RecursionError) as exc:
        raise ModelFormatError(
            f"{path} is not a detector of relaylib: its header has no {KEY!r} metadata. "
            "If it is an encoder's checkpoint, name its folder as the encoder instead."
        ) from exc
    try:
        if msgspec.json.decode(text, type=dict).get("format", 0) > FORMAT:
            raise ModelFormatError(f"{path} was written by a later relaylib; upgrade to read it.")
        meta = msgspec.json.decode(text, type=DetectorMeta)
    except (msgspec.DecodeError, TypeError, RecursionError) as exc:
        raise ModelFormatError(f"{path}: its metadata is damaged: {exc}.") from exc
    _check_meta(path, meta)
    return meta


def _check_meta(path: Path, meta: DetectorMeta) -> None:
    encoder = meta.encoder
    rules = {
        "1 to 1000 artifact types": 1 <= len(meta.artifact_types) <= 1000,
        "names of 1 to 100 characters": all(1 <= len(name) <= 100 for name in meta.artifact_types),
        "artifact types that differ": len(set(meta.artifact_types)) == len(meta.artifact_types),
        "a point for each type": len(meta.points) == len(meta.artifact_types),
        "1 to 100 members": 1 <= meta.n_members <= 100,
        "points in range": all(
            abs(p.logit) < 100
            and abs(p.trained or 0.0) < 100
            and 1 <= p.min_frames <= 10_000
            and 0 <= p.reach <= 100
            and 0 <= p.half_step <= 10_000
            and 0 < p.temperature < 100
            for p in meta.points
        ),
        f"a head of {', '.join(HEADS)}": meta.head in HEADS,
        "dim a multiple of n_layers": 1 <= encoder.n_layers <= 1000 and encoder.dim % encoder.n_layers == 0,
        "dim in 1..1000000": 1 <= encoder.dim <= 1_000_000,
        f"a sample rate of {SAMPLE_RATE} Hz": meta.sample_rate == SAMPLE_RATE,
        f"a format of 1..{FORMAT}": 1 <= meta.format <= FORMAT,
    }
    broken = [rule for rule, kept in rules.items() if not kept]
    if broken:
        raise ModelFormatError(f"{path}: its metadata breaks its rules: need {'; '.join(broken)}.")
