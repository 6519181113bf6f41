"""False alarms per hour of audio: what a listener of clean speech would have to click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relaylib.errors import ParameterError

__all__ = ["FalseAlarms", "false_alarms_per_hour"]

_MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """False alarms and the hours they fell in: of clean files, and of all files.

    `clean_per_hour` and `per_hour` are None where there are no hours to divide by.
    """

    clean: int
    clean_hours: float
    total: int
    hours: float

    @property
    def clean_per_hour(self) -> float | None:
        """Detections per hour in files without annotations."""
        return self.clean / self.clean_hours if self.clean_hours else None

    @property
    def per_hour(self) -> float | None:
        """Unmatched detections per hour over all files."""
        return self.total / self.hours if self.hours else None


def false_alarms_per_hour(
    n_false: Sequence[int], durations_ms: Sequence[int | None], clean: Sequence[bool]
) -> FalseAlarms:
    """Relate false alarms to hours of audio.

    Parameters
    ----------
    n_false : sequence of int >= 0
        Unmatched detections per file; in a clean file every detection is one.
    durations_ms : sequence of int or None
        Length of each file. A file of unknown length is left out, with its false alarms.
    clean : sequence of bool
        Whether the file has no annotations.

    Returns
    -------
    FalseAlarms

    Raises
    ------
    ParameterError
        If the three differ in length.

    Examples
    --------
    >>> false_alarms_per_hour([2, 1], [1_800_000, 1_800_000], [True, False]).clean_per_hour
    4.0
    """
    if not len(n_false) == len(durations_ms) == len(clean):
        raise ParameterError(
            f"{len(n_false)} counts, {len(durations_ms)} durations, {len(clean)} flags: need one per file."
        )
    known = [(n, ms, c) for n, ms, c in zip(n_false, durations_ms, clean, strict=True) if ms is not None]
    return FalseAlarms(
        clean=sum(n for n, _, c in known if c),
        clean_hours=sum(ms for _, ms, c in known if c) / _MS_PER_HOUR,
        total=sum(n for n, _, _ in known),
        hours=sum(ms for _, ms, _ in known) / _MS_PER_HOUR,
    )
