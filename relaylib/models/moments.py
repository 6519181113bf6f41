"""Statistics of a whole recording, gathered block by block, for the norms of an encoder that sees windows of it.

A wav2vec-style model normalises over time in two places: its input, and in the "group norm" models the output of the
first convolution. Both are linear in the samples, so that means and covariances of short patches of samples say all.

Products of matrices are torch's here, not NumPy's: NumPy's have threads of their own, which go on waiting for work on
all cores for a while after each product, and so halve the speed of the encoder that follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from relaylib.models.threads import one_core

__all__ = ["Moments", "moments"]

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Mean and variance of the samples, and mean [shape=(k,)] and covariance [shape=(k, k)] of patches of ``k``."""

    mean: float
    variance: float
    patch_mean: DoubleArray
    patch_covariance: DoubleArray

    def of_convolution(
        self, kernels: DoubleArray, bias: DoubleArray | float, *, offset: float, scale: float
    ) -> tuple[DoubleArray, DoubleArray]:
        """Return mean and variance over time of what a convolution makes of the recording.

        Parameters
        ----------
        kernels : np.ndarray [shape=(n_channels, k), float64]
        bias : np.ndarray [shape=(n_channels,)] or 0
        offset, scale : float
            Its input is ``(samples - offset) * scale``.

        Returns
        -------
        mean, variance : np.ndarray [shape=(n_channels,), float64]
        """
        mean = np.einsum("ck,k->c", kernels, (self.patch_mean - offset) * scale) + bias
        variance = np.einsum("ck,kl,cl->c", kernels, self.patch_covariance, kernels) * scale**2
        return mean, np.maximum(variance, 0.0)


@one_core()
def moments(blocks: Iterable[FloatArray], kernel: int, stride: int) -> Moments:
    """Return the statistics of the samples in `blocks`, and of their patches of `kernel` samples every `stride`.

    They are the same however the samples are divided into blocks. There must be at least `kernel` samples.
    """
    n_samples, total, squares = 0, np.float64(0), np.float64(0)
    n_patches = 0
    patch_total, products = np.zeros(kernel), np.zeros((kernel, kernel))
    tail: DoubleArray = np.zeros(0)
    for block in _even(blocks, _BLOCK):
        n_samples += len(block)
        total += block.sum()
        squares += np.einsum("i,i->", block, block)
        joined = np.concatenate([tail, block])
        if len(joined) < kernel:
            tail = joined
            continue
        patches = np.lib.stride_tricks.sliding_window_view(joined, kernel)[::stride]
        n_patches += len(patches)
        columns = torch.from_numpy(np.array(patches.T, order="C"))
        patch_total += columns.sum(dim=1).numpy()
        products += (columns @ columns.t()).numpy()
        tail = joined[len(patches) * stride :]
    mean, patch_mean = total / n_samples, patch_total / n_patches
    return Moments(
        mean=float(mean),
        variance=float(max(0.0, squares / n_samples - mean**2)),
        patch_mean=patch_mean,
        patch_covariance=products / n_patches - np.outer(patch_mean, patch_mean),
    )


def _even(blocks: Iterable[FloatArray], size: int) -> Iterator[DoubleArray]:
    """Divide the samples anew into blocks of `size`, so that sums do not depend on the old ones."""
    room, filled = np.empty(size), 0
    for block in blocks:
        done = 0
        while done < len(block):
            n = min(size - filled, len(block) - done)
            room[filled : filled + n] = block[done : done + n]
            filled, done = filled + n, done + n
            if filled == size:
                yield room
                filled = 0
    if filled:
        yield room[:filled]
