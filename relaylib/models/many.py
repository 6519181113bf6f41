"""Many recordings: several at a time, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import torch

from relaylib.models.encoder import Encoder
from relaylib.models.threads import in_order

__all__ = ["map_recordings"]

R = TypeVar("R")
T = TypeVar("T")


def map_recordings(function: Callable[[R], T], recordings: Iterable[R], encoder: Encoder) -> Iterator[T]:
    """Yield what `function`, which embeds a recording, returns for each of `recordings`, in their order.

    On a CPU it is one recording for each core at a time: a core that does the whole of one is never waited for.
    Elsewhere it is one after the other, which takes all of the device, and of its memory.

    Parameters
    ----------
    function : callable
        Takes a recording, in whatever form it comes; called from several threads at a time. What it raises is raised
        when the turn comes to its result, and ends the rest.
    recordings : iterable
    encoder : Encoder
        The one that `function` embeds with: it says where that is done.

    Examples
    --------
    >>> import numpy as np, relaylib
    >>> encoder = relaylib.models.load_encoder("spectral")
    >>> clips = [np.zeros(16_000, np.float32), np.zeros(32_000, np.float32)]
    >>> [frames.duration_ms for frames in map_recordings(lambda clip: relaylib.embed(clip, encoder), clips, encoder)]
    [1000, 2000]
    """
    if torch.device(getattr(encoder, "device", "cpu")).type == "cpu":
        yield from in_order(partial(function, recording) for recording in recordings)
    else:
        yield from map(function, recordings)
