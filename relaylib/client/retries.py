"""When a request is tried again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import httpx

from relaylib.errors import ParameterError

__all__ = ["RetryPolicy", "may_retry_answer", "may_retry_failure", "never_sent", "retry_after_s"]

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_OUR_MISTAKES = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
_PASSING = frozenset({500, 502, 503, 504})
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and for how long a request is tried again.

    Waits double from `first_wait_s` to `most_wait_s`; each is drawn between half of that and all of it, so that many
    clients do not come back at once. A server that names a time in ``Retry-After`` is given that time.

    Parameters
    ----------
    retries : int >= 0
        How many times after the first; 0 tries once.
    first_wait_s, most_wait_s : float > 0
        The shortest and the longest wait.
    total_s : float > 0
        No try begins later than this after the first.
    """

    retries: int = 4
    first_wait_s: float = 0.5
    most_wait_s: float = 8.0
    total_s: float = 60.0

    def __post_init__(self) -> None:
        if self.retries < 0 or self.total_s <= 0 or not 0 < self.first_wait_s <= self.most_wait_s:
            raise ParameterError(f"{self}: need retries >= 0, total_s > 0 and 0 < first_wait_s <= most_wait_s.")

    def wait_s(self, n_tries: int, spent_s: float, asked_s: float | None = None) -> float | None:
        """Return how long to wait before the next try, None if there is none.

        Parameters
        ----------
        n_tries : int >= 1
            How many tries there have been.
        spent_s : float
            Time since the first began.
        asked_s : float, optional
            What the server asked for.
        """
        if n_tries > self.retries:
            return None
        usual = min(self.first_wait_s * 2 ** (n_tries - 1), self.most_wait_s) * random.uniform(0.5, 1.0)
        wait = usual if asked_s is None else max(asked_s, usual)
        return wait if spent_s + wait <= self.total_s else None


def never_sent(error: Exception) -> bool:
    """Return whether a request that got no answer cannot have reached the server."""
    return isinstance(error, _NOT_SENT)


def may_retry_failure(error: Exception, *, repeatable: bool) -> bool:
    """Return whether a request that got no answer may be sent again.

    A request that is not `repeatable` may be only if it cannot have reached the server.
    """
    if not isinstance(error, httpx.TransportError) or isinstance(error, _OUR_MISTAKES):
        return False
    return repeatable or never_sent(error)


def may_retry_answer(status: int, *, repeatable: bool) -> bool:
    """Return whether a request that got this answer may be sent again; one that was too many was not carried out."""
    return status == _TOO_MANY or (repeatable and status in _PASSING)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the time that ``Retry-After`` names, as seconds from now; None if it is absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
