"""The weights of a checkpoint by the names that transformers gives them, without that library.

Importing it, and having it make a model, takes several times as long as all the rest of loading an encoder.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from relaylib.models.fast.architecture import obstacle
from relaylib.models.hub import uses_safetensors

__all__ = ["read_model"]

# what configurations of older releases do not say, as every release since takes it
_SINCE_ADDED: dict[str, dict[str, Any]] = {"hubert": {"feat_proj_layer_norm": True, "conv_pos_batch_norm": False}}


def read_model(folder: Path, config: Mapping[str, Any]) -> nn.Module | None:
    """Return what holds the weights of a checkpoint, in float32, or None if it is not plainly one of a known kind.

    It computes nothing. Its modules, parameters and ``config`` have the names that they have in transformers.

    Parameters
    ----------
    folder : Path
        With ``model.safetensors`` or ``pytorch_model.bin``, as a whole. Heads of a fine-tuned model are left out.
    config : mapping
        The content of ``config.json``.
    """
    settings = SimpleNamespace(**{**_SINCE_ADDED.get(config.get("model_type", ""), {}), **config})
    if obstacle(settings) is not None:
        return None
    try:
        with torch.device("meta"):
            model = _Model(settings)
        weights = _of_base_model(_weights(folder), settings.model_type)
        missing, _ = model.load_state_dict(weights, strict=False, assign=True)
    except Exception:  # whatever is absent, damaged or of another shape: transformers may read it, or says what it is
        return None
    return None if missing else model.requires_grad_(False)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    if uses_safetensors(folder):
        return load_file(folder / "model.safetensors")
    found: dict[str, torch.Tensor] = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
    return found


def _of_base_model(weights: Mapping[str, torch.Tensor], family: str) -> dict[str, torch.Tensor]:
    """Return the weights of the model that a fine-tuned one has inside, or of one that is none; as copies."""
    inside = f"{family}."
    if any(name.startswith(inside) for name in weights):
        weights = {name.removeprefix(inside): w for name, w in weights.items() if name.startswith(inside)}
    return {name: w.to(torch.float32, copy=True) for name, w in weights.items()}


class _Model(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        width, eps = config.hidden_size, float(config.layer_norm_eps)
        self.feature_extractor = nn.Module()
        self.feature_extractor.conv_layers = nn.ModuleList(_block(config, k) for k in range(len(config.conv_dim)))
        self.feature_projection = nn.Module()
        if config.model_type != "hubert" or config.feat_proj_layer_norm:  # the others have it, whatever they say
            self.feature_projection.layer_norm = nn.LayerNorm(config.conv_dim[-1], eps=eps)
        self.feature_projection.projection = nn.Linear(config.conv_dim[-1], width)
        self.encoder = nn.Module()
        self.encoder.pos_conv_embed = nn.Module()
        kernel, groups = config.num_conv_pos_embeddings, config.num_conv_pos_embedding_groups
        place = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups)
        # numbers, if any: to tell the shape that a norm of none has, torch would load its compiler
        place.weight = nn.Parameter(torch.zeros(place.weight.shape, device="cpu"))
        self.encoder.pos_conv_embed.conv = weight_norm(place, dim=2)
        self.encoder.layer_norm = nn.LayerNorm(width, eps=eps)
        self.encoder.layers = nn.ModuleList(_layer(config, k) for k in range(config.num_hidden_layers))


def _block(config: Any, index: int) -> nn.Module:
    block, n_out = nn.Module(), config.conv_dim[index]
    n_in = config.conv_dim[index - 1] if index else 1
    kernel, stride = config.conv_kernel[index], config.conv_stride[index]
    block.conv = nn.Conv1d(n_in, n_out, kernel, stride=stride, bias=config.conv_bias)
    if config.feat_extract_norm == "layer":
        block.layer_norm = nn.LayerNorm(n_out)
    elif not index:
        block.layer_norm = nn.GroupNorm(n_out, n_out)
    return block


def _layer(config: Any, index: int) -> nn.Module:
    layer, width, eps = nn.Module(), config.hidden_size, float(config.layer_norm_eps)
    if width % config.num_attention_heads:
        raise ValueError(f"{config.num_attention_heads} heads do not share {width} channels evenly")
    layer.attention = nn.Module()
    layer.attention.num_heads = config.num_attention_heads
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        layer.attention.add_module(name, nn.Linear(width, width))
    if config.model_type == "wavlm":
        _add_positions(layer.attention, config, first=not index)
    layer.layer_norm = nn.LayerNorm(width, eps=eps)
    layer.feed_forward = nn.Module()
    layer.feed_forward.intermediate_dense = nn.Linear(width, config.intermediate_size)
    layer.feed_forward.output_dense = nn.Linear(config.intermediate_size, width)
    layer.final_layer_norm = nn.LayerNorm(width, eps=eps)
    return layer


def _add_positions(attention: nn.Module, config: Any, *, first: bool) -> None:
    """Add what WavLM heeds distances by; the table of the first layer serves all."""
    n_heads = config.num_attention_heads
    attention.num_buckets, attention.max_distance = config.num_buckets, config.max_bucket_distance
    attention.gru_rel_pos_const = nn.Parameter(torch.ones(1, n_heads, 1, 1))
    attention.gru_rel_pos_linear = nn.Linear(config.hidden_size // n_heads, 8)
    if first:
        attention.rel_attn_embed = nn.Embedding(config.num_buckets, n_heads)
