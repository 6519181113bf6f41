"""Training material: the frames of all recordings in one bank, and batches of crops cut from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from relaylib.models.targets import Targets
from relaylib.models.threads import in_order

__all__ = ["CROPS_PER_STRIP", "Batch", "CropBank", "embedding_statistics"]

CROPS_PER_STRIP = 8
"""Crops that are cut as one strip; the least batch size of the API, so that a batch holds whole strips."""


_BLOCK = 4096
"""Rows whose statistics are taken at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Input [shape=(batch, dim, n + 2 * halo)], labels and weights [both shape=(batch, n_types, n)]."""

    inputs: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor


def embedding_statistics(
    embeddings: Sequence[npt.NDArray[np.floating]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the mean and the reciprocal standard deviation [both shape=(dim,)] over all frames."""
    n_frames, mean, squares = 0, np.zeros(1), np.zeros(1)
    blocks = [rows[k : k + _BLOCK] for rows in embeddings for k in range(0, len(rows), _BLOCK)]
    for n, own_mean, own_squares in in_order(partial(_moments, block) for block in blocks):
        step, share = own_mean - mean, n / (n_frames + n)
        squares = squares + own_squares + step**2 * n_frames * share
        mean = mean + step * share
        n_frames += n
    deviation = np.sqrt(squares / n_frames)
    # a column that never moves in training says nothing: it is switched off rather than blown up
    scale = np.where(deviation > 1e-4, 1.0 / np.maximum(deviation, 1e-4), 0.0)
    return mean.astype(np.float32), scale.astype(np.float32)


def _moments(block: npt.NDArray[np.floating]) -> tuple[int, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return how many rows there are, their mean, and the sum of squares around it; to be put together in double."""
    wide = torch.from_numpy(np.asarray(block)).float()
    mean = wide.mean(dim=0)
    return len(block), mean.double().numpy(), (wide - mean).square_().sum(dim=0).double().numpy()


class CropBank:
    """Standardised frames of many recordings, each between margins of zeros, from which crops are cut.

    Neighbouring crops are cut as one strip: they share the context that the head reads on both sides, which
    would otherwise cost several times the crops themselves. A frame in two crops of a strip counts twice.

    Parameters
    ----------
    standardised : sequence of np.ndarray [shape=(n_frames, dim)]
        One for each recording; kept in half precision.
    targets : sequence of Targets
        Alike in length.
    crop, stride : int >= 1
        Length and step of crops in frames.
    halo : int >= 0
        Frames of context on each side of a strip.
    """

    def __init__(
        self,
        standardised: Sequence[npt.NDArray[np.floating]],
        targets: Sequence[Targets],
        *,
        crop: int,
        stride: int,
        halo: int,
    ) -> None:
        self._stride, self._halo = stride, halo
        self._strip = crop + (CROPS_PER_STRIP - 1) * stride
        covers = np.zeros(self._strip, np.float32)
        for k in range(CROPS_PER_STRIP):
            covers[k * stride : k * stride + crop] += 1.0
        self._covers = covers
        self._lengths = np.array([len(rows) for rows in standardised])
        # around every recording there is room for a strip that ends on its first frame or starts on its last
        room = self._lengths + 2 * halo + self._strip
        self._firsts = self._strip + np.concatenate([[0], np.cumsum(room)[:-1]])
        n_rows = self._strip + int(room.sum())
        dim, n_types = standardised[0].shape[1], targets[0].labels.shape[1]
        self._rows = np.zeros((n_rows, dim), np.float16)
        self._labels = np.zeros((n_rows, n_types), np.float32)
        self._weights = np.zeros_like(self._labels)
        for first, rows, target in zip(self._firsts, standardised, targets, strict=True):
            at = slice(first + halo, first + halo + len(rows))
            self._rows[at], self._labels[at], self._weights[at] = rows, target.labels, target.weights

    def n_batches(self, batch_size: int, recordings: Sequence[int] | None = None) -> int:
        """Return about how many batches of `batch_size` crops an epoch over `recordings` (default: all) has."""
        lengths = self._lengths if recordings is None else self._lengths[list(recordings)]
        n_strips = int(np.sum(-(-lengths // (CROPS_PER_STRIP * self._stride))))
        return -(-n_strips // max(1, batch_size // CROPS_PER_STRIP))

    def batches(
        self, batch_size: int, rng: np.random.Generator, recordings: Sequence[int] | None = None
    ) -> Iterator[Batch]:
        """Yield every crop of `recordings` (default: all) once, in random order of strips.

        The grid of strips is shifted anew in each recording.
        """
        step = CROPS_PER_STRIP * self._stride
        chosen = range(len(self._lengths)) if recordings is None else recordings
        starts = np.concatenate(
            [self._firsts[k] + np.arange(-rng.integers(step), self._lengths[k], step) for k in chosen]
        )
        rng.shuffle(starts)
        around = np.arange(self._strip + 2 * self._halo)
        inside = np.arange(self._halo, self._halo + self._strip)
        n_strips = max(1, batch_size // CROPS_PER_STRIP)
        for k in range(0, len(starts), n_strips):
            at = starts[k : k + n_strips, None]
            yield Batch(
                _channels_first(self._rows[at + around]),
                _channels_first(self._labels[at + inside]),
                _channels_first(self._weights[at + inside]) * torch.from_numpy(self._covers),
            )


def _channels_first(rows: npt.NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(rows.astype(np.float32)).transpose(1, 2)
