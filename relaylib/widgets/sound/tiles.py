"""Tiles: the picture of a recording in pieces of 256 columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.widgets.sound.pyramid import COLUMN

__all__ = ["TILE_COLUMNS", "Tile", "tile_end"]

TILE_COLUMNS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """The picture of 256 columns of ``64 * 2**level`` samples each.

    `peaks` [shape=(256, 2), int8, 127 is full scale] holds the smallest and largest sample of each column,
    `spectrogram` [shape=(256, 96), uint8] the level in each band, lowest first, from -90 to -10 dB. `whole` is False
    while some of it is not decoded yet, and therefore empty.
    """

    peaks: npt.NDArray[np.int8]
    spectrogram: npt.NDArray[np.uint8]
    whole: bool


def tile_end(level: int, index: int) -> int:
    """Return the sample behind the last one of a tile."""
    return (index + 1) * TILE_COLUMNS * (COLUMN << level)
