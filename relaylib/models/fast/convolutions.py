"""The convolution stack, time first: each strided convolution is one matrix product on overlapping rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from relaylib.models.fast.parts import Norm
from relaylib.models.fast.strided import StridedConvolution, split_samples, split_weight
from relaylib.models.moments import moments
from relaylib.models.reach import reach, step
from relaylib.models.runner import Statistics
from relaylib.models.threads import spread

__all__ = ["Convolutions"]

_BLOCK = 80
"""Frames made at once, by one core, so that what lies between two convolutions does not grow with the clip, and stays
in the caches: in wav2vec2-base 5 MB. A block sees all samples that its frames see, so that its edges do not show."""


class Convolutions:
    """From samples to one vector per frame.

    The norm over time behind the first convolution, where there is one, costs no pass over the sound: its mean and
    variance follow from the moments of the samples, and change that convolution's weights.

    Parameters
    ----------
    blocks : sequence of torch.nn.Module
        Those of transformers' feature extractor.
    dtype : torch.dtype
        Of the products; the first takes samples as they are, and is as exact as float32 either way.

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
        self._first = blocks[0].conv
        self._norms = [_norm_of_channels(block) for block in blocks]
        self._n_first, *n_others = _results_of_a_block([block.conv for block in blocks])
        self._others = [
            _convolution(block.conv, dtype, n_usual) for block, n_usual in zip(blocks[1:], n_others, strict=True)
        ]
        norm = getattr(blocks[0], "layer_norm", None)
        self._over_time = norm if isinstance(norm, torch.nn.GroupNorm) else None
        self.takes_statistics = self._over_time is not None

    def __call__(self, samples: torch.Tensor, statistics: Statistics | None) -> torch.Tensor:
        """Return the frames [shape=(n_frames, n_channels)] of `samples` [shape=(n,), float32]."""
        first = self._first_convolution(samples, statistics)
        n_frames = (len(samples) - self.field) // self.hop + 1
        blocks = [
            samples[start * self.hop : (min(start + _BLOCK, n_frames) - 1) * self.hop + self.field]
            for start in range(0, n_frames, _BLOCK)
        ]
        return torch.cat(spread([partial(self._frames, first, block) for block in blocks]))

    def _frames(self, first: StridedConvolution, samples: torch.Tensor) -> torch.Tensor:
        """Return the frames of a block of samples, `first` being the first convolution."""
        rows = samples[:, None]
        if self._dtype == torch.bfloat16:
            rows = split_samples(rows)
        for convolution, norm in zip([first, *self._others], self._norms, strict=True):
            if norm is None:
                rows = convolution(rows, gelu=True)
            else:
                rows = functional.gelu(norm(convolution(rows))).to(self._dtype)
        return rows

    def _first_convolution(self, samples: torch.Tensor, statistics: Statistics | None) -> StridedConvolution:
        """Return the first convolution, which has the norm over time behind it in its weights."""
        weight, bias = self._first.weight.detach(), self._first.bias
        if self._over_time is not None:
            weight, bias = self._folded(samples, statistics)
        weight = weight.transpose(1, 2)
        if self._dtype == torch.bfloat16:
            weight, bias = split_weight(weight, bias), None
        return StridedConvolution(weight, bias, self._first.stride[0], self._dtype, n_usual=self._n_first)

    def _folded(self, samples: torch.Tensor, statistics: Statistics | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weight and bias of the first convolution that do what the norm behind it does."""
        assert self._over_time is not None
        weight, norm = self._first.weight.detach(), self._over_time
        kernels = weight[:, 0].double().cpu().numpy()
        bias = 0.0 if self._first.bias is None else self._first.bias.detach().double().cpu().numpy()
        if statistics is None:
            whole = moments([samples.cpu().numpy()], *step(self._first))
            mean, variance = whole.of_convolution(kernels, bias, offset=0.0, scale=1.0)
        else:
            mean, variance = statistics(kernels, bias)
        gain = norm.weight.double().cpu().numpy() / np.sqrt(variance + norm.eps)
        shift = norm.bias.double().cpu().numpy() + (bias - mean) * gain
        return torch.from_numpy(kernels * gain[:, None])[:, None].to(weight), torch.from_numpy(shift).to(weight)


def _norm_of_channels(block: Any) -> Norm | None:
    norm = getattr(block, "layer_norm", None)
    return Norm.of(norm) if isinstance(norm, torch.nn.LayerNorm) else None


def _convolution(module: Any, dtype: torch.dtype, n_usual: int) -> StridedConvolution:
    return StridedConvolution(module.weight.transpose(1, 2), module.bias, module.stride[0], dtype, n_usual=n_usual)


def _results_of_a_block(modules: Sequence[Any]) -> list[int]:
    """Return how many results each convolution gives on the way to a block of frames."""
    numbers = [_BLOCK]
    for module in reversed(modules[1:]):
        numbers.append((numbers[-1] - 1) * module.stride[0] + module.kernel_size[0])
    return numbers[::-1]
