"""Matrix products and norms with weights taken from the modules of transformers, most of them without a copy.

Products are computed in the type of their weights; norms, like the stream between the layers, in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

__all__ = ["Linear", "Norm", "side_by_side"]


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A product with `weight` [shape=(n_out, n_in)], plus `bias` [shape=(n_out,)] if there is one."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    @classmethod
    def of(cls, module: Any, dtype: torch.dtype) -> Linear:
        """Take the weights of a ``torch.nn.Linear``, shared with it if they have that type."""
        return cls(module.weight.detach(), module.bias if module.bias is None else module.bias.detach()).to(dtype)

    def to(self, dtype: torch.dtype) -> Linear:
        """Return it with weights of another type."""
        return Linear(self.weight.to(dtype), None if self.bias is None else self.bias.to(dtype))

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the product [shape=(n, n_out), type of the weights] with `rows` [shape=(n, n_in), any type]."""
        return functional.linear(rows.to(self.weight.dtype), self.weight, self.bias)

    def of_overlapping(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the product with `rows` [shape=(n, n_in), type of the weights] that overlap in memory.

        Float32 products of such rows would copy them first; they are added up of parts that do not overlap.
        """
        apart = rows.stride(0)
        if self.weight.dtype != torch.float32 or apart >= rows.shape[1]:
            return self(rows)
        parts = zip(rows.split(apart, dim=1), self.weight.split(apart, dim=1), strict=True)
        first, weight = next(parts)
        result = functional.linear(first, weight, self.bias)
        for part, weight in parts:
            result.addmm_(part, weight.t())
        return result


def side_by_side(modules: Sequence[Any], dtype: torch.dtype) -> Linear:
    """Return one product that gives what several ``torch.nn.Linear`` of the same input give, side by side.

    The modules go on with parts of the weights that this makes, so that nothing is held twice.
    """
    weight = torch.cat([module.weight.detach() for module in modules])
    for module, part in zip(modules, weight.split([module.out_features for module in modules]), strict=True):
        module.weight.data = part
    return Linear(weight, torch.cat([module.bias.detach() for module in modules])).to(dtype)


@dataclass(frozen=True, slots=True, eq=False)
class Norm:
    """A layer norm over channels."""

    weight: torch.Tensor
    bias: torch.Tensor
    eps: float

    @classmethod
    def of(cls, module: Any) -> Norm:
        """Take the weights of a ``torch.nn.LayerNorm``, shared with it."""
        return cls(module.weight.detach(), module.bias.detach(), module.eps)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """Return `rows` [shape=(n, n_channels), any type] normalised, in float32."""
        return functional.layer_norm(rows.float(), self.weight.shape, self.weight, self.bias, self.eps)
