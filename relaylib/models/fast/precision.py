"""In which type to compute: bfloat16 where the processor has it, else float32."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from relaylib.errors import ParameterError
from relaylib.models.runner import Precision

__all__ = ["AskedPrecision", "choose", "has_amx", "has_bf16"]

AskedPrecision = Literal["auto", "bf16", "fp32", "reference"]


def choose(asked: AskedPrecision, obstacle: str | None, device: str) -> Precision:
    """Return the precision that is meant by what was `asked` for.

    Parameters
    ----------
    asked : "auto", "bf16", "fp32" or "reference"
        "auto" is "bf16" where the device has it in hardware, else "fp32"; "reference" for other architectures.
    obstacle : str or None
        What keeps the fast path from being used, see :func:`relaylib.models.fast.architecture.obstacle`.
    device : str
        Where the model runs.

    Raises
    ------
    ParameterError
        If there is no such precision, or the fast path is asked for and cannot be used.
    """
    if asked not in get_args(AskedPrecision):
        raise ParameterError(f"precision={asked!r}: need one of {', '.join(get_args(AskedPrecision))}.")
    if asked == "reference" or (asked == "auto" and obstacle is not None):
        return "reference"
    if obstacle is not None:
        raise ParameterError(
            f"precision={asked!r}: a checkpoint with {obstacle} is run by transformers; use 'auto' or 'reference'."
        )
    if asked == "auto":
        return "bf16" if has_bf16(device) else "fp32"
    return asked


def has_bf16(device: str) -> bool:
    """Whether `device` multiplies bfloat16 in hardware; what cannot be found out counts as no.

    A CPU without it computes the same by conversions, several times slower than float32.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device)[0] >= 8  # Ampere and later
    return kind == "cpu" and _cpu_has_bf16()


def has_amx() -> bool:
    """Whether the CPU multiplies bfloat16 in tiles (AMX); what cannot be found out counts as no."""
    return _cpu_has("amx_bf16", "_is_amx_tile_supported")  # every processor with tiles multiplies bfloat16 in them


def _cpu_has_bf16() -> bool:
    return has_amx() or _cpu_has("avx512_bf16", "_is_avx512_bf16_supported")


def _cpu_has(capability: str, ask: str) -> bool:
    if hasattr(torch.cpu, "get_capabilities"):  # since torch 2.11
        return bool(torch.cpu.get_capabilities().get(capability))
    return bool(getattr(torch.cpu, ask, bool)())  # private, but there since torch 2.4
