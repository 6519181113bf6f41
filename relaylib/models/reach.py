"""How far a stack of strided convolutions sees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["reach", "step"]


def step(convolution: Any) -> tuple[int, int]:
    """Return kernel and stride of a one-dimensional convolution."""
    return convolution.kernel_size[0], convolution.stride[0]


def reach(convolutions: Iterable[Any]) -> tuple[int, int]:
    """Return the samples between frames and the samples that one frame sees."""
    hop, field = 1, 1
    for kernel, stride in map(step, convolutions):
        field += (kernel - 1) * hop
        hop *= stride
    return hop, field
