"""Embeddings become logits, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relaylib.models.heads import Head
from relaylib.models.stacked import Step, stacked
from relaylib.models.threads import one_core

__all__ = ["stored", "stream_logits"]

T = TypeVar("T")


def stored(embeddings: npt.NDArray[np.floating]) -> npt.NDArray[np.float16]:
    """Return embeddings as they are stored and trained on: in half precision, cut off at what that can hold.

    Those that are in half precision already are returned as they are: from a cache, a file in memory stays one.
    """
    if embeddings.dtype == np.float16:
        return embeddings
    most = np.finfo(np.float16).max
    return np.clip(embeddings, -most, most).astype(np.float16)


@torch.inference_mode()
def stream_logits(
    head: Head, pieces: Iterable[npt.NDArray[np.floating]], *, classify: Step | None = None
) -> npt.NDArray[np.float32]:
    """Return the logits [shape=(n_frames, n_types)] of consecutive pieces of a recording's embeddings.

    The cuts between pieces do not show: each piece waits until the context behind its last frames is there.
    Memory is that of a piece, beside the logits. `classify` is what :func:`stacked` makes of a head that no longer
    changes: putting it together takes 1 ms.
    """
    classify = classify or stacked(head)
    parts: list[npt.NDArray[np.float32]] = []
    seen = head.mean.new_zeros(head.halo, len(head.mean))
    for piece, is_last in _with_last(pieces):
        with one_core():
            fresh = head.standardise(torch.from_numpy(stored(piece)).float())
            seen = functional.pad(torch.cat([seen, fresh]), (0, 0, 0, head.halo if is_last else 0))
            if len(seen) > 2 * head.halo:
                parts.append(classify(seen).numpy())
                seen = seen[len(seen) - 2 * head.halo :]
    n_types = parts[0].shape[1] if parts else 0
    return np.concatenate(parts) if parts else np.zeros((0, n_types), np.float32)


def _with_last(items: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Yield `items`, and of each whether it is the last."""
    coming = iter(items)
    held = list(islice(coming, 1))
    for item in coming:
        yield held.pop(), False
        held.append(item)
    for item in held:
        yield item, True
