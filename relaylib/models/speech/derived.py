"""Encoders whose rows are made of another encoder's rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from relaylib.models.encoder import Layer, WindowEncoder
from relaylib.models.fused import FusedEncoder
from relaylib.models.transformer import TransformerEncoder

__all__ = ["DerivedEncoder", "FloatArray"]

FloatArray = npt.NDArray[np.float32]

Source = TypeVar("Source", TransformerEncoder, FusedEncoder)


class DerivedEncoder(ABC, Generic[Source]):
    """As many frames as `source` has, from the same windows, each window's rows made into others.

    Parameters
    ----------
    source : TransformerEncoder or FusedEncoder
    dim : int
        Width of the rows that are made.
    """

    n_layers: Final = 1
    layer: Final[Layer] = None

    def __init__(self, source: Source, dim: int) -> None:
        self._source: Source = source
        self.dim = dim
        self.hop, self.window, self.context = source.hop, source.window, source.context

    @property
    def precision(self) -> str:
        """How the source computes."""
        return self._source.precision

    @property
    def device(self) -> str:
        """Where the source computes."""
        return self._source.device

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return the embeddings [shape=(n_frames, dim), float32] of `samples` [shape=(n,), float32, 16 kHz]."""
        return self._made(self._source.encode(samples))

    def for_recording(self, blocks: Iterable[FloatArray]) -> WindowEncoder:
        """Return :meth:`encode` for the windows of one recording, in their order."""
        encode = self._source.for_recording(blocks)
        return lambda samples, wanted=slice(None): self._made(encode(samples), wanted)

    def _made(self, rows: FloatArray, wanted: slice = slice(None)) -> FloatArray:
        return self._columns(rows, wanted) if len(rows) else np.zeros((0, self.dim), np.float32)

    @abstractmethod
    def _columns(self, rows: FloatArray, wanted: slice) -> FloatArray:
        """Return what becomes of a window's rows, one at least; those that are not `wanted` may become anything."""
