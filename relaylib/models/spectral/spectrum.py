"""Power spectra of many rows, and what they are the transforms of.

By torch, which has these transforms from the processor's maker where there are such: they take a third of the time of
SciPy's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import fft

from relaylib.models.spectral.framing import FloatArray

__all__ = ["correlate", "even_part", "power_spectra"]


def power_spectra(rows: FloatArray, size: int) -> FloatArray:
    """Return the power spectra [shape=(n, size // 2 + 1)] of `rows` [shape=(n, at most size)], with zeros behind."""
    spectra = torch.fft.rfft(_tensor(rows), size).numpy()
    power: FloatArray = spectra.real**2 + spectra.imag**2
    return power


def even_part(spectra: FloatArray) -> FloatArray:
    """Return the signals [shape=(n, 2 * n_bins - 2)] of which these real `spectra` [shape=(n, n_bins)] are transforms.

    Of power spectra they are autocorrelations, of their logarithms cepstra.
    """
    return torch.fft.irfft(_tensor(spectra)).numpy()


def correlate(rows: FloatArray, patches: FloatArray) -> FloatArray:
    """Return the products of each row with its patch at all places where that fits in.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, length), float32]
    patches : np.ndarray [shape=(n, at most length), float32]

    Returns
    -------
    np.ndarray [shape=(n, n_places), float32]
    """
    length, n_places = rows.shape[1], rows.shape[1] - patches.shape[1] + 1
    size = fft.next_fast_len(length, real=True)  # what wraps around comes behind those places
    products = torch.fft.rfft(_tensor(rows), size).mul_(torch.fft.rfft(_tensor(patches), size).conj())
    return torch.fft.irfft(products, size)[:, :n_places].numpy()


def _tensor(rows: npt.NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(np.require(rows, requirements=["C", "W"]))
