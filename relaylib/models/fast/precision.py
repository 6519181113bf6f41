"""In which type to compute: bfloat16 where the processor multiplies it faster, else float32."""

from __future__ import annotations

import platform
import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import torch

from relaylib.errors import ParameterError
from relaylib.models.runner import Precision

__all__ = ["AskedPrecision", "bf16_pays", "choose", "has_amx"]

AskedPrecision = Literal["auto", "bf16", "fp32", "reference"]


def choose(asked: AskedPrecision, obstacle: str | None, device: str) -> Precision:
    """Return the precision that is meant by what was `asked` for.

    Parameters
    ----------
    asked : "auto", "bf16", "fp32" or "reference"
        "auto" is "bf16" where that is faster, see :func:`bf16_pays`, else "fp32"; "reference" for other architectures.
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
        return "bf16" if bf16_pays(device) else "fp32"
    return asked


def bf16_pays(device: str) -> bool:
    """Whether `device` multiplies bfloat16 in hardware, faster than float32; what cannot be found out counts as no.

    A CPU without it computes the same by conversions, several times slower than float32. Those with AVX512-BF16 differ:
    a Zen 4 multiplies bfloat16 2.2 times as fast as float32, a Xeon of which AMX is hidden, half as fast.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device)[0] >= 8  # Ampere and later
    return kind == "cpu" and (has_amx() or (_cpu_has("avx512_bf16", "_is_avx512_bf16_supported") and _is_amd()))


def has_amx() -> bool:
    """Whether the CPU multiplies bfloat16 in tiles (AMX); what cannot be found out counts as no."""
    return _cpu_has("amx_bf16", "_is_amx_tile_supported")  # every processor with tiles multiplies bfloat16 in them


def _cpu_has(capability: str, ask: str) -> bool:
    if hasattr(torch.cpu, "get_capabilities"):  # since torch 2.11
        return bool(torch.cpu.get_capabilities().get(capability))
    return bool(getattr(torch.cpu, ask, bool)())  # private, but there since torch 2.4


@cache
def _is_amd() -> bool:
    try:
        found = re.search(r"^vendor_id\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(errors="replace"), re.MULTILINE)
    except OSError:
        return "AMD" in platform.processor()  # on Windows it ends with the vendor
    return found is not None and "AMD" in found[1]
