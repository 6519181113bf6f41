"""Convolutions over time of rows that hold all channels of a moment: matrix products without moving the rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.nn import functional

from relaylib.models.fast.parts import Linear, afterwards, packs

__all__ = ["StridedConvolution", "split_samples", "split_weight"]


class StridedConvolution:
    """A convolution whose input and output have time first, and maybe GELU behind it.

    In bfloat16 it is one product with rows that overlap in memory, which torch multiplies as they lie. In float32 torch
    would copy them first: on x86 oneDNN convolves them where they are, and elsewhere the product is made in parts.

    Parameters
    ----------
    weight : torch.Tensor [shape=(n_out, kernel, n_in)]
    bias : torch.Tensor [shape=(n_out,)] or None
    stride : int
    dtype : torch.dtype
        Of the products.
    n_usual : int
        Results that are mostly asked for at once. The order of the weight is oneDNN's choice for so many; for other
        numbers it may want another, and then puts it in that every time.
    """

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, stride: int, dtype: torch.dtype, *, n_usual: int
    ) -> None:
        _, self._kernel, self._n_in = weight.shape
        self._stride, self._dtype, self._n_usual = stride, dtype, n_usual
        self._bias = None if bias is None else bias.detach().to(dtype)
        self._product: Linear | None = None
        self._packed = False
        if stride >= self._kernel or self._n_in == 1:  # rows that do not overlap, or are next to nothing to copy
            self._product = Linear(weight.flatten(1), bias, dtype)
            return
        weight = weight.detach().to(dtype)
        self._weight = weight.flatten(1)
        if dtype == torch.float32 and packs(weight, "_convolution_pointwise", "_reorder_convolution_weight"):
            image = weight.transpose(1, 2)[:, :, None].contiguous(memory_format=torch.channels_last)
            usual = (1, self._n_in, 1, (n_usual - 1) * stride + self._kernel)
            self._weight = torch.ops.mkldnn._reorder_convolution_weight(image, (0, 0), (1, stride), (1, 1), 1, usual)
            self._packed = True

    def __reduce__(self) -> tuple[Any, ...]:
        """Have copies and pickles hold the weight as it came, as those of a :class:`Linear` do."""
        if self._product is not None:
            weight = self._product.weight
        else:
            weight = self._weight.to_dense()[:, :, 0].transpose(1, 2) if self._packed else self._weight
        made = partial(StridedConvolution, n_usual=self._n_usual)
        return made, (weight.reshape(-1, self._kernel, self._n_in), self._bias, self._stride, self._dtype)

    def __call__(self, rows: torch.Tensor, *, gelu: bool = False) -> torch.Tensor:
        """Return the result [shape=(n, n_out)] for `rows` [shape=(time, n_in), any type, contiguous]."""
        rows = rows.to(self._dtype)
        time, n_in = rows.shape
        if self._packed:
            lying = rows.as_strided((1, n_in, 1, time), (time * n_in, 1, time * n_in, n_in))
            found: torch.Tensor = torch.ops.mkldnn._convolution_pointwise(
                lying, self._weight, self._bias, (0, 0), (1, self._stride), (1, 1), 1, *afterwards(gelu)
            )
            return found[0, :, 0].t()
        n = (time - self._kernel) // self._stride + 1
        seen = rows.as_strided((n, self._kernel * n_in), (self._stride * n_in, 1))
        if self._product is not None:
            return self._product(seen, gelu=gelu)
        whole = self._dtype != torch.float32
        found = functional.linear(seen, self._weight, self._bias) if whole else self._in_parts(seen)
        return torch.ops.aten.gelu_(found) if gelu else found

    def _in_parts(self, seen: torch.Tensor) -> torch.Tensor:
        """Return the product as the sum of parts in which rows do not overlap."""
        apart = self._stride * self._n_in
        parts = zip(seen.split(apart, dim=1), self._weight.split(apart, dim=1), strict=True)
        first, weight = next(parts)
        result = functional.linear(first, weight, self._bias)
        for part, weight in parts:
            result.addmm_(part, weight.t())
        return result


def split_weight(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return a weight [shape=(n_out, kernel, 4)] for samples that :func:`split_samples` has split.

    A float32 number is the sum of a bfloat16 number and a rest, which is one too but for what is beneath the last digit
    of a product. So the product of two is that of three pairs; that of the rests is too small to matter.
    """
    large, rest = _halves(weight.detach()[..., 0])
    offset = torch.zeros_like(large)
    if bias is not None:
        offset[:, 0], offset[:, 1] = _halves(bias.detach())
    return torch.stack([large, large, rest, offset], dim=-1)


def split_samples(samples: torch.Tensor) -> torch.Tensor:
    """Return samples [shape=(n, 1)] as four channels [shape=(n, 4), bfloat16]: large part, rest, large part, one."""
    large, rest = _halves(samples[:, 0])
    return torch.stack([large, rest, large, torch.ones_like(large)], dim=-1)


def _halves(numbers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    large = numbers.bfloat16()
    return large, (numbers - large.float()).bfloat16()
