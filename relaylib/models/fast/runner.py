"""A wav2vec 2.0, HuBERT or WavLM model from samples to hidden states, on a CPU: one clip at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from relaylib.models.consecutive import Consecutive
from relaylib.models.encoder import Layer as LayerChoice
from relaylib.models.fast.convolutions import Convolutions
from relaylib.models.fast.layers import Layer, RelativePositions
from relaylib.models.fast.parts import Linear, Norm
from relaylib.models.fast.positional import PositionalConvolution
from relaylib.models.runner import Precision, Statistics
from relaylib.models.threads import take_free_cores

__all__ = ["FastRunner"]

_DTYPES: dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp32": torch.float32}


class FastRunner:
    """The computation of a model of transformers without its modules, as a :class:`relaylib.models.runner.Runner`.

    It needs the model no more once it is made. Norms and the sums between layers are float32 in either precision. In
    float32 it is the same on any number of threads, to the last digit, and so can change it as it goes.

    Parameters
    ----------
    model : torch.nn.Module
        A model whose configuration has no :func:`~relaylib.models.fast.architecture.obstacle`; frozen, in float32.
    layer : int, "mix" or None
        Hidden state to return, counted from the start. Layers above are not taken.
    precision : "bf16" or "fp32"
        Type of the products.
    """

    def __init__(self, model: Any, layer: LayerChoice, precision: Precision) -> None:
        dtype = _DTYPES[precision]
        self.precision = precision
        self._mix, self._last = layer == "mix", not isinstance(layer, int)
        self._convolutions = Convolutions(model.feature_extractor.conv_layers, dtype)
        self.takes_statistics = self._convolutions.takes_statistics
        projection = model.feature_projection
        self._input_norm = Norm.of(projection.layer_norm) if hasattr(projection, "layer_norm") else None
        self._projection = Linear.of(projection.projection, dtype)
        self._place = PositionalConvolution(model.encoder.pos_conv_embed.conv, dtype)
        self._norm, self._norm_first = Norm.of(model.encoder.layer_norm), model.config.do_stable_layer_norm
        modules = model.encoder.layers[: layer if isinstance(layer, int) else None]
        self._layers = [Layer(module, norm_first=self._norm_first, dtype=dtype) for module in modules]
        first = modules[0].attention if len(modules) else None
        self._positions = RelativePositions(first) if hasattr(first, "rel_attn_embed") else None

    def __call__(self, samples: torch.Tensor, statistics: Statistics | None) -> torch.Tensor:
        """Return the chosen hidden state, see :class:`relaylib.models.runner.Runner`."""
        self._take_free_cores()
        return _each(lambda clip: self._hidden(self._convolutions(clip, statistics)), samples)

    def for_windows(self, statistics: Statistics | None, overlap: int) -> Callable[[torch.Tensor, slice], torch.Tensor]:
        """Return the same for consecutive windows, see :class:`relaylib.models.runner.Runner`.

        Frames that only the positional convolution has to see do not go through the layers.
        """
        convolutions = self._convolutions
        frames_of: Callable[[torch.Tensor], torch.Tensor] = partial(convolutions, statistics=statistics)
        if convolutions.takes_statistics and statistics is None:  # each window has its own, and so its own frames
            overlap = 0
        frames = Consecutive(frames_of, overlap=overlap, hop=convolutions.hop, field=convolutions.field)

        def run(samples: torch.Tensor, wanted: slice) -> torch.Tensor:
            self._take_free_cores()
            return _each(lambda clip: self._hidden(frames(clip), wanted), samples)

        return run

    def _hidden(self, frames: torch.Tensor, wanted: slice = slice(None)) -> torch.Tensor:
        """Return the chosen hidden state of the `frames` of the convolutions, of those that are `wanted` at least."""
        self._take_free_cores()
        if self._input_norm is not None:
            frames = self._input_norm(frames)
        hidden = self._projection(frames).float()
        hidden = hidden + self._place(hidden)
        n_before, n_behind = self._place.seen_only(len(hidden), wanted)
        hidden = hidden[n_before : len(hidden) - n_behind]
        if not self._norm_first:
            hidden = self._norm(hidden)
        positions = None if self._positions is None else self._positions(len(hidden))
        states = [hidden]
        for layer in self._layers:
            self._take_free_cores()
            hidden = layer(hidden, positions)
            if self._mix:
                states.append(hidden)
        if self._norm_first and self._last:
            hidden = self._norm(hidden)
        found = torch.cat([*states[: len(self._layers)], hidden], dim=1) if self._mix else hidden
        return functional.pad(found, (0, 0, n_before, n_behind)) if n_before or n_behind else found

    def _take_free_cores(self) -> None:
        if self.precision == "fp32":
            take_free_cores()


def _each(run: Callable[[torch.Tensor], torch.Tensor], clips: torch.Tensor) -> torch.Tensor:
    return run(clips[0])[None] if len(clips) == 1 else torch.stack([run(clip) for clip in clips])
