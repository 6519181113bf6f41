"""How every command behaves: errors on one line, exit status 1, a traceback only with ``--debug``."""

from __future__ import annotations

import errno
import logging
import math
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import click

from relaylib.cli.output import say
from relaylib.errors import RelayError
from relaylib.files import shown

__all__ = ["FAILED", "Command", "FloatRange", "example", "json_option", "progress_option"]

FAILED = 1
"""Exit status when something failed; wrong usage is 2, as click has it."""

F = TypeVar("F", bound=Callable[..., Any])
_DEBUG = "relaylib.debug"


class Command(click.Command):
    """A command whose errors are one line on stderr, ``error: …``, with exit status 1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=lambda ctx, _, value: ctx.meta.__setitem__(_DEBUG, value),
                help="Show the traceback of an error.",
            )
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        debug = bool(ctx.meta.get(_DEBUG))
        log, handler = logging.getLogger("relaylib"), _Remarks(debug)
        level = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO if debug else logging.WARNING)
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as exc:
            if debug or (isinstance(exc, OSError) and exc.errno == errno.EPIPE):
                raise
            say(f"error: {_in_words(exc)}", style="red")
            ctx.exit(FAILED)
        finally:
            log.removeHandler(handler)
            log.setLevel(level)


class _Remarks(logging.Handler):
    """Prints what the library logs, a line each; the traceback of a failed file with ``--debug``."""

    def __init__(self, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        say(shown(f"{record.levelname.lower()}: {record.getMessage()}"), style="yellow")
        if self._debug and record.exc_info:
            say("".join(traceback.format_exception(*record.exc_info)).rstrip())


class FloatRange(click.FloatRange):
    """A range of numbers; NaN, which no comparison refuses, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return `value` as a number in the range."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


def _in_words(exc: Exception) -> str:
    """Return an error as one line: what we raise on purpose as it is, a bug as what it is."""
    if isinstance(exc, OSError) and exc.strerror:
        names = " -> ".join(str(name) for name in (exc.filename, exc.filename2) if name is not None)
        text = f"{names}: {exc.strerror}" if names else exc.strerror
    elif isinstance(exc, (RelayError, OSError)):
        text = str(exc)
    else:
        text = f"unexpected {type(exc).__name__}: {exc}; run again with --debug and report it"
    return shown(" ".join(text.split()))


def example(*lines: str) -> str:
    """Return an epilog of example lines, which click leaves as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(what: str) -> Callable[[F], F]:
    """Return the option ``--json``, which prints `what` for machines."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {what} as JSON on stdout, and nothing else.")


def progress_option(function: F) -> F:
    """Add ``--progress/--no-progress``; left out, bars show on a terminal only."""
    return click.option(
        "--progress/--no-progress", default=None, help="Progress bar on stderr.  [default: on a terminal]"
    )(function)
