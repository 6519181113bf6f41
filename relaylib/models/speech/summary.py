"""What a small transformer has to say of a frame, in a few columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from scipy.ndimage import uniform_filter1d
from torch.nn import functional

from relaylib.models.encoder import Layer
from relaylib.models.fast.precision import AskedPrecision
from relaylib.models.fingerprint import fingerprint
from relaylib.models.pretrained import PretrainedEncoder

__all__ = ["SummaryEncoder"]

FloatArray = npt.NDArray[np.float32]

_REVISION: Final = "summary/1"
"""Goes into the fingerprint: raise it whenever a column changes."""

_LAYERS = "layers.safetensors"
_AROUND = (15, 45)
"""Frames over which a voice is averaged before it is compared: 0.3 and 0.9 s."""

_LEAST_STEP, _LEAST_NORM = 1e-3, 1e-2


class SummaryEncoder:
    """The last hidden state of a checkpoint, through the linear layers that it was taught through.

    From the 256 columns of a hidden state a head learns, from minutes of labels, which voices it has heard: from these
    few it cannot. They are a logit of each type of artifact that the model knows, who seems to speak (a unit vector,
    less the median of the window), and how far the voice of the frames around is from that of the window.

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

    n_layers: Final = 1
    layer: Layer = None

    def __init__(self, folder: Path, *, device: str = "cpu", precision: AskedPrecision = "auto") -> None:
        self._model = PretrainedEncoder(str(folder), device=device, precision=precision)
        self.name = f"{folder.name}:summary"
        self.hop, self.window, self.context = self._model.hop, self._model.window, self._model.context
        layers = {name: values.float() for name, values in load_file(folder / _LAYERS).items()}
        self._types = layers["types.weight"], layers["types.bias"]
        self._speaker = layers["speaker.weight"], layers["speaker.bias"]
        self.dim = len(self._types[1]) + len(self._speaker[1]) + 2 * len(_AROUND)

    @property
    def precision(self) -> str:
        """How the model computes."""
        return self._model.precision

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over the model, the layers and the columns made of them."""
        layers = zip(("types", "types.bias", "speaker", "speaker.bias"), (*self._types, *self._speaker), strict=True)
        settings = {"model": self._model.fingerprint, "revision": _REVISION}
        return fingerprint(settings, ((name, values.numpy()) for name, values in layers))

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the columns [shape=(n_frames, dim), float32] of `samples` [shape=(n,), float32, 16 kHz]."""
        return self._columns(self._model.encode(samples))

    def for_recording(self, blocks: Iterable[FloatArray]) -> Callable[[FloatArray], FloatArray]:
        """Return :meth:`encode` for the windows of one recording, in their order."""
        encode = self._model.for_recording(blocks)
        return lambda samples: self._columns(encode(samples))

    def _columns(self, hidden: FloatArray) -> FloatArray:
        if not len(hidden):
            return np.zeros((0, self.dim), np.float32)
        with torch.inference_mode():
            rows = torch.from_numpy(hidden)
            types = functional.linear(rows, *self._types).numpy()
            voice = functional.normalize(functional.linear(rows, *self._speaker), dim=1).numpy()
        unlike = voice - np.median(voice, axis=0)
        return np.concatenate([types, unlike, *map(_distances(unlike), _AROUND)], axis=1)


def _distances(unlike: FloatArray) -> Callable[[int], FloatArray]:
    """Return what gives, for a number of frames, how far their mean voice is: against the usual, and in itself."""

    def over(n_frames: int) -> FloatArray:
        distance = np.linalg.norm(uniform_filter1d(unlike, n_frames, axis=0, mode="nearest"), axis=1)
        relative = distance / (np.median(distance) + _LEAST_STEP)
        return np.stack([relative, np.log(distance + _LEAST_NORM)], axis=1).astype(np.float32)

    return over
