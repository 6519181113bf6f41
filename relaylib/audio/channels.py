"""Many channels to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError

__all__ = ["downmix"]


def downmix(x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Average the channels, all with the same weight.

    Adding whole columns is several times as fast as ``x.mean(axis=1)``, which walks the short axis.

    Parameters
    ----------
    x : np.ndarray [shape=(n_samples,) or (n_samples, n_channels), floating point]
        Time first, as soundfile reads it; mono passes through without a copy where it is float32 already.

    Returns
    -------
    np.ndarray [shape=(n_samples,), float32]

    Raises
    ------
    ParameterError
        If `x` has another number of dimensions, no channel, or integer samples (whose full scale is unknown).

    Examples
    --------
    >>> downmix(np.array([[1.0, 0.0], [0.5, 0.5]]))
    array([0.5, 0.5], dtype=float32)
    """
    if not np.issubdtype(x.dtype, np.floating):
        raise ParameterError(f"samples are {x.dtype}; scale them to float -1..1 first.")
    if x.ndim == 1:
        return x.astype(np.float32, copy=False)
    if x.ndim != 2 or x.shape[1] == 0:
        raise ParameterError(f"samples have shape {x.shape}; need (n_samples,) or (n_samples, n_channels).")
    if x.shape[1] == 1:
        return x[:, 0].astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity says it, and is refused where files are read
        mono = x[:, 0] + x[:, 1]
        for channel in range(2, x.shape[1]):
            mono += x[:, channel]
    mono *= 1.0 / x.shape[1]
    return mono.astype(np.float32, copy=False)
