"""Frame classifiers: embeddings in, one logit per frame and type out."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from relaylib.errors import ParameterError

__all__ = ["ChannelDropout", "Dilated", "Head", "Member", "between", "learning_rate", "make_head"]

CLIP = 6.0
"""Standardised embeddings are cut off at this many standard deviations: unheard-of input stays tame."""


class Member(nn.Module):
    """One classifier of the ensemble: the mix of layers, where there are several, and the body on top.

    Parameters
    ----------
    body : nn.Module
        ``(batch, width, n_frames + 2 * halo)`` to ``(batch, n_types, n_frames)``.
    n_layers : int
        With more than 1, a row holds that many layers side by side, and their softmax mix is learned.
    """

    def __init__(self, body: nn.Module, n_layers: int) -> None:
        super().__init__()
        self.n_layers = n_layers
        self.mix = nn.Parameter(torch.zeros(n_layers)) if n_layers > 1 else None
        self.body = body

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the weights, in the state, that have a row for each type."""
        last = f"{len(self.body) - 1}." if isinstance(self.body, nn.Sequential) else ""
        return (f"body.{last}weight", f"body.{last}bias")

    def forward(self, standardised: torch.Tensor) -> torch.Tensor:
        """Return logits [shape=(batch, n_types, n_frames)] of input [shape=(batch, dim, n_frames + 2 * halo)]."""
        if self.mix is not None:
            batch, dim, n_frames = standardised.shape
            layers = standardised.view(batch, self.n_layers, dim // self.n_layers, n_frames)
            standardised = torch.einsum("l,bldt->bdt", self.mix.softmax(0), layers)
        logits: torch.Tensor = self.body(standardised)
        return logits


class Head(nn.Module):
    """A classifier of frames that sees `halo` frames of context on each side: an ensemble of members.

    The input has the halo around it and the output has not, so that a crop, a whole recording and a stream
    cut into pieces give the same logits. Embeddings are standardised first, with the mean and scale of the
    training material; missing context is filled with zeros after that, which is the mean. The members'
    logits are averaged.

    Parameters
    ----------
    members : sequence of Member
    dim : int
        Width of the embeddings.
    halo : int
        Frames of context on each side.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, members: Sequence[Member], dim: int, halo: int) -> None:
        super().__init__()
        self.halo = halo
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("scale", torch.ones(dim))
        self.members = nn.ModuleList(members)

    def only(self, number: int) -> Head:
        """Return a head of one of the members, with the same weights."""
        member = self.members[number]
        assert isinstance(member, Member)
        head = Head([member], len(self.mean), self.halo)
        head.mean, head.scale = self.mean, self.scale
        return head

    @torch.no_grad()
    def move(self, towards: Head, share: float) -> None:
        """Move the weights towards those of another head, by `share` of the way."""
        torch._foreach_lerp_(list(self.parameters()), list(towards.parameters()), share)

    def standardise(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return embeddings [shape=(n_frames, dim)] with the training material's mean 0 and variance 1, clipped."""
        return ((embeddings - self.mean) * self.scale).clamp_(-CLIP, CLIP)

    def forward(self, standardised: torch.Tensor) -> torch.Tensor:
        """Return logits [shape=(batch, n_types, n_frames)] of input [shape=(batch, dim, n_frames + 2 * halo)]."""
        return torch.stack([member(standardised) for member in self.members]).mean(dim=0)


class ChannelDropout(nn.Module):
    """Drops whole channels in training, drawn from `rng`: its own stream, so that heads can train side by side.

    Single values would cost more to draw than the convolutions cost.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.rng = np.random.default_rng(0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [shape=(batch, n_channels, n_frames)], in training without some of its channels."""
        if not self.training or self.share == 0.0:
            return x
        kept = self.rng.random((x.shape[0], x.shape[1], 1)) >= self.share
        return x * torch.from_numpy(kept.astype(np.float32) / np.float32(1.0 - self.share))


class Dilated(nn.Module):
    """A residual block: dilated convolution over time, GELU, mixing of channels."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.over_time = nn.Conv1d(channels, channels, 3, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = ChannelDropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x` [shape=(batch, n_channels, n_frames)] with its update, shorter by the dilation at both ends."""
        update = self.mix(nn.functional.gelu(self.over_time(x)))
        return x[..., self.dilation : -self.dilation] + self.dropout(update)


def _linear(width: int, n_types: int) -> tuple[nn.Module, int]:
    """Logistic regression on single frames."""
    return nn.Conv1d(width, n_types, 1), 0


def _mlp(
    width: int, n_types: int, *, context: int = 5, hidden: int = 128, dropout: float = 0.3
) -> tuple[nn.Module, int]:
    """One hidden layer on a frame and its neighbours, 100 ms to each side."""
    body = nn.Sequential(
        ChannelDropout(0.1),
        nn.Conv1d(width, hidden, 2 * context + 1),
        nn.GELU(),
        ChannelDropout(dropout),
        nn.Conv1d(hidden, n_types, 1),
    )
    return body, context


def _conv(
    width: int,
    n_types: int,
    *,
    channels: int = 64,
    dilations: Sequence[int] = (1, 2, 4, 8, 16, 32),
    dropout: float = 0.2,
) -> tuple[nn.Module, int]:
    """Dilated temporal convolutions [1]_ that see 1.3 s to each side.

    .. [1] Bai, Kolter, Koltun, "An empirical evaluation of generic convolutional and recurrent networks for
       sequence modeling", 2018; here without causality, and without padding inside (see :class:`Head`).
    """
    body = nn.Sequential(
        ChannelDropout(0.1),
        nn.Conv1d(width, channels, 1),
        *(Dilated(channels, dilation, dropout) for dilation in dilations),
        nn.GELU(),
        nn.Conv1d(channels, n_types, 1),
    )
    return body, sum(dilations)


_BODIES = {"linear": _linear, "mlp": _mlp, "conv": _conv}


_RATES = {"linear": 10.0, "mlp": 3.0, "conv": 3.0}
"""Learning rate of each kind at its best on unheard voices, in multiples of the API's default."""

_OF_STARTED = 1 / 6
"""Share of the rate at which a classifier learns on that has learned before; a tenth and a third do equally well."""

_FASTEST = 0.01
"""Rate up to which the multiples go; one that was set higher is left as it is."""


def learning_rate(kind: str, configured: float, *, started: bool = False) -> float:
    """Return the rate at which a kind of head learns, given the configured one (0.001 suits all).

    One that was `started` from weights that have learned already goes on more slowly.

    Examples
    --------
    >>> learning_rate("conv", 0.001), learning_rate("conv", 0.008), learning_rate("conv", 0.05)
    (0.003, 0.01, 0.05)
    """
    rate = max(configured, min(configured * _RATES[kind], _FASTEST))
    return rate * _OF_STARTED if started else rate


def make_head(kind: str, *, dim: int, n_types: int, n_layers: int = 1, n_members: int = 1) -> Head:
    """Return a fresh head of a kind: ``linear``, ``mlp`` or ``conv``.

    Raises
    ------
    ParameterError
        If the kind is unknown or `dim` is not a multiple of `n_layers`.
    """
    if kind not in _BODIES:
        raise ParameterError(f"head {kind!r} is unknown; known are {', '.join(_BODIES)}.")
    if dim % n_layers:
        raise ParameterError(f"dim={dim} is not a multiple of n_layers={n_layers}.")
    made = [_BODIES[kind](dim // n_layers, n_types) for _ in range(n_members)]
    return Head([Member(body, n_layers) for body, _ in made], dim, made[0][1])


def between(start: Head, end: Head, share: float) -> Head:
    """Return a head whose weights lie between those of two, by `share` of the way.

    Weights that were learned on from others are more robust where they are drawn back towards those [1]_.

    References
    ----------
    .. [1] M. Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    found = copy.deepcopy(start)
    found.move(end, share)
    return found
