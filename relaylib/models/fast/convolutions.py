"""The convolution stack, time first: each strided convolution is one matrix product on overlapping rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from relaylib.models.fast.parts import Linear, Norm
from relaylib.models.moments import moments
from relaylib.models.reach import reach, step
from relaylib.models.runner import Statistics

__all__ = ["Convolutions"]

_BLOCK = 250
"""Frames made at once, so that what lies between two convolutions does not grow with the clip: in wav2vec2-base 33 MB.
A block sees all samples that its frames see, so that its edges do not show. Small blocks cost time: two threads meet
at the end of every product."""


class Convolutions:
    """From samples to one vector per frame.

    The norm over time behind the first convolution, where there is one, costs no pass over the sound: its mean and
    variance follow from the moments of the samples, and change that convolution's weights.

    Parameters
    ----------
    blocks : sequence of torch.nn.Module
        Those of transformers' feature extractor. Their weights are laid out anew in memory, and shared in float32.
    dtype : torch.dtype
        Of all products but the first, which is small and takes samples as they are.

    Attributes
    ----------
    hop, field : int
        Samples between frames, and those that a frame sees.
    takes_statistics : bool
        Whether there is a norm over time.
    """

    def __init__(self, blocks: Sequence[Any], dtype: torch.dtype) -> None:
        self._dtype = dtype
        self.hop, self.field = reach(block.conv for block in blocks)
        self._stages = [_Stage(block, dtype if k else torch.float32) for k, block in enumerate(blocks)]
        norm = getattr(blocks[0], "layer_norm", None)
        self._over_time = norm if isinstance(norm, torch.nn.GroupNorm) else None
        self.takes_statistics = self._over_time is not None

    def __call__(self, samples: torch.Tensor, statistics: Statistics | None) -> torch.Tensor:
        """Return the frames [shape=(n_frames, n_channels)] of `samples` [shape=(n,), float32]."""
        first, *others = self._stages
        product = first.product if self._over_time is None else self._folded(samples, statistics)
        n_frames = (len(samples) - self.field) // self.hop + 1
        pieces = []
        for start in range(0, n_frames, _BLOCK):
            n = min(_BLOCK, n_frames - start)
            piece = samples[start * self.hop : (start + n - 1) * self.hop + self.field, None]
            rows = first(piece, product).to(self._dtype)
            for stage in others:
                rows = stage(rows, stage.product).to(self._dtype)
            pieces.append(rows)
        return torch.cat(pieces)

    def _folded(self, samples: torch.Tensor, statistics: Statistics | None) -> Linear:
        """Return the first convolution with the norm over time behind it."""
        assert self._over_time is not None
        first, norm = self._stages[0], self._over_time
        kernels = first.product.weight.double().cpu().numpy()
        bias = 0.0 if first.product.bias is None else first.product.bias.double().cpu().numpy()
        if statistics is None:
            whole = moments([samples.cpu().numpy()], first.kernel, first.stride)
            mean, variance = whole.of_convolution(kernels, bias, offset=0.0, scale=1.0)
        else:
            mean, variance = statistics(kernels, bias)
        gain = norm.weight.double().cpu().numpy() / np.sqrt(variance + norm.eps)
        shift = norm.bias.double().cpu().numpy() + (bias - mean) * gain
        weight = torch.from_numpy(kernels * gain[:, None])
        return Linear(weight.to(first.product.weight), torch.from_numpy(shift).to(first.product.weight))


class _Stage:
    """One convolution, the norm over channels behind it if there is one, and GELU."""

    def __init__(self, block: Any, dtype: torch.dtype) -> None:
        self.kernel, self.stride = step(block.conv)
        self.product = _as_product(block.conv, dtype)
        norm = getattr(block, "layer_norm", None)
        self._norm = Norm.of(norm) if isinstance(norm, torch.nn.LayerNorm) else None

    def __call__(self, rows: torch.Tensor, product: Linear) -> torch.Tensor:
        """Return what `rows` [shape=(time, n_in)] become by `product` in place of the stage's own."""
        time, n_in = rows.shape
        n = (time - self.kernel) // self.stride + 1
        result = product.of_overlapping(rows.as_strided((n, self.kernel * n_in), (self.stride * n_in, 1)))
        return functional.gelu(result if self._norm is None else self._norm(result))


def _as_product(convolution: Any, dtype: torch.dtype) -> Linear:
    """Return a convolution as a product, whose weights it goes on with."""
    n_out, n_in, kernel = convolution.weight.shape
    weight = convolution.weight.detach().permute(0, 2, 1).reshape(n_out, kernel * n_in)
    convolution.weight.data = weight.view(n_out, kernel, n_in).permute(0, 2, 1)
    return Linear(weight, None if convolution.bias is None else convolution.bias.detach()).to(dtype)
