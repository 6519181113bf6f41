"""Several encoders side by side: what one blurs, another may keep."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.models.encoder import Encoder, Layer, WindowEncoder, encoder_options, load_encoder
from relaylib.models.threads import side_by_side

__all__ = ["FusedEncoder"]

FloatArray = npt.NDArray[np.float32]


class FusedEncoder:
    """The embeddings of several encoders, frame by frame, in one row.

    A transformer knows what is said and by whom, but a click of 2 ms drowns in its frames of 20 ms; hand-made features
    of fine detail see the click. The name is made of those of the parts, with a plus between them.

    Parameters
    ----------
    parts : sequence of Encoder
        Two or more, with the same hop.

    Raises
    ------
    ParameterError
        If there are fewer than two, their hops differ, or one of them returns several layers.
    """

    n_layers = 1

    def __init__(self, parts: Sequence[Encoder]) -> None:
        if len(parts) < 2:
            raise ParameterError("an encoder made of others needs two or more, as in 'spectral+microsoft/wavlm-base'.")
        if len({part.hop for part in parts}) > 1:
            raise ParameterError(f"encoders {', '.join(repr(part.name) for part in parts)} differ in hop.")
        several = [part.name for part in parts if part.n_layers > 1]
        if several:
            raise ParameterError(f"encoder {several[0]!r} returns several layers; fuse it with one layer of its own.")
        self.parts = tuple(parts)
        self.name = "+".join(part.name for part in parts)
        self.dim, self.hop = sum(part.dim for part in parts), parts[0].hop
        self.window, self.context = max(part.window for part in parts), max(part.context for part in parts)
        self.layer: Layer = next((part.layer for part in parts if part.layer is not None), None)

    @classmethod
    def of_names(cls, names: str, **options: Any) -> FusedEncoder:
        """Load the encoders of `names`; options go to those of them that take them."""
        taken = [(name, encoder_options(name) & options.keys()) for name in names.split("+")]
        unknown = sorted(options.keys() - frozenset().union(*(own for _, own in taken)))
        if unknown:
            raise ParameterError(f"none of the encoders in {names!r} takes the options {unknown}.")
        return cls([load_encoder(name, **{key: options[key] for key in own}) for name, own in taken])

    @property
    def fingerprint(self) -> str:
        """Hex SHA-256 over the parts' fingerprints, in their order."""
        return hashlib.sha256("+".join(part.fingerprint for part in self.parts).encode()).hexdigest()

    @property
    def precision(self) -> str:
        """How the part computes that can in several ways."""
        return next((str(part.precision) for part in self.parts if hasattr(part, "precision")), "fp32")

    @property
    def device(self) -> str:
        """Where the part computes that can elsewhere than on a CPU."""
        return next((str(part.device) for part in self.parts if hasattr(part, "device")), "cpu")

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the rows [shape=(n_frames, dim)]: as many as all parts have."""
        return _joined([part.encode for part in self.parts], samples)

    def for_recording(self, blocks: Iterable[FloatArray]) -> WindowEncoder:
        """Return `encode` for the windows of one recording, with its statistics where a part wants them."""
        encoders = [
            part.for_recording(blocks) if hasattr(part, "for_recording") else part.encode for part in self.parts
        ]
        return lambda samples, wanted=slice(None): _joined(encoders, samples)


def _joined(encoders: Sequence[Callable[[FloatArray], FloatArray]], samples: FloatArray) -> FloatArray:
    """Return what all make of the samples, computed at the same time: features on one core leave the others idle."""
    rows = side_by_side([partial(encode, samples) for encode in encoders])
    n_frames = min(map(len, rows))
    return np.concatenate([part[:n_frames] for part in rows], axis=1)
