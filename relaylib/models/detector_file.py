"""The file of a saved detector: one ``.safetensors`` with JSON metadata, and nothing that runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from relaylib.errors import ModelFormatError
from relaylib.files import write_atomic
from relaylib.models.detector_meta import KEY, DetectorMeta, metadata_of
from relaylib.models.fingerprint import fingerprint
from relaylib.models.heads import Head
from relaylib.types import SAMPLE_RATE

__all__ = ["SavedDetector", "fill", "read", "write"]

_MOST_BYTES = 1 << 30


@dataclass(frozen=True, slots=True, eq=False)
class SavedDetector:
    """What a file holds: metadata, weights by name, and the golden clip with the scores it should get."""

    meta: DetectorMeta
    weights: dict[str, torch.Tensor]
    golden_clip: npt.NDArray[np.int16]
    golden_scores: npt.NDArray[np.float32]


def write(
    path: Path,
    meta: DetectorMeta,
    weights: dict[str, torch.Tensor],
    clip: npt.NDArray[np.int16],
    scores: npt.NDArray[np.float32],
) -> Path:
    """Write a detector's file: first beside its place, then moved there in one step."""
    tensors = {f"head.{name}": tensor.detach().contiguous() for name, tensor in weights.items()}
    tensors["golden.clip"] = torch.from_numpy(clip)
    tensors["golden.scores"] = torch.from_numpy(np.ascontiguousarray(scores))
    meta = msgspec.structs.replace(meta, checksum=_checksum(meta, tensors))
    # one key only: safetensors writes several in any order
    data = save_tensors(tensors, metadata={KEY: msgspec.json.encode(meta, order="sorted").decode()})
    return write_atomic(path, data)


def read(path: Path) -> SavedDetector:
    """Read and check a detector's file.

    Raises
    ------
    ModelFormatError
        If it is absent, not a detector, damaged, of a later format, or inconsistent in itself.
    """
    data = _bytes(path)
    meta = metadata_of(path, data)
    try:
        tensors = load_tensors(data)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as exc:
        raise ModelFormatError(f"{path} is damaged: {exc}. Copy or train it again.") from exc
    weights = {name.removeprefix("head."): tensor for name, tensor in tensors.items() if name.startswith("head.")}
    _check_tensors(path, meta, weights)
    clip, scores = _golden(path, tensors)
    if len(tensors) != len(weights) + 2 or _checksum(meta, tensors) != meta.checksum:
        raise ModelFormatError(f"{path} is damaged: its content does not fit its checksum. Copy or train it again.")
    return SavedDetector(meta, weights, clip, scores)


def fill(path: str | Path, head: Head, weights: dict[str, torch.Tensor]) -> None:
    """Put `weights` into `head`, which may be on the meta device; names and shapes must agree exactly."""
    try:
        head.load_state_dict(weights, strict=True, assign=True)
    except RuntimeError as exc:
        raise ModelFormatError(f"{path}: its weights do not fit its metadata: {exc}") from exc
    head.eval()


def _checksum(meta: DetectorMeta, tensors: dict[str, torch.Tensor]) -> str:
    """Return a digest of all that a file holds."""
    text = msgspec.json.encode(msgspec.structs.replace(meta, checksum=""), order="sorted").decode()
    return fingerprint({"metadata": text}, [(name, tensor.numpy()) for name, tensor in tensors.items()])


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelFormatError(f"{path} is not a file; need the .safetensors that training wrote.")
        if path.stat().st_size > _MOST_BYTES:
            raise ModelFormatError(f"{path} has {path.stat().st_size} bytes, more than any detector ({_MOST_BYTES}).")
        return path.read_bytes()
    except OSError as exc:
        raise ModelFormatError(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _check_tensors(path: Path, meta: DetectorMeta, weights: dict[str, torch.Tensor]) -> None:
    """Refuse weights that are not finite floats, or disagree with the metadata about the width."""
    mean = weights.get("mean")
    if mean is None or tuple(mean.shape) != (meta.encoder.dim,):
        raise ModelFormatError(f"{path}: its weights do not fit its metadata (dim {meta.encoder.dim}).")
    for name, tensor in weights.items():
        if tensor.dtype != torch.float32 or not bool(torch.isfinite(tensor).all()):
            raise ModelFormatError(f"{path}: weight {name!r} is not finite float32; the file is damaged.")


def _golden(path: Path, tensors: dict[str, torch.Tensor]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Return the golden clip and its scores, or refuse a file that has none."""
    clip, scores = tensors.get("golden.clip"), tensors.get("golden.scores")
    if (
        clip is None
        or scores is None
        or clip.dtype != torch.int16
        or clip.ndim != 1
        or not 0 < clip.numel() <= SAMPLE_RATE * 30
        or scores.dtype != torch.float32
    ):
        raise ModelFormatError(f"{path} has no golden clip of at most 30 s; it is not a file that relaylib wrote.")
    return clip.numpy(), scores.numpy()
