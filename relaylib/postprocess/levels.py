"""How loud each ms of a recording is, while its samples go by: a few bytes per ms stay when the samples are gone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from relaylib.types import Levels, ms_to_samples

__all__ = ["STEPS_PER_DB", "LevelMeter", "power_of"]

FloatArray = npt.NDArray[np.float32]
Steps = npt.NDArray[np.uint8]

_ORDER = 3  # of the difference: speech rolls off by less than it rises, what is torn does not
_FLOOR_DB = -109.0
STEPS_PER_DB = 2
_POWERS = 10.0 ** ((np.arange(256) / STEPS_PER_DB + _FLOOR_DB) / 10.0)


class LevelMeter:
    """Measures the samples of a recording, block by block: their power, and that of their third difference.

    Examples
    --------
    >>> meter = LevelMeter()
    >>> meter.add(np.zeros(80, np.float32))
    >>> meter.add(np.ones(16, np.float32))
    >>> meter.levels().power.tolist()
    [0, 0, 0, 0, 0, 218]
    >>> meter.levels().detail.tolist()
    [0, 0, 0, 0, 0, 209]
    """

    def __init__(self) -> None:
        self._rest = np.zeros(_ORDER, np.float32)  # what lies before the next ms, and of it what has come
        self._power: list[Steps] = []
        self._detail: list[Steps] = []

    def add(self, block: FloatArray) -> None:
        """Go on with the next samples [shape=(n,), float32, 16 kHz], of any number."""
        samples = np.concatenate([self._rest, block])
        per_ms = ms_to_samples(1)
        n_new = (len(samples) - _ORDER) // per_ms * per_ms
        self._rest = samples[n_new:].copy()  # and not all of the block with it
        self._power.append(_steps(samples[_ORDER : _ORDER + n_new].reshape(-1, per_ms)))
        self._detail.append(_steps(np.diff(samples[: _ORDER + n_new], _ORDER).reshape(-1, per_ms)))

    def levels(self) -> Levels:
        """Return the levels of all whole ms so far."""
        none = np.zeros(0, np.uint8)
        return Levels(power=np.concatenate([none, *self._power]), detail=np.concatenate([none, *self._detail]))


def _steps(cells: FloatArray) -> Steps:
    power = np.einsum("ij,ij->i", cells, cells) / cells.shape[1]
    with np.errstate(divide="ignore"):
        steps = STEPS_PER_DB * (10.0 * np.log10(power) - _FLOOR_DB)
    return np.clip(np.rint(steps), 0, 255).astype(np.uint8)


def power_of(steps: Steps) -> npt.NDArray[np.float64]:
    """Return the mean squares that levels stand for, full scale being 1."""
    return _POWERS[steps]
