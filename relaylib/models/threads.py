"""Threads that compute side by side without being in each other's way."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar

import torch

__all__ = ["one_core", "side_by_side", "single_threads", "spread", "take_free_cores"]

T = TypeVar("T")

_MOST_THREADS = 8
"""Of those that make calls and help: what is divided has about as many parts, and each thread has to be started."""


def _take_one_core() -> None:
    torch.get_num_threads()  # a new thread takes over the last number set in any, when it first looks
    torch.set_num_threads(1)


@contextmanager
def one_core() -> Iterator[None]:
    """Have torch use one thread in this one meanwhile: for small steps, which are done before others have woken up."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


@contextmanager
def single_threads(n: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of `n` threads in each of which torch uses one thread, as it does in this one meanwhile.

    Sums are then the same on any number of cores, as long as the pool's results are added up in a fixed order. More
    threads in this one would be in the way of the others: they wait busily for the next thing to do.
    """
    with one_core(), ThreadPoolExecutor(max_workers=n, initializer=_take_one_core) as pool:
        yield pool


class _Task(Generic[T]):
    """A call that any thread of a team may make, and what comes of it."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call, self._done = call, Future[T]()
        self._inference = torch.is_inference_mode_enabled()  # a thread's own, like the number of threads

    def run(self) -> None:
        try:
            with torch.inference_mode(self._inference):
                self._done.set_result(self._call())
        except BaseException as exc:  # whatever it is, it is raised in the thread that wants the result
            self._done.set_exception(exc)

    def result(self) -> T:
        """Wait for whoever makes the call."""
        return self._done.result()


class _Team:
    """Threads that run calls side by side, and the tasks that they have to give away, the most urgent first."""

    def __init__(self, n_cores: int, n_calls: int) -> None:
        self._n_cores, self._n_busy, self._n_calls = n_cores, n_calls, n_calls
        self._tasks: deque[_Task[Any]] = deque()
        self._changed = threading.Condition()

    @property
    def n_free(self) -> int:
        """Cores that the thread that asks may use: those that no other thread does."""
        return max(1, self._n_cores - self._n_busy + 1)

    def run(self, call: Callable[[], T], *, leads: bool = False) -> T:
        """Make a call in this thread, then help the others until all of them have made theirs."""
        outer = _own.team, _own.leads
        _own.team, _own.leads = self, leads
        try:
            return call()
        finally:
            _own.team, _own.leads = outer
            torch.set_num_threads(1)
            with self._changed:
                self._n_calls -= 1
                self._n_busy -= 1
                self._changed.notify_all()
            self.help()

    def help(self) -> None:
        """Take part in what the calls have to give away, until all of them are made."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks or self._n_calls <= 0)
                if not self._tasks:
                    return
                self._n_busy += 1
                task = self._tasks.popleft()
            task.run()
            with self._changed:
                self._n_busy -= 1

    def give_up(self) -> None:
        """Let those go who wait for others that never began."""
        with self._changed:
            self._n_calls = 0
            self._changed.notify_all()

    def offer(self, tasks: Sequence[_Task[Any]], *, first: bool) -> None:
        """Let any thread of the team make these calls, before all others or behind them."""
        with self._changed:
            if first:
                self._tasks.extendleft(reversed(tasks))
            else:
                self._tasks.extend(tasks)
            self._changed.notify_all()

    def take(self, until: _Task[Any]) -> _Task[Any] | None:
        """Take the most urgent task, unless that one has been taken already."""
        with self._changed:
            return self._tasks.popleft() if until in self._tasks else None


class _Own(threading.local):
    """The team that a thread is of, and whether what it has to give away comes first."""

    team: _Team | None = None
    leads = False


_own = _Own()


def side_by_side(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same time, each on one core, the last in this thread; return what they return.

    The last should be the longest. What it can divide (:func:`spread`), the others do first, and whoever is done helps
    those who are not; so do cores that are left. On a single core the calls are made one after the other.

    A product made by more threads than there are cores for waits for the last of them. Work that gives the same on any
    number of threads calls :func:`take_free_cores` now and then, and has no more threads than that.
    """
    n_cores = torch.get_num_threads()
    if n_cores == 1 or len(calls) == 1:
        return [call() for call in calls]
    return _together(calls, n_helpers=min(n_cores, _MOST_THREADS) - len(calls))


def _together(calls: Sequence[Callable[[], T]], n_helpers: int) -> list[T]:
    """Make all calls at the same time, the last in this thread; further threads only help."""
    *others, last = calls
    n_cores = torch.get_num_threads()
    team = _Team(n_cores, len(calls))
    try:
        with ThreadPoolExecutor(len(others) + max(0, n_helpers), initializer=_take_one_core) as pool:
            try:
                futures = [pool.submit(team.run, call) for call in others]
                for _ in range(n_helpers):
                    pool.submit(team.help)
            except RuntimeError:  # no more threads are to be had
                team.give_up()
                raise
            here = team.run(last, leads=True)
            return [*(future.result() for future in futures), here]
    finally:
        torch.set_num_threads(n_cores)


def spread(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make calls that do not depend on each other, each on one core, and return what they return.

    Threads :func:`side_by_side` with this one take some of them when they are free. Where there are none, it is all
    cores that torch may use.
    """
    team = _own.team
    if team is None:
        n_threads = min(torch.get_num_threads(), len(calls))
        if n_threads < 2:
            return [call() for call in calls]
        return _together([partial(spread, calls)], n_helpers=n_threads - 1)[-1]
    if not calls:
        return []
    tasks = [_Task(call) for call in calls]
    with one_core():
        team.offer(tasks, first=_own.leads)
        while (task := team.take(tasks[-1])) is not None:
            task.run()
        return [task.result() for task in tasks]


def take_free_cores() -> None:
    """Let torch use all cores in this thread that no thread :func:`side_by_side` with it uses at the moment."""
    if _own.team is not None:
        torch.set_num_threads(_own.team.n_free)
