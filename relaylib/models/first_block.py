"""The first convolution block of a library's model: its convolution in float32, and statistics that can be given."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

__all__ = ["FullPrecisionConv", "RecordingNorm"]


class FullPrecisionConv(torch.nn.Conv1d):
    """A convolution in float32 whatever else is computed in: samples in bfloat16 would be noisy by -50 dB."""

    @staticmethod
    def put_into(block: Any) -> FullPrecisionConv:
        """Replace the ``conv`` of a convolution block by one with the same weights; return it."""
        conv = block.conv
        own = FullPrecisionConv(
            conv.in_channels, conv.out_channels, conv.kernel_size, stride=conv.stride, bias=conv.bias is not None
        )
        own.load_state_dict(conv.state_dict())
        block.conv = own.to(conv.weight.device).eval().requires_grad_(False)
        return own

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch calls it so)
        """Return `input` [shape=(batch, n_channels, time), float32] convolved."""
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input)


class RecordingNorm(torch.nn.GroupNorm):
    """A norm over time, each channel a group of its own, as `norm` is, whose mean and variance can be given."""

    def __init__(self, norm: torch.nn.GroupNorm) -> None:
        super().__init__(norm.num_groups, norm.num_channels, eps=norm.eps, affine=norm.affine)
        self.load_state_dict(norm.state_dict())
        self._given = threading.local()

    @staticmethod
    def put_into(block: torch.nn.Module) -> RecordingNorm | None:
        """Replace the ``layer_norm`` of a convolution block, if it is one over time; return what took its place."""
        norm = getattr(block, "layer_norm", None)
        if not isinstance(norm, torch.nn.GroupNorm) or norm.num_groups != norm.num_channels:
            return None
        own = RecordingNorm(norm).to(norm.weight.device).eval().requires_grad_(False)
        block.layer_norm = own
        return own

    @contextmanager
    def given(self, mean: npt.NDArray[np.float64], variance: npt.NDArray[np.float64]) -> Iterator[None]:
        """Within, and in this thread, normalise by `mean` and `variance` [shape=(n_channels,)]."""
        self._given.moments = [torch.from_numpy(values).to(self.weight) for values in (mean, variance)]
        try:
            yield
        finally:
            self._given.moments = None

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch calls it so)
        """Return `input` [shape=(batch, n_channels, time)] normalised."""
        moments = getattr(self._given, "moments", None)
        if moments is None:
            return super().forward(input)
        mean, variance = moments
        return torch.nn.functional.batch_norm(input, mean, variance, self.weight, self.bias, eps=self.eps)
