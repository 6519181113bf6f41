"""Many recordings: several at a time, each on a core of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import torch

from relaylib.models.encoder import Encoder
from relaylib.models.threads import in_order

__all__ = ["many"]

T = TypeVar("T")


def many(calls: Iterable[Callable[[], T]], encoder: Encoder) -> Iterator[T]:
    """Yield what the calls return, in their order; each embeds a recording with `encoder`.

    On a CPU it is one for each core at a time: a core that does the whole of a recording is never waited for. Elsewhere
    it is one after the other, which takes all of the device, and of its memory.
    """
    on_cores = torch.device(getattr(encoder, "device", "cpu")).type == "cpu"
    yield from in_order(calls) if on_cores else (call() for call in calls)
