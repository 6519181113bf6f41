"""Progress on its way from a worker to the database, which hears of it a few times a second at most."""

from __future__ import annotations

import msgspec

from relaylib.server.jobs.tasks import Progress

__all__ = ["Notes"]


class Notes:
    """What was heard and not yet written; the fraction never goes back, not even when the work begins anew."""

    def __init__(self, fraction: float) -> None:
        self.fraction = fraction
        self._pending: list[Progress] = []

    def add(self, progress: Progress) -> None:
        """Take a message; of several in a row that differ by their fraction only, the last one is kept."""
        self.fraction = min(max(self.fraction, progress.fraction), 1.0)
        last = self._pending[-1] if self._pending else None
        if last is not None and last.epoch is None and last.stage == progress.stage:
            self._pending.pop()
        self._pending.append(msgspec.structs.replace(progress, fraction=self.fraction))

    def take(self) -> list[Progress]:
        """Give out all that is pending."""
        taken, self._pending = self._pending, []
        return taken

    def put_back(self, taken: list[Progress]) -> None:
        """Take back what could not be written."""
        self._pending = taken + self._pending
