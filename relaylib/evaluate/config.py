"""What an evaluation tolerates and how it resamples."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from relaylib.errors import ParameterError
from relaylib.evaluate.intersection import check_criteria
from relaylib.evaluate.matching import check_tolerances
from relaylib.types import whole_number

__all__ = ["EvalConfig"]


@dataclass(frozen=True, slots=True)
class EvalConfig:
    """Tolerances of the metrics and the resampling behind the intervals.

    `collar_ms` and `offset_ratio` decide which events match: onsets at most `collar_ms` apart, offsets at most
    ``max(collar_ms, offset_ratio * reference length)``. `segment_ms` is the slice of segment-based scores,
    `dtc` and `gtc` are the overlaps that intersection-based scores ask for. Intervals cover
    `confidence_level` of `n_bootstrap` resamplings of the files, drawn with `seed`; 0 gives no intervals.
    """

    collar_ms: int = 200
    offset_ratio: float = 0.2
    segment_ms: int = 1000
    dtc: float = 0.5
    gtc: float = 0.5
    n_bootstrap: int = 1000
    confidence_level: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.generic):  # of which JSON knows nothing
                object.__setattr__(self, field.name, value.item())
        for name in ("collar_ms", "segment_ms"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name)))
        for name in ("n_bootstrap", "seed"):
            if not isinstance(getattr(self, name), int):
                raise ParameterError(f"{name}={getattr(self, name)!r}: need a whole number.")
        check_tolerances(self.collar_ms, self.offset_ratio)
        check_criteria(dtc=self.dtc, gtc=self.gtc)
        if self.segment_ms <= 0:
            raise ParameterError(f"segment_ms={self.segment_ms}: need segment_ms > 0.")
        if not 0 <= self.n_bootstrap <= 100_000:
            raise ParameterError(f"n_bootstrap={self.n_bootstrap}: need 0 <= n_bootstrap <= 100000.")
        if not 0.0 < self.confidence_level < 1.0:
            raise ParameterError(f"confidence_level={self.confidence_level}: need 0 < confidence_level < 1.")
        if self.seed < 0:
            raise ParameterError(f"seed={self.seed}: need seed >= 0.")
