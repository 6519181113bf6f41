"""What takes samples through a wav2vec-style model, up to the hidden state that was chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch

from relaylib.models.encoder import Layer
from relaylib.models.first_block import FullPrecisionConv, RecordingNorm

__all__ = ["BESIDE", "Precision", "ReferenceRunner", "Runner", "Statistics"]

DoubleArray = npt.NDArray[np.float64]

BESIDE = 25
"""Frames that one at the edge of what is kept of a window should have beside it in the layers: half a second."""

Precision = Literal["bf16", "fp32", "reference"]
"""How an encoder computes: in one of two types, by our own path on a CPU, or as the library that read the weights."""

Statistics = Callable[[DoubleArray, "DoubleArray | float"], tuple[DoubleArray, DoubleArray]]
"""From kernels and bias of the first convolution to mean and variance, over a whole recording, of what it returns."""


class Runner(Protocol):
    """A frozen model without its surroundings; safe to call from several threads.

    Attributes
    ----------
    precision : "bf16", "fp32" or "reference"
    takes_statistics : bool
        Whether the first convolution is followed by a norm over time.
    """

    @property
    def precision(self) -> Precision: ...  # noqa: D102 (described above, as the other)
    @property
    def takes_statistics(self) -> bool: ...  # noqa: D102

    def __call__(self, samples: torch.Tensor, statistics: Statistics | None) -> torch.Tensor:
        """Return the chosen hidden state [shape=(n_clips, n_frames, dim), float32] of `samples` [shape=(n_clips, n)].

        The norm over time uses `statistics`; without them, those of each clip.
        """
        ...

    def for_windows(self, statistics: Statistics | None, overlap: int) -> Callable[[torch.Tensor, slice], torch.Tensor]:
        """Return the same for the windows of one recording in their order, each `overlap` samples into the next.

        It is told which frames will be kept; the others may be anything.
        """
        ...


class _Reached(Exception):
    """Carries a hidden state out of the model, so that the layers above it are not run."""

    def __init__(self, hidden: torch.Tensor) -> None:
        super().__init__()
        self.hidden = hidden


class ReferenceRunner:
    """The module of the library itself; hooks take hidden states out of it.

    Parameters
    ----------
    final : callable
        From a batch [shape=(n_clips, n), float32] to the model's last hidden state [shape=(n_clips, n_frames, width)].
    layers : torch.nn.ModuleList
        The transformer layers that `final` runs through, in order.
    first : torch.nn.Module
        The first block of the convolution stack, with its ``conv`` and, maybe, its ``layer_norm``.
    layer : int, "mix" or None
        Hidden state to return, counted from the start.
    precision : "reference", "fp32" or "bf16"
        What `final` computes in; "bf16" has torch choose what to compute in bfloat16, see :mod:`torch.amp`.
    """

    def __init__(
        self,
        final: Callable[[torch.Tensor], torch.Tensor],
        layers: torch.nn.ModuleList,
        first: torch.nn.Module,
        layer: Layer,
        precision: Precision = "reference",
    ) -> None:
        self.precision = precision
        self._final, self._layer = final, layer
        self._local = threading.local()  # hidden states on their way out, so that threads do not meet
        self._first = FullPrecisionConv.put_into(first)
        self._norm = RecordingNorm.put_into(first)
        self.takes_statistics = self._norm is not None
        for index, module in enumerate(layers):
            if layer in ("mix", index):
                module.register_forward_pre_hook(self._see, with_kwargs=True)

    def __call__(self, samples: torch.Tensor, statistics: Statistics | None) -> torch.Tensor:
        """Return the chosen hidden state, see :class:`Runner`."""
        states: list[torch.Tensor] = []
        self._local.states = states  # filled by _see while the model runs
        norm = nullcontext() if statistics is None or self._norm is None else self._norm.given(*self._of(statistics))
        try:
            with norm, torch.autocast(samples.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                states.append(self._final(samples))
        except _Reached as reached:
            return reached.hidden.float()
        return torch.cat(states, dim=-1).float()

    def for_windows(self, statistics: Statistics | None, overlap: int) -> Callable[[torch.Tensor, slice], torch.Tensor]:
        """Return the same for windows, see :class:`Runner`; each is taken by itself, and as a whole."""
        return lambda samples, _: self(samples, statistics)

    def _of(self, statistics: Statistics) -> tuple[DoubleArray, DoubleArray]:
        kernels = self._first.weight[:, 0].double().cpu().numpy()
        bias = 0.0 if self._first.bias is None else self._first.bias.double().cpu().numpy()
        return statistics(kernels, bias)

    def _see(self, _: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden: torch.Tensor = args[0] if args else kwargs["hidden_states"]
        if self._layer != "mix":
            raise _Reached(hidden)
        self._local.states.append(hidden)
