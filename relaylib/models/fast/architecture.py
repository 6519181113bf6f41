"""Which checkpoints the fast path computes exactly as transformers does."""

from __future__ import annotations

from typing import Any

__all__ = ["obstacle"]

_FAMILIES = ("wav2vec2", "hubert", "wavlm")

# field of a configuration -> values under which the fast path is the same computation; a field that a configuration
# lacks counts as None
_KNOWN: dict[str, tuple[Any, ...]] = {
    "model_type": _FAMILIES,
    "feat_extract_norm": ("group", "layer"),
    "feat_extract_activation": ("gelu",),
    "hidden_act": ("gelu",),
    "do_stable_layer_norm": (False, True),
    "conv_pos_batch_norm": (None, False),
    "adapter_attn_dim": (None,),
    "add_adapter": (None, False),
}


def obstacle(config: Any) -> str | None:
    """Return what in a configuration of transformers the fast path does not know; None if it can be used.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> obstacle(SimpleNamespace(model_type="data2vec-audio"))
    "model_type='data2vec-audio'"
    """
    for field, known in _KNOWN.items():
        value = getattr(config, field, None)
        if value not in known:
            return f"{field}={value!r}"
    return None
