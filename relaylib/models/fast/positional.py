"""The positional convolution: as wide as the clip is long, in groups of channels."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from relaylib.models.fast.parts import Linear
from relaylib.models.runner import BESIDE

__all__ = ["PositionalConvolution"]

_COLUMNS = 64
"""Columns of a product, at least so many: of fewer a matrix product takes longer than its sums need. With more, weights
grow, which short clips wait for."""


class PositionalConvolution:
    """A grouped convolution and GELU: where a frame is, from all that is around it.

    With fewer than 16 channels a group it is computed in float32: where the processor has AMX, oneDNN 3.12 convolves
    those wrongly in bfloat16 when the kernel is wide (see https://github.com/pytorch/pytorch/issues/163347).

    In float32 it is one matrix product for each group, several frames to a row. A convolution would be a product with
    a row for each frame, and as few columns as a group has channels. With the next frame's weights beside the first's,
    moved down by one frame, there is a row for every second frame only, and twice the columns; and so on. That is done
    in a half to a quarter of the time that oneDNN's convolution takes.

    Parameters
    ----------
    convolution : torch.nn.Conv1d
        Of transformers, as long as it has its weight norm.
    dtype : torch.dtype
        Of the products.
    """

    def __init__(self, convolution: Any, dtype: torch.dtype) -> None:
        weight = convolution.weight.detach()  # the product of the weight norm's two factors, reckoned once
        n_inside = weight.shape[1]
        if n_inside < 16:
            dtype = torch.float32
        self._groups, self._kernel = convolution.groups, convolution.kernel_size[0]
        bias = convolution.bias.detach()
        self._at_once = max(2, -(-_COLUMNS // n_inside))
        self._products: list[Linear] = []
        if dtype == torch.float32:
            self._products = self._side_by_side(weight, bias)
        else:
            self._weight, self._bias = weight.to(dtype), bias.to(dtype)

    def seen_only(self, n_frames: int, wanted: slice) -> tuple[int, int]:
        """Return how many of the first and of the last frames have done their part when they were seen here.

        Without them the convolution is complete at all others, and frames that are `wanted` still have as many beside
        them as they should.
        """
        reach = self._kernel // 2
        start, stop, _ = wanted.indices(n_frames)
        return reach if start >= reach + BESIDE else 0, reach if n_frames - stop >= reach + BESIDE else 0

    def __call__(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return what is to be added to the frames `hidden` [shape=(n_frames, width), float32]."""
        if self._products:
            return self._multiplied(hidden)
        channels = hidden.t()[None].to(self._weight.dtype)
        moved = functional.conv1d(channels, self._weight, self._bias, padding=self._kernel // 2, groups=self._groups)[
            0, :, : len(hidden)
        ]  # an even kernel makes one frame too many
        return functional.gelu(moved).t()

    def _side_by_side(self, weight: torch.Tensor, bias: torch.Tensor) -> list[Linear]:
        """Return a product for each group, from all that consecutive frames see to the channels of these frames."""
        n_inside = weight.shape[1]
        one = weight.view(self._groups, n_inside, n_inside, self._kernel).transpose(2, 3)  # what is seen last
        n_seen = self._kernel + self._at_once - 1
        several = torch.zeros(self._groups, self._at_once, n_inside, n_seen, n_inside)
        for frame in range(self._at_once):
            several[:, frame, :, frame : frame + self._kernel] = one
        biases = bias.view(self._groups, n_inside).repeat(1, self._at_once)
        weights = several.flatten(3).flatten(1, 2)
        return [Linear(weight, bias, torch.float32) for weight, bias in zip(weights, biases, strict=True)]

    def _multiplied(self, hidden: torch.Tensor) -> torch.Tensor:
        n_frames, width = hidden.shape
        n_inside = width // self._groups
        n_rows = max(2, -(-n_frames // self._at_once))  # of one row, sums depend on the number of threads
        length, before = n_rows * self._at_once + self._kernel - 1, self._kernel // 2
        padded = functional.pad(hidden, (0, 0, before, length - before - n_frames))
        found = hidden.new_empty(n_rows * self._at_once, self._groups, n_inside)
        n_seen = (self._kernel + self._at_once - 1) * n_inside
        for group, product in enumerate(self._products):
            channels = padded[:, group * n_inside : (group + 1) * n_inside].contiguous()
            rows = channels.as_strided((n_rows, n_seen), (self._at_once * n_inside, 1))
            found[:, group] = product(rows.contiguous(), gelu=True).view(-1, n_inside)
        return found.flatten(1)[:n_frames]
