"""A library's model with the weights of its products in bfloat16, as accelerators want them."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch.nn.utils import parametrize

__all__ = ["in_bfloat16"]


def in_bfloat16(model: Any) -> Any:
    """Return a copy of a model of transformers for :class:`torch.autocast`, which then has no weights to convert.

    Norms, embeddings of positions and the first convolution stay in float32.
    """
    own = deepcopy(model)
    first = own.feature_extractor.conv_layers[0].conv
    for module in own.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv1d)) and module is not first:
            if parametrize.is_parametrized(module, "weight"):  # the positional convolution: its product, once
                parametrize.remove_parametrizations(module, "weight")
            module.to(torch.bfloat16)
    return own
