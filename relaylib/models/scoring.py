"""Embeddings become logits, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relaylib.models.heads import Head

__all__ = ["stored", "stream_logits"]


def stored(embeddings: npt.NDArray[np.floating]) -> npt.NDArray[np.float16]:
    """Return embeddings as they are stored and trained on: in half precision, cut off at what that can hold.

    Those that are in half precision already are returned as they are: from a cache, a file in memory stays one.
    """
    if embeddings.dtype == np.float16:
        return embeddings
    most = np.finfo(np.float16).max
    return np.clip(embeddings, -most, most).astype(np.float16)


@torch.inference_mode()
def stream_logits(head: Head, pieces: Iterable[npt.NDArray[np.floating]]) -> npt.NDArray[np.float32]:
    """Return the logits [shape=(n_frames, n_types)] of consecutive pieces of a recording's embeddings.

    The cuts between pieces do not show: each piece waits until the context behind its last frames is there.
    Memory is that of a piece, beside the logits.
    """
    was_training = head.training
    head.eval()
    parts: list[npt.NDArray[np.float32]] = []
    carry: torch.Tensor | None = None
    for piece in pieces:
        fresh = head.standardise(torch.from_numpy(stored(piece)).float())
        ahead = functional.pad(fresh, (0, 0, head.halo, 0)) if carry is None else torch.cat([carry, fresh])
        carry = _classify(head, ahead, parts)
    if carry is not None:
        _classify(head, functional.pad(carry, (0, 0, 0, head.halo)), parts)
    head.train(was_training)
    n_types = parts[0].shape[1] if parts else 0
    return np.concatenate(parts) if parts else np.zeros((0, n_types), np.float32)


def _classify(head: Head, standardised: torch.Tensor, parts: list[npt.NDArray[np.float32]]) -> torch.Tensor:
    """Append the logits of the frames that have their whole context; return the rows still needed."""
    if len(standardised) > 2 * head.halo:
        parts.append(head(standardised.T[None])[0].T.numpy())
    return standardised[max(0, len(standardised) - 2 * head.halo) :]
