"""Transformer layers of one clip, with the gated relative positions of WavLM."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional

from relaylib.models.fast.attention import Bias, attend
from relaylib.models.fast.parts import Linear, Norm, side_by_side

__all__ = ["Layer", "RelativePositions"]


class Layer:
    """Attention and feed-forward, each added to the stream of hidden states, which is in float32.

    Parameters
    ----------
    module : torch.nn.Module
        A layer of transformers.
    norm_first : bool
        Whether norms stand before attention and feed-forward (``do_stable_layer_norm``) or after the sums.
    dtype : torch.dtype
        Of the products.
    """

    def __init__(self, module: Any, *, norm_first: bool, dtype: torch.dtype) -> None:
        self._norm_first = norm_first
        self._attention = _Attention(module.attention, dtype)
        self._up = Linear.of(module.feed_forward.intermediate_dense, dtype)
        self._down = Linear.of(module.feed_forward.output_dense, dtype)
        self._norm, self._final_norm = Norm.of(module.layer_norm), Norm.of(module.final_layer_norm)

    def __call__(self, hidden: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        """Return the stream [shape=(n_frames, width), float32] behind the layer; `positions` are WavLM's."""
        if self._norm_first:
            hidden = hidden + self._attention(self._norm(hidden), positions)
            return hidden + self._feed_forward(self._final_norm(hidden))
        hidden = self._norm(self._attention(hidden, positions).float().add_(hidden))
        return self._final_norm(self._feed_forward(hidden).float().add_(hidden))

    def _feed_forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self._down(self._up(rows, gelu=True))


class _Attention:
    def __init__(self, module: Any, dtype: torch.dtype) -> None:
        self._n_heads = module.num_heads
        self._inward = side_by_side([module.q_proj, module.k_proj, module.v_proj], dtype)
        self._outward = Linear.of(module.out_proj, dtype)
        self._gate = _Gate(module) if hasattr(module, "gru_rel_pos_linear") else None

    def __call__(self, rows: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        n = len(rows)
        query, key, value = self._inward(rows).view(n, 3, self._n_heads, -1).permute(1, 2, 0, 3)
        bias = None
        if self._gate is not None and positions is not None:
            bias = Bias(self._gate(rows.view(n, self._n_heads, -1)), positions)
        return self._outward(attend(query, key, value, bias).transpose(0, 1).reshape(n, -1))


class _Gate:
    """How much a frame heeds relative positions, head by head."""

    def __init__(self, module: Any) -> None:
        linear = module.gru_rel_pos_linear  # to eight numbers, of which only two sums of four are used
        self._weight = linear.weight.detach().view(2, 4, -1).sum(1)
        self._bias = linear.bias.detach().view(2, 4).sum(1)
        self._constant = module.gru_rel_pos_const.detach().view(-1, 1, 1)

    def __call__(self, heads: torch.Tensor) -> torch.Tensor:
        """Return the gate [shape=(n_heads, n_frames, 1), float32] of `heads` [shape=(n_frames, n_heads, dim)]."""
        sums = functional.linear(heads.float(), self._weight, self._bias)
        a, b = torch.sigmoid(sums).transpose(0, 1).chunk(2, dim=-1)
        return a * (b * self._constant - 1.0) + 2.0


class RelativePositions:
    """WavLM's bias of attention by the distance of two frames, before it is gated; the layers share it.

    Distances fall into buckets: exact when small, logarithmic further away, up to `farthest`, and apart by sign.

    Parameters
    ----------
    attention : torch.nn.Module
        Of the first layer, which holds the table [shape=(n_buckets, n_heads)].
    """

    def __init__(self, attention: Any) -> None:
        self._table = attention.rel_attn_embed.weight.detach()
        self._n_buckets, self._farthest = attention.num_buckets // 2, attention.max_distance

    def __call__(self, n_frames: int) -> torch.Tensor:
        """Return the bias [shape=(n_heads, n_frames, n_frames), float32] of queries (rows) and keys (columns)."""
        distances = torch.arange(1 - n_frames, n_frames, device=self._table.device)
        by_distance = self._table[self._bucket(distances)].t().contiguous()
        return by_distance.unfold(1, n_frames, 1).flip(1)  # row i starts at distance -i

    def _bucket(self, distances: torch.Tensor) -> torch.Tensor:
        n_exact = self._n_buckets // 2
        size = distances.abs()
        octaves = torch.log(size.float() / n_exact) / math.log(self._farthest / n_exact)
        far = (n_exact + octaves * (self._n_buckets - n_exact)).to(torch.long).clamp(max=self._n_buckets - 1)
        return torch.where(size < n_exact, size, far) + (distances > 0) * self._n_buckets
