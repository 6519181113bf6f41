"""Threads that compute side by side without being in each other's way."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import Any, Generic, TypeVar

import torch

from relaylib.models.given_up import ending_if

__all__ = ["in_order", "one_core", "side_by_side", "single_threads", "spread", "take_free_cores"]

T = TypeVar("T")

_MOST_THREADS = 8
"""Of those that make calls and help: what is divided has about as many parts, and each thread has to be started."""

_AHEAD = 64
"""Calls that are begun at most before what the first of them returns is asked for, where they come in order."""

_LOOK_S = 0.5
"""How often who waits for results to be taken looks whether there is anybody left to take them."""


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
    """Threads that run calls side by side, and the tasks that they have to give away, the most urgent first.

    Where calls are `alike`, no task is more urgent than another, and each thread sees to its own. Once `left` says so,
    nobody waits for them any more.
    """

    def __init__(
        self, n_cores: int, n_calls: int, *, alike: bool = False, left: Callable[[], bool] = lambda: False
    ) -> None:
        self._n_cores, self._n_busy, self._n_calls = n_cores, n_calls, n_calls
        self._alike, self._left = alike, left
        self._tasks: deque[_Task[Any]] = deque()
        self._changed = threading.Condition()
        self._given_up = False

    @property
    def given_up(self) -> bool:
        """Whether what the threads are at is of no use any more."""
        return self._given_up or self._left()

    @property
    def n_free(self) -> int:
        """Cores that the thread that asks may use: those that no other does, shared evenly where calls are alike."""
        return max(1, self._n_cores // self._n_busy if self._alike else self._n_cores - self._n_busy + 1)

    def run(self, call: Callable[[], T], *, leads: bool = False) -> T:
        """Make a call in this thread, then help the others until all of them have made theirs."""
        try:
            with self._of_this_thread(leads=leads):
                return call()
        finally:
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
            with self._of_this_thread():
                task.run()
            with self._changed:
                self._n_busy -= 1

    @contextmanager
    def _of_this_thread(self, *, leads: bool = False) -> Iterator[None]:
        outer = _own.team, _own.leads
        _own.team, _own.leads = self, leads
        try:
            with ending_if(lambda: self.given_up):
                yield
        finally:
            _own.team, _own.leads = outer

    def give_up(self) -> None:
        """Let those go who wait for others that never began, and stop the others where they look."""
        with self._changed:
            self._given_up = True
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

    def take(self, own: Sequence[_Task[Any]]) -> _Task[Any] | None:
        """Take the task to be made next by a thread that wants the results of its `own`, unless all are taken."""
        with self._changed:
            mine = [task for task in own if task in self._tasks]
            if not mine:
                return None
            chosen = mine[0] if self._alike else self._tasks[0]
            self._tasks.remove(chosen)
            return chosen


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
    if _own.team is not None:
        return spread(calls)
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
        while (task := team.take(tasks)) is not None:
            task.run()
        return [task.result() for task in tasks]


def take_free_cores() -> None:
    """Let torch use all cores in this thread that no thread :func:`side_by_side` with it uses at the moment."""
    if _own.team is not None:
        torch.set_num_threads(_own.team.n_free)


class _Line(Generic[T]):
    """Calls that several threads take one by one, and what they return, in order."""

    def __init__(self, calls: Iterator[Callable[[], T]]) -> None:
        self._calls, self._over = calls, False
        self._taking, self._room = threading.Lock(), threading.Semaphore(_AHEAD)
        self._begun: queue.SimpleQueue[_Task[T] | None] = queue.SimpleQueue()
        self._taker = threading.current_thread()

    def is_left(self) -> bool:
        """Whether nobody will take results any more, although the iteration is not closed: the program has ended."""
        return self._taker is threading.main_thread() and not self._taker.is_alive()

    def work(self) -> None:
        """Make calls until there are no more."""
        while (task := self._next()) is not None:
            task.run()

    def _next(self) -> _Task[T] | None:
        while not self._room.acquire(timeout=_LOOK_S):
            if self.is_left():  # Python waits for this thread, and closes iterations only after that
                return None
        with self._taking:
            if self._over or self.is_left():
                return None
            try:
                task = _Task(next(self._calls))
            except StopIteration:
                self.close()
                self._begun.put(None)
                return None
            except BaseException as exc:  # whatever it is, it is raised where the results are wanted
                self.close()
                task = _Task(partial(_raise, exc))
            self._begun.put(task)
            return task

    def results(self) -> Iterator[T]:
        """Yield what the calls return, each as soon as it and those before it have."""
        while (task := self._begun.get()) is not None:
            yield task.result()
            self._taker = threading.current_thread()
            self._room.release()

    def close(self) -> None:
        """Let no further call be taken."""
        self._over = True
        self._room.release(_MOST_THREADS)


def _raise(exc: BaseException) -> Any:
    raise exc


def in_order(calls: Iterable[Callable[[], T]]) -> Iterator[T]:
    """Yield what the calls return, in their order; as many are made at a time as torch may use cores, each on one.

    On one core a call takes less of it than on several together. What calls divide (:func:`spread`), threads do that
    find no further call. What a call raises is raised in its place; then, and when the iteration is given up, those
    that are being made end where they look (:mod:`relaylib.models.given_up`). No more than a few dozen are made before
    the result of the first is taken.
    """
    n_cores, coming = torch.get_num_threads(), iter(calls)
    first = list(islice(coming, 2 if n_cores > 1 else 0))
    if len(first) < 2:
        yield from (call() for call in chain(first, coming))
        return
    n_threads = min(n_cores, _MOST_THREADS)
    line = _Line(chain(first, coming))
    team = _Team(n_cores, n_threads, alike=True, left=line.is_left)

    def work() -> None:
        _take_one_core()
        team.run(line.work)

    # no pool: at the end of the program that waits for its threads before these can know that it is the end
    threads = [threading.Thread(target=work, name="relaylib-in-order") for _ in range(n_threads)]
    try:
        for thread in threads:
            thread.start()
        yield from line.results()
    finally:
        line.close()
        team.give_up()
        for thread in threads:
            if thread.ident is not None:  # it was started
                thread.join()
        torch.set_num_threads(n_cores)
