"""What a small transformer has to say of a frame, in a few columns."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from relaylib.models.fast.precision import AskedPrecision
from relaylib.models.fingerprint import fingerprint
from relaylib.models.pretrained import PretrainedEncoder
from relaylib.models.spectral.framing import moving_mean
from relaylib.models.speech.derived import DerivedEncoder, FloatArray
from relaylib.types import SAMPLE_RATE

__all__ = ["SummaryEncoder"]

_REVISION: Final = "summary/1"
"""Goes into the fingerprint: raise it whenever a column changes."""

_LAYERS = "layers.safetensors"
_AROUND = (15, 45)
"""Frames over which a voice is averaged before it is compared: 0.3 and 0.9 s."""

_LEAST_STEP, _LEAST_NORM = 1e-3, 1e-2

_WINDOW = 45 * SAMPLE_RATE
"""Samples encoded at once: with the 4 s that the fine detail beside it needs at both ends, less is encoded twice."""


class SummaryEncoder(DerivedEncoder):
    """The last hidden state of a checkpoint, through the linear layers that it was taught through.

    A few columns instead of 256: a logit of each type of artifact that the model knows, who seems to speak (a unit
    vector, less the median of the window), and how far the voice of the frames around is from that of the window.

    Parameters
    ----------
    folder : path
        A checkpoint (see :class:`~relaylib.models.pretrained.PretrainedEncoder`) with ``layers.safetensors`` beside it:
        the layers ``types`` and ``speaker``.
    device, precision : str
        As of :class:`~relaylib.models.pretrained.PretrainedEncoder`.

    Raises
    ------
    EncoderNotAvailableError
        If the checkpoint cannot be read.
    """

    def __init__(self, folder: Path, *, device: str = "cpu", precision: AskedPrecision = "auto") -> None:
        self.name = f"{folder.name}:summary"
        layers = {name: values.float() for name, values in load_file(folder / _LAYERS).items()}
        self._types = layers["types.weight"], layers["types.bias"]
        self._speaker = layers["speaker.weight"], layers["speaker.bias"]
        super().__init__(
            PretrainedEncoder(str(folder), device=device, precision=precision, window=_WINDOW),
            len(self._types[1]) + len(self._speaker[1]) + 2 * len(_AROUND),
        )

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over the model, the layers and the columns made of them."""
        layers = zip(("types", "types.bias", "speaker", "speaker.bias"), (*self._types, *self._speaker), strict=True)
        settings = {"model": self._source.fingerprint, "revision": _REVISION}
        return fingerprint(settings, ((name, values.numpy()) for name, values in layers))

    def _columns(self, rows: FloatArray) -> FloatArray:
        with torch.inference_mode():
            hidden = torch.from_numpy(rows)
            types = functional.linear(hidden, *self._types).numpy()
            voice = functional.normalize(functional.linear(hidden, *self._speaker), dim=1).numpy()
        unlike = voice - np.median(voice, axis=0)
        return np.concatenate([types, unlike, *(_distance(unlike, n_frames) for n_frames in _AROUND)], axis=1)


def _distance(unlike: FloatArray, n_frames: int) -> FloatArray:
    """Return how far the mean voice of so many frames is [shape=(n, 2)]: against the usual, and in itself."""
    distance = np.linalg.norm(moving_mean(unlike, n_frames), axis=1)
    relative = distance / (np.median(distance) + _LEAST_STEP)
    return np.stack([relative, np.log(distance + _LEAST_NORM)], axis=1).astype(np.float32)
