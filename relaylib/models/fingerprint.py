"""One number for all that decides what an encoder returns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["fingerprint"]


def fingerprint(settings: Mapping[str, Any], weights: Iterable[tuple[str, npt.NDArray[Any]]] = ()) -> str:
    """Return the hex SHA-256 of `settings` (JSON values) and of named `weights` (names, types, shapes, bytes).

    The order in which either is given does not matter.

    Examples
    --------
    >>> fingerprint({"hop": 320})[:8]
    'd50065bb'
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, allow_nan=False).encode())
    for name, values in sorted(weights, key=lambda named: named[0]):
        # little-endian, so that the same weights are the same number everywhere
        flat = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
        digest.update(f"\n{name} {flat.dtype.str} {values.shape}\n".encode())
        digest.update(flat.reshape(-1).data.cast("B") if flat.size else b"")
    return digest.hexdigest()
