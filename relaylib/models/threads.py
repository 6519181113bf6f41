"""Threads that compute side by side without being in each other's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

__all__ = ["beside", "single_threads", "take_free_cores"]

T = TypeVar("T")


class _Company(threading.local):
    """What goes on beside a thread, and the cores that both have together."""

    n_cores = 1
    futures: Sequence[Future[Any]] = ()


_company = _Company()


def _take_one_core() -> None:
    torch.get_num_threads()  # a new thread takes over the last number set in any, when it first looks
    torch.set_num_threads(1)


@contextmanager
def single_threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of `n` threads in each of which torch uses one thread, as it does in this one meanwhile.

    Sums are then the same on any number of cores, as long as the pool's results are added up in a fixed order. More
    threads in this one would be in the way of the others: they wait busily for the next thing to do.
    """
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max_workers=n, initializer=_take_one_core) as pool:
            yield pool
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def beside(calls: Sequence[Callable[[], T]]) -> Iterator[list[Future[T]]]:
    """Have each of the calls run in a thread of its own, on one core, beside what this thread does.

    A product made by more threads than there are cores for waits for the last of them. Work in this thread that gives
    the same on any number of threads calls :func:`take_free_cores` now and then, and has no more threads than that.
    """
    n_cores, outer = torch.get_num_threads(), _company.futures
    try:
        with ThreadPoolExecutor(len(calls), initializer=_take_one_core) as pool:
            futures = [pool.submit(call) for call in calls]
            _company.n_cores, _company.futures = n_cores, futures
            yield futures
    finally:
        _company.futures = outer
        torch.set_num_threads(n_cores)


def take_free_cores() -> None:
    """Let torch use all cores in this thread that nothing :func:`beside` it uses at the moment."""
    if _company.futures:
        n_busy = sum(not future.done() for future in _company.futures)
        torch.set_num_threads(max(1, _company.n_cores - n_busy))
