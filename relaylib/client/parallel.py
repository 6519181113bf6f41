"""Many files at once, with a bar that shows how far they are."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar, cast

from tqdm.auto import tqdm

from relaylib.errors import ParameterError, RelayError

__all__ = ["each", "make_bar"]

T = TypeVar("T")
R = TypeVar("R")


class _Bar(Protocol):
    """The part of a tqdm bar that we use."""

    n: float
    total: float

    def update(self, n: float) -> object: ...
    def set_postfix_str(self, s: str) -> object: ...
    def close(self) -> object: ...


def make_bar(what: str, total: float, *, shown: bool, unit: str = "file", percent: bool = False) -> _Bar:
    """Return a progress bar, in a notebook as a widget; one that is not shown costs nothing."""
    form = "{l_bar}{bar}| {elapsed}{postfix}" if percent else None
    return cast(_Bar, tqdm(total=total, desc=what, unit=unit, disable=not shown, leave=False, bar_format=form))


def each(
    items: Sequence[T],
    do: Callable[[T, threading.Event], R],
    *,
    workers: int,
    what: str,
    progress: bool,
) -> list[R | RelayError | OSError]:
    """Do something with each item, `workers` at a time; return what came of each, in order.

    An item that fails gives its error and does not hold up the rest. An interrupt sets the event that every call
    gets, drops the items that wait, and goes on to the caller.
    """
    if workers < 1:
        raise ParameterError(f"workers={workers}: need at least one.")
    stop = threading.Event()
    bar = make_bar(what, len(items), shown=progress)
    waiting = iter(list(enumerate(items)))
    results: dict[int, R | RelayError | OSError] = {}
    done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        for n, item in waiting:
            mistake: BaseException | None = None
            try:
                results[n] = do(item, stop)
            except (RelayError, OSError) as exc:
                results[n] = exc
            except BaseException as exc:
                mistake = exc
            done.put(mistake)
            if stop.is_set():
                return

    try:
        for _ in range(min(workers, len(items))):  # daemons: a program that is interrupted does not wait for them
            threading.Thread(target=work, name="relaylib-client", daemon=True).start()
        for _ in items:
            if (mistake := done.get()) is not None:
                raise mistake
            bar.update(1)
        return [results[n] for n in range(len(items))]
    finally:
        stop.set()
        bar.close()
