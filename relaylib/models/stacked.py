"""The members of a head side by side: what each would compute, in products for all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from relaylib.models.heads import ChannelDropout, Dilated, Head, Member

__all__ = ["Step", "stacked"]

Step = Callable[[torch.Tensor], torch.Tensor]


def stacked(head: Head) -> Step:
    """Return what gives the logits of `head`, as it is now and without dropout.

    It takes standardised embeddings [shape=(n_frames + 2 * halo, dim), float32] and returns logits [shape=(n_frames,
    n_types)]. One member after the other, and convolutions that oneDNN does not take when they are short, take two to
    five times as long; with time last, products leave the caches sooner.
    """
    members = [member for member in head.members if isinstance(member, Member)]
    steps = _steps([member.body for member in members])
    mixes = [member.mix.softmax(0) for member in members if member.mix is not None]
    if mixes:
        steps.insert(0, partial(_mixed, torch.stack(mixes)))
    return partial(_logits, steps)


def _logits(steps: Sequence[Step], standardised: torch.Tensor) -> torch.Tensor:
    seen = standardised[None]
    for step in steps:
        seen = step(seen)
    return seen.mean(dim=0)


def _steps(modules: Sequence[nn.Module]) -> list[Step]:
    """Return what the same module of each member does, step by step."""
    first = modules[0]
    if isinstance(first, nn.Sequential):
        positions = zip(*(module.children() for module in modules), strict=True)
        return [step for position in positions for step in _steps(position)]
    if isinstance(first, ChannelDropout):
        return []
    if isinstance(first, nn.GELU):
        return [functional.gelu]
    if isinstance(first, Dilated):
        blocks = [module for module in modules if isinstance(module, Dilated)]
        over_time, mix = _Convolution([block.over_time for block in blocks]), _Convolution([b.mix for b in blocks])
        return [partial(_dilated, over_time, mix, first.dilation)]
    return [_Convolution([module for module in modules if isinstance(module, nn.Conv1d)])]


class _Convolution:
    """Convolutions of all members: for each place of the kernel a product with the frames moved by as many."""

    def __init__(self, modules: Sequence[nn.Conv1d]) -> None:
        (self._dilation,) = modules[0].dilation
        weights = torch.stack([module.weight.detach() for module in modules])
        self._weights = [weight.transpose(1, 2).contiguous() for weight in weights.unbind(dim=3)]
        self._bias = torch.stack([module.bias.detach() for module in modules if module.bias is not None])[:, None]

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Return what becomes of `frames` [shape=(n_members, n_frames, n_in), or (1, ...) for all of them]."""
        n = frames.shape[1] - (len(self._weights) - 1) * self._dilation
        found = self._bias.expand(-1, n, -1).clone()
        for place, weight in enumerate(self._weights):
            start = place * self._dilation
            found.baddbmm_(frames[:, start : start + n].expand(len(weight), -1, -1), weight)
        return found


def _dilated(over_time: _Convolution, mix: _Convolution, dilation: int, frames: torch.Tensor) -> torch.Tensor:
    return mix(functional.gelu(over_time(frames))).add_(frames[:, dilation:-dilation])


def _mixed(shares: torch.Tensor, frames: torch.Tensor) -> torch.Tensor:
    """Return the mix of layers that each member has learned."""
    n_layers = shares.shape[1]
    return torch.einsum("ml,tld->mtd", shares, frames.view(frames.shape[1], n_layers, -1))
