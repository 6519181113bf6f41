"""From channels to one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError

__all__ = ["downmix"]


def downmix(x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Average channels into one.

    Parameters
    ----------
    x : np.ndarray [shape=(n_samples, n_channels) or (n_samples,)]
        Channels side by side, as soundfile gives them. One dimension is mono already.

    Returns
    -------
    np.ndarray [shape=(n_samples,), float32]
        The mean over channels, each weighing the same (an LFE channel too). Mono float32 input is returned as it is,
        without a copy.

    Raises
    ------
    ParameterError
        If `x` has another number of dimensions, or no channel.

    Examples
    --------
    >>> downmix(np.array([[1.0, 0.0], [0.5, 0.5]]))
    array([0.5, 0.5], dtype=float32)
    """
    if x.ndim == 1:
        return np.asarray(x, np.float32)
    if x.ndim != 2 or not x.shape[1]:
        raise ParameterError(f"x has shape {x.shape}; need (n_samples, n_channels) or (n_samples,).")
    if x.shape[1] == 1:
        return np.asarray(x[:, 0], np.float32)
    # column sums beat a mean over the short axis several times
    total = np.add(x[:, 0], x[:, 1], dtype=np.float32)
    for channel in range(2, x.shape[1]):
        total += x[:, channel]
    total *= np.float32(1 / x.shape[1])
    return total
