"""The model in training: modules of transformers, with a convolution stack that a CPU trains several times as fast."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from material import N_CODES, TYPES
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from relaylib.optional import import_torchaudio

import_torchaudio()  # our way first: transformers imports it too, and trips over a build for another torch
from transformers import Wav2Vec2Config, Wav2Vec2Model  # noqa: E402

__all__ = ["Learner", "configuration"]

SPEAKER_WIDTH = 24
"""Width of what is kept of a voice."""

_LAYERS = "layers.safetensors"
_KEPT = ("types", "speaker", "voices")
_SHARPNESS = 20.0


def configuration(tiny: bool = False) -> Wav2Vec2Config:
    """Return the architecture: wav2vec 2.0, narrow and four layers deep; `tiny` is for trying out."""
    width = 48 if tiny else 256
    return Wav2Vec2Config(
        conv_dim=(32,) * 7 if tiny else (64, 96, 128, 192, 256, 256, 256),
        feat_extract_norm="group",
        do_stable_layer_norm=True,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=2 if tiny else 4,
        num_attention_heads=4,
        num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=2 if tiny else 16,
        **dict.fromkeys(("attention_dropout", "activation_dropout", "feat_proj_dropout", "layerdrop"), 0.0),
        hidden_dropout=0.05,
    )


class Learner(nn.Module):
    """A wav2vec 2.0 model, and the linear layers that it is taught through.

    Parameters
    ----------
    config : Wav2Vec2Config
    n_voices : int
        Voices that it learns from.
    """

    def __init__(self, config: Wav2Vec2Config, n_voices: int) -> None:
        super().__init__()
        self.model = Wav2Vec2Model(config)
        self.codes = nn.Linear(config.hidden_size, N_CODES)
        self.types = nn.Linear(config.hidden_size, len(TYPES))
        self.speaker = nn.Linear(config.hidden_size, SPEAKER_WIDTH)
        self.voices = nn.Linear(SPEAKER_WIDTH, n_voices, bias=False)

    def take(self, folder: Path, voices: Sequence[str]) -> None:
        """Begin with the weights of a checkpoint of the same architecture, and the linear layers where they fit.

        That for types comes along if it was kept, those for voices if the voices are the same; else they stay as they
        are.

        Raises
        ------
        RuntimeError
            If it is of another architecture.
        """
        self.model.load_state_dict(Wav2Vec2Model.from_pretrained(folder, dtype=torch.float32).state_dict())
        if (folder / _LAYERS).exists():
            with safe_open(folder / _LAYERS, "pt") as kept:
                names = kept.keys()  # safetensors has no mapping
                if json.loads(kept.metadata()["voices"]) != list(voices):
                    names = [name for name in names if name.startswith("types")]
                self.load_state_dict({name: kept.get_tensor(name).float() for name in names}, strict=False)

    def keep(self, folder: Path, voices: Sequence[str]) -> None:
        """Write the model as a checkpoint in half precision, and the linear layers for types and voices beside it."""
        self.model.half().save_pretrained(folder)
        layers = {key: value.half() for key, value in self.state_dict().items() if key.startswith(_KEPT)}
        save_file(layers, folder / _LAYERS, {"voices": json.dumps(list(voices))})

    def forward(self, samples: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the last hidden state [shape=(b, t, width)] of crops [shape=(b, n)]; `mask` [shape=(b, t)] hides."""
        mean, variance = samples.mean(1, keepdim=True), samples.var(1, keepdim=True, unbiased=False)
        frames = self._frames((samples - mean) / torch.sqrt(variance + 1e-7))
        hidden, _ = self.model.feature_projection(frames)
        if mask is not None:
            hidden = torch.where(mask[..., None], self.model.masked_spec_embed.to(hidden.dtype), hidden)
        last: torch.Tensor = self.model.encoder(hidden).last_hidden_state
        return last

    def named(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return a score [shape=(n, n_voices)] of each voice for hidden states [shape=(n, width)]: scaled cosines."""
        voice = functional.normalize(self.speaker(hidden).float(), dim=-1)
        with torch.autocast(hidden.device.type, enabled=False):
            return _SHARPNESS * functional.linear(voice, functional.normalize(self.voices.weight, dim=-1))

    def _frames(self, samples: torch.Tensor) -> torch.Tensor:
        """Return what the convolution stack makes of samples, time before channels: products of matrices."""
        first, *others = self.model.feature_extractor.conv_layers
        (kernel,), (stride,) = first.conv.kernel_size, first.conv.stride
        rows = functional.linear(samples.unfold(1, kernel, stride), first.conv.weight[:, 0])
        rows = functional.group_norm(
            rows.transpose(1, 2), first.layer_norm.num_groups, first.layer_norm.weight, first.layer_norm.bias
        ).transpose(1, 2)
        rows = functional.gelu(rows)
        for block in others:
            rows = functional.gelu(_halving(rows, block.conv))
        return rows


def _halving(rows: torch.Tensor, conv: Any) -> torch.Tensor:
    """Return a convolution of stride 2 over `rows` [shape=(b, t, c)]: pairs of rows, and the next for a third tap."""
    n_batch, time, channels = rows.shape
    kernel = conv.kernel_size[0]
    n = (time - kernel) // 2 + 1
    weight = conv.weight.permute(0, 2, 1)  # [shape=(n_out, kernel, c)]
    found = functional.linear(rows[:, : 2 * n].reshape(n_batch, n, 2 * channels), weight[:, :2].flatten(1))
    if kernel == 3:
        found = found + functional.linear(rows[:, 2 : 2 * n + 1 : 2], weight[:, 2])
    return found
