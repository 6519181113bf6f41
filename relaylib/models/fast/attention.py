"""Which frames heed which: softmax of query times key, times value, for all heads of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from relaylib.models.fast.precision import has_amx

__all__ = ["Bias", "attend", "attend_by_products"]

_ROWS = 1024
"""Frames whose attention is computed at once, so that memory does not grow with the square of a clip."""


@dataclass(frozen=True, slots=True, eq=False)
class Bias:
    """What is added before the softmax: the gate of the query times its position towards the key.

    Attributes
    ----------
    gate : torch.Tensor [shape=(n_heads, n_frames, 1), float32]
    positions : torch.Tensor [shape=(n_heads, n_frames, n_frames), float32]
        Queries in rows, keys in columns.
    """

    gate: torch.Tensor
    positions: torch.Tensor


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: Bias | None = None) -> torch.Tensor:
    """Return what each frame takes from all: [shape=(n_heads, n_frames, dim)], like the three given.

    It is torch's own kernel but for bfloat16 on processors that multiply it without tiles (AVX512-BF16): there that
    kernel multiplies as slowly as in float32, and products by oneDNN with a softmax between them take 0.4 to 0.6 of
    its time (500 to 1,500 frames).
    """
    if query.dtype == torch.bfloat16 and query.device.type == "cpu" and not has_amx():
        return attend_by_products(query, key, value, bias)
    mask = None if bias is None else (bias.gate * bias.positions).to(query.dtype)[None]
    return functional.scaled_dot_product_attention(query[None], key[None], value[None], attn_mask=mask)[0]


def attend_by_products(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: Bias | None = None
) -> torch.Tensor:
    """Return the same, with softmax and bias in float32 and the products in the type of what is given.

    The mean key is taken off all keys. It adds the same to every score of a query, which softmax does not see; without
    it scores are smaller, and lose less when they are rounded.
    """
    centred = key.float()
    centred = ((centred - centred.mean(dim=1, keepdim=True)) * query.shape[-1] ** -0.5).to(query.dtype).transpose(1, 2)
    seen = torch.empty_like(query)
    for head in range(len(query)):
        for start in range(0, query.shape[1], _ROWS):
            rows = slice(start, start + _ROWS)
            scores = query[head, rows] @ centred[head]
            if bias is not None:
                scores = torch.addcmul(scores.float(), bias.gate[head, rows], bias.positions[head, rows])
            seen[head, rows] = torch.softmax(scores, dim=-1).to(query.dtype) @ value[head]
    return seen
