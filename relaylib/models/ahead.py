"""Reading ahead: what is decoded next is made while the encoder is busy with what came before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["read_ahead"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def read_ahead(items: Iterable[T], n: int) -> Iterator[T]:
    """Yield `items`, of which a thread of its own makes up to `n` before they are asked for.

    An error of `items` is raised where it would have come. The thread ends with the iteration, also with one that is
    given up; it does not outlive it by more than the item at hand.

    Parameters
    ----------
    items : iterable
        Gone through in the thread.
    n : int >= 1
        Items that wait at most; one more may be in the making.
    """
    ready: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
    room = threading.Semaphore(n)
    given_up = threading.Event()

    def fill() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                room.acquire()
                if given_up.is_set():
                    return
                ready.put(item)
        except BaseException as exc:  # whatever it is, it is raised in the other thread
            error = exc
        ready.put(_End(error))

    thread = threading.Thread(target=fill, name="relaylib-read-ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := ready.get(), _End):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        given_up.set()
        room.release()
        thread.join()
