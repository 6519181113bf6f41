"""What the commands print: results on stdout, remarks and progress bars on stderr."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import click

from relaylib.files import shown

__all__ = ["figure", "print_json", "say", "stages", "table", "track", "use_utf8"]

T = TypeVar("T")


def use_utf8() -> None:
    """Have files and pipes get UTF-8, and a terminal escapes for what it cannot show.

    Windows would write in the code page of the country, which lacks most letters.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def say(message: str, *, style: str | None = None) -> None:
    """Print a remark on stderr, in color on a terminal unless NO_COLOR is set (https://no-color.org)."""
    click.secho(message, err=True, fg=style, color=False if os.environ.get("NO_COLOR") else None)


def print_json(value: Any) -> None:
    """Print `value` as JSON on stdout."""
    from relaylib.formats.json_text import encode_json

    click.echo(encode_json(value), nl=False)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned text; columns whose cells are all numbers stand at the right.

    Examples
    --------
    >>> print(table(("file", "ms"), [("a.wav", "20"), ("b", "1200")]))
    file     ms
    a.wav    20
    b      1200
    """
    body = [tuple(shown(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in (tuple(header), *body)) for i in range(len(header))]
    right = [all(_is_figure(row[i]) for row in body) for i in range(len(header))]
    lines = (
        "  ".join(cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)).rstrip()
        for row in (tuple(header), *body)
    )
    return "\n".join(lines)


def figure(value: float | None, digits: int = 2) -> str:
    """Return a cell of a table: a number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _is_figure(cell: str) -> bool:
    return cell in ("", "-") or cell.replace(".", "", 1).removeprefix("-").isdigit()


class _Bar(Protocol):
    """The part of a tqdm bar that we use."""

    n: float
    total: float | None

    def update(self, n: float = 1) -> bool | None: ...
    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None: ...
    def close(self) -> None: ...


def _bar(total: int, what: str, show: bool | None) -> _Bar:
    """Return a progress bar on stderr: shown if `show`, or by default if stderr is a terminal."""
    from tqdm import tqdm

    visible = sys.stderr.isatty() if show is None else show
    made: _Bar = tqdm(total=total, desc=what, file=sys.stderr, disable=not visible, leave=False)
    return made


def track(items: Iterable[T], total: int, what: str, show: bool | None) -> Iterator[T]:
    """Yield `items` while a bar counts them."""
    meter = _bar(total, what, show)
    try:
        for item in items:
            yield item
            meter.update()
    finally:
        meter.close()


@contextmanager
def stages(show: bool | None) -> Iterator[Callable[[str, int, int, str], None]]:
    """Give a function of ``(stage, done, total, remark)`` that keeps a bar for the current stage."""
    bars: dict[str, _Bar] = {}

    def report(stage: str, done: int, total: int, remark: str) -> None:
        if stage not in bars:
            for finished in bars.values():
                finished.close()
            bars[stage] = _bar(total, stage, show)
        bars[stage].total = total  # which may turn out to be another, as files are read
        bars[stage].update(done - bars[stage].n)
        bars[stage].set_postfix_str(remark)

    try:
        yield report
    finally:
        for left in bars.values():
            left.close()
