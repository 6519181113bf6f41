"""Threads that compute side by side, each on one core."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

__all__ = ["single_threads"]


@contextmanager
def single_threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of `n` threads in each of which torch uses one thread, as it does in this one meanwhile.

    Sums are then the same on any number of cores, as long as the pool's results are added up in a fixed order. More
    threads in this one would be in the way of the others: they wait busily for the next thing to do.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max_workers=n, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(n_threads)
