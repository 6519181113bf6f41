"""Matrix products and norms with weights taken from the modules of transformers.

Products are computed in the type of their weights; norms, like the stream between the layers, in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from relaylib.models.fast.precision import has_amx

__all__ = ["Linear", "Norm", "afterwards", "packs", "side_by_side"]


class Linear:
    """A product with a weight, plus a bias if there is one, and maybe GELU.

    On x86 processors it is oneDNN's, with the weight in the order in which that reads it, and GELU done while the
    result is in the caches. Torch's own compiler uses these operators; they are not part of its public interface. With
    AMX, products with no more columns out than in are torch's: oneDNN's take up to 1.7 times as long for 10 s.

    Parameters
    ----------
    weight : torch.Tensor [shape=(n_out, n_in)]
    bias : torch.Tensor [shape=(n_out,)] or None
    dtype : torch.dtype
        Of the product.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self._bias = None if bias is None else bias.detach().to(dtype)
        weight = weight.detach().to(dtype)
        narrow = weight.shape[0] <= weight.shape[1] and dtype == torch.bfloat16 and has_amx()
        self._packed = not narrow and packs(weight, "_linear_pointwise", "_reorder_linear_weight")
        self._weight: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight) if self._packed else weight

    def __reduce__(self) -> tuple[Any, ...]:
        """Have copies and pickles hold the weight as it came; its order is chosen where they are made."""
        return Linear, (self.weight, self._bias, self.dtype)

    @property
    def weight(self) -> torch.Tensor:
        """The weight as it came [shape=(n_out, n_in)], in the type of the product."""
        return self._weight.to_dense() if self._packed else self._weight

    @classmethod
    def of(cls, module: Any, dtype: torch.dtype) -> Linear:
        """Take the weights of a ``torch.nn.Linear``."""
        return cls(module.weight, module.bias, dtype)

    def __call__(self, rows: torch.Tensor, *, gelu: bool = False) -> torch.Tensor:
        """Return the product [shape=(n, n_out)] with `rows` [shape=(n, n_in), any type]."""
        rows = rows.to(self.dtype)
        if self._packed:
            done: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, self._weight, self._bias, *afterwards(gelu))
            return done
        found = functional.linear(rows, self._weight, self._bias)
        return functional.gelu(found) if gelu else found


def afterwards(gelu: bool) -> tuple[str, list[Any], str]:
    """Return the arguments that have an operator of oneDNN apply GELU (the exact one), or nothing, to its result."""
    return ("gelu", [], "none") if gelu else ("none", [], "")


def packs(weight: torch.Tensor, *operators: str) -> bool:
    """Whether these operators of oneDNN are there for a weight."""
    if weight.device.type != "cpu" or not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return False
    if not all(hasattr(torch.ops.mkldnn, name) for name in operators) or not torch.backends.mkldnn.is_available():
        return False
    return weight.dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def side_by_side(modules: Sequence[Any], dtype: torch.dtype) -> Linear:
    """Return one product that gives what several ``torch.nn.Linear`` of the same input give, side by side."""
    weight = torch.cat([module.weight.detach() for module in modules])
    return Linear(weight, torch.cat([module.bias.detach() for module in modules]), dtype)


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
