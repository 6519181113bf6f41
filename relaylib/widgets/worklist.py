"""The recordings as a queue: what is done, what is shown, which comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from relaylib.errors import ParameterError

__all__ = ["FILTERS", "Filter", "Progress", "QueuedFile", "next_of", "previous_of", "progress_of", "shown"]

Filter = Literal["all", "unlabelled", "suggestions", "done"]

FILTERS: tuple[Filter, ...] = get_args(Filter)
"""What may be shown: everything; neither done nor annotated; with open suggestions; done."""


@dataclass(frozen=True, slots=True)
class QueuedFile:
    """A recording as the queue shows it; `error` says why it cannot be heard."""

    filename: str
    done: bool = False
    n_marks: int = 0
    n_suggestions: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is, in recordings."""

    n_files: int
    n_done: int
    n_unlabelled: int
    n_with_suggestions: int


def _is_shown(file: QueuedFile, name: Filter) -> bool:
    if name == "unlabelled":
        return not file.done and not file.n_marks
    if name == "suggestions":
        return file.n_suggestions > 0
    return name == "all" or file.done


def shown(files: Sequence[QueuedFile], name: str = "all") -> list[int]:
    """Return the indices of the files that the filter `name` shows, in order.

    Raises
    ------
    ParameterError
        If there is no such filter.
    """
    if name not in FILTERS:
        raise ParameterError(f"filter {name!r} is not one of {', '.join(map(repr, FILTERS))}.")
    return [k for k, file in enumerate(files) if _is_shown(file, name)]


def next_of(indices: Sequence[int], current: int) -> int | None:
    """Return the first of `indices` (ascending) after `current`, which need not be among them; None at the end."""
    return next((k for k in indices if k > current), None)


def previous_of(indices: Sequence[int], current: int) -> int | None:
    """Return the last of `indices` (ascending) before `current`, which need not be among them; None at the start."""
    return next((k for k in reversed(indices) if k < current), None)


def progress_of(files: Sequence[QueuedFile]) -> Progress:
    """Return how far the work is.

    Examples
    --------
    >>> progress_of([QueuedFile("a.wav", done=True), QueuedFile("b.wav", n_suggestions=2)])
    Progress(n_files=2, n_done=1, n_unlabelled=1, n_with_suggestions=1)
    """
    return Progress(
        len(files), *(sum(_is_shown(f, name) for f in files) for name in ("done", "unlabelled", "suggestions"))
    )
