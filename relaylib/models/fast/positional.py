"""The positional convolution: as wide as the clip is long, in groups of channels."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from relaylib.models.runner import BESIDE
from relaylib.models.threads import one_core

__all__ = ["PositionalConvolution"]

_COLUMNS = 128
"""Columns of a product, at least so many: of fewer a matrix product takes longer than its sums need. With more, weights
grow, which short clips wait for."""

_GROUPS = 4
"""Groups multiplied at once: what they multiply, several times the clip, stays in the caches. One by one, small steps
would take their time, and threads meet after each."""


class PositionalConvolution:
    """A grouped convolution and GELU: where a frame is, from all that is around it.

    With fewer than 16 channels a group it is computed in float32: where the processor has AMX, oneDNN 3.12 convolves
    those wrongly in bfloat16 when the kernel is wide (see https://github.com/pytorch/pytorch/issues/163347).

    In float32 it is a matrix product for each group, several frames to a row. A convolution would be a product with
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
        # the product of the weight norm's factors, reckoned once; on more cores, the norm's last digits would be others
        with one_core():
            weight: torch.Tensor = convolution.weight.detach()
        n_inside = weight.shape[1]
        if n_inside < 16:
            dtype = torch.float32
        self._groups, self._kernel = convolution.groups, convolution.kernel_size[0]
        bias: torch.Tensor = convolution.bias.detach()
        self._at_once = max(2, -(-_COLUMNS // n_inside))
        self._several = dtype == torch.float32
        if self._several:
            self._weight, self._bias = self._side_by_side(weight, bias)
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
        if self._several:
            return self._multiplied(hidden)
        channels = hidden.t()[None].to(self._weight.dtype)
        moved = functional.conv1d(channels, self._weight, self._bias, padding=self._kernel // 2, groups=self._groups)[
            0, :, : len(hidden)
        ]  # an even kernel makes one frame too many
        return functional.gelu(moved).t()

    def _side_by_side(self, weight: torch.Tensor, bias: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what each group multiplies all that consecutive frames see by, to get the channels of these frames.

        Weights [shape=(n_groups, n_seen * n_inside, at_once * n_inside)], and a bias for each column.
        """
        n_inside = weight.shape[1]
        one = weight.view(self._groups, n_inside, n_inside, self._kernel).transpose(2, 3)  # what is seen last
        n_seen = self._kernel + self._at_once - 1
        several = torch.zeros(self._groups, self._at_once, n_inside, n_seen, n_inside)
        for frame in range(self._at_once):
            several[:, frame, :, frame : frame + self._kernel] = one
        weights = several.flatten(3).flatten(1, 2).transpose(1, 2).contiguous()
        return weights, bias.view(self._groups, 1, n_inside).repeat(1, 1, self._at_once)

    def _multiplied(self, hidden: torch.Tensor) -> torch.Tensor:
        n_frames, width = hidden.shape
        n_inside = width // self._groups
        n_rows = max(2, -(-n_frames // self._at_once))  # of one row, sums depend on the number of threads
        length, before = n_rows * self._at_once + self._kernel - 1, self._kernel // 2
        padded = functional.pad(hidden, (0, 0, before, length - before - n_frames))
        channels = padded.view(length, self._groups, n_inside).transpose(0, 1).contiguous()
        shape = self._groups, n_rows, self._weight.shape[1]
        rows = channels.as_strided(shape, (length * n_inside, self._at_once * n_inside, 1))
        parts = zip(*(whole.split(_GROUPS) for whole in (self._bias, rows, self._weight)), strict=True)
        found = torch.cat([torch.baddbmm(bias, part.contiguous(), weight) for bias, part, weight in parts])
        moved = functional.gelu(found).view(self._groups, -1, n_inside).transpose(0, 1)
        return moved.reshape(-1, width)[:n_frames]
