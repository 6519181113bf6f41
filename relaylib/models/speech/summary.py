"""What a small transformer has to say of a frame, in a few columns."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from relaylib.models.consecutive import Consecutive
from relaylib.models.embedding import embed
from relaylib.models.encoder import WindowEncoder
from relaylib.models.fast.precision import AskedPrecision
from relaylib.models.fingerprint import fingerprint
from relaylib.models.pretrained import PretrainedEncoder
from relaylib.models.spectral.framing import median, moving_mean
from relaylib.models.speech.derived import DerivedEncoder, FloatArray
from relaylib.models.threads import one_core
from relaylib.models.transformer import CONTEXT, TransformerEncoder
from relaylib.models.windows import windows
from relaylib.types import SAMPLE_RATE

__all__ = ["SummaryEncoder"]

_REVISION: Final = "summary/1"
"""Goes into the fingerprint: raise it whenever a column changes."""

_LAYERS = "layers.safetensors"
_AROUND = (15, 45)
"""Frames over which a voice is averaged before it is compared: 0.3 and 0.9 s."""

_LEAST_STEP, _LEAST_NORM = 1e-3, 1e-2

_WINDOW = 45 * SAMPLE_RATE
"""Samples whose voice is the usual one: with the 4 s that the fine detail beside it needs at both ends, less is seen
twice than in shorter windows."""


class SummaryEncoder(DerivedEncoder[TransformerEncoder]):
    """The last hidden state of a checkpoint, through the linear layers that it was taught through.

    A few columns instead of 256: a logit of each type of artifact that the model knows, who seems to speak (a unit
    vector, less the median of the window), and how far the voice of the frames around is from that of the window.

    The checkpoint itself sees windows as it does elsewhere, which are shorter. What two share goes through it once.

    Parameters
    ----------
    folder : path
        A checkpoint (see :class:`~relaylib.models.pretrained.PretrainedEncoder`) with ``layers.safetensors`` beside it:
        the layers ``types`` and ``speaker``.
    device, precision : str
        As of :class:`~relaylib.models.pretrained.PretrainedEncoder`.
    context : int
        Samples cropped at each inner edge of a window, in multiples of the hop.

    Raises
    ------
    EncoderNotAvailableError
        If the checkpoint cannot be read.
    """

    def __init__(
        self, folder: Path, *, device: str = "cpu", precision: AskedPrecision = "auto", context: int = CONTEXT
    ) -> None:
        self.name = f"{folder.name}:summary"
        layers = {name: values.float() for name, values in load_file(folder / _LAYERS).items()}
        self._types = layers["types.weight"], layers["types.bias"]
        self._speaker = layers["speaker.weight"], layers["speaker.bias"]
        super().__init__(
            PretrainedEncoder(str(folder), device=device, precision=precision),
            len(self._types[1]) + len(self._speaker[1]) + 2 * len(_AROUND),
        )
        self.window, self.context = _WINDOW, context

    @cached_property
    def fingerprint(self) -> str:
        """Hex SHA-256 over the model, the layers and the columns made of them."""
        layers = zip(("types", "types.bias", "speaker", "speaker.bias"), (*self._types, *self._speaker), strict=True)
        settings = {"model": self._source.fingerprint, "revision": _REVISION}
        return fingerprint(settings, ((name, values.numpy()) for name, values in layers))

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the embeddings [shape=(n_frames, dim), float32] of `samples` [shape=(n,), float32, 16 kHz]."""
        return self._made(embed(samples, self._source).embeddings)

    def for_recording(self, blocks: Iterable[FloatArray]) -> WindowEncoder:
        """Return :meth:`encode` for the windows of one recording, in their order."""
        source, encode = self._source, self._source.for_recording(blocks)

        def hidden(samples: torch.Tensor) -> torch.Tensor:
            parts = windows([samples.numpy()], source)
            return torch.from_numpy(np.concatenate([encode(part.samples, part.kept)[part.kept] for part in parts]))

        rows = Consecutive(
            hidden,
            overlap=2 * self.context,
            hop=self.hop,
            field=source.receptive_field,
            margin=source.context // source.hop,
        )
        return lambda samples, wanted=slice(None): self._made(rows(torch.from_numpy(samples)).numpy())

    def _columns(self, rows: FloatArray, wanted: slice) -> FloatArray:
        with torch.inference_mode(), one_core():  # on an AMD processor the last digit depends on how many it is
            hidden = torch.from_numpy(rows)
            types = functional.linear(hidden, *self._types).numpy()
            voice = functional.normalize(functional.linear(hidden, *self._speaker), dim=1).numpy()
        unlike = voice - median(voice)
        return np.concatenate([types, unlike, *(_distance(unlike, n_frames) for n_frames in _AROUND)], axis=1)


def _distance(unlike: FloatArray, n_frames: int) -> FloatArray:
    """Return how far the mean voice of so many frames is [shape=(n, 2)]: against the usual, and in itself."""
    distance = np.linalg.norm(moving_mean(unlike, n_frames), axis=1)
    relative = distance / (median(distance) + _LEAST_STEP)
    return np.stack([relative, np.log(distance + _LEAST_NORM)], axis=1).astype(np.float32)
