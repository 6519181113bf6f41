"""Recordings with short sounds at known times, in the formats of the tests of `audio`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "audio"))  # pytest adds the folder of the test only

from sounds import burst, place_of_burst, write

__all__ = ["place_of_burst", "with_bursts", "write"]


def with_bursts(duration_s, rate, at_s):
    """Return quiet noise [float32] with a 2 kHz burst of 5 ms around each time of `at_s`."""
    x = np.random.default_rng(3).standard_normal(round(duration_s * rate), np.float32) * np.float32(0.003)
    for middle_s in at_s:
        first = round((middle_s - 0.005) * rate)
        times_s = np.arange(first, first + round(0.010 * rate)) / rate
        x[first : first + len(times_s)] += burst(times_s, middle_s).astype(np.float32)
    return x
