"""How many cores there are for the server."""

from __future__ import annotations

from joblib import cpu_count

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Return the number of cores that this process may use.

    In a container that is often less than the machine has: those that it is bound to, or what its share of the
    processors' time comes to, rounded up.
    """
    return int(cpu_count())
