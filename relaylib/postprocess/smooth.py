"""Filters along time that make the score curves ready for any threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError

__all__ = ["open_scores", "spread_scores"]


def open_scores(values: npt.NDArray[Any], widths: Sequence[int]) -> npt.NDArray[Any]:
    """Remove the peaks of each column that are narrower than its width, at every threshold at once.

    This is grey opening: whatever threshold comes later, every run it leaves is at least ``widths[k]``
    frames long, so a minimum duration tuned per type does not depend on the threshold in use.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_types)]
    widths : sequence of int >= 1, one for each type
        In frames; 1 leaves the column as it is.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_types)], never larger than `values`

    References
    ----------
    .. [1] Serra, "Image Analysis and Mathematical Morphology", 1982: openings commute with thresholds.
    """
    if len(values) == 0:
        return values.copy()
    _check_widths(values, widths)
    out = values.copy()
    for column, width in enumerate(widths):
        if width > 1:
            # the ends count as continuing: an event cut off by the end of the file is not thereby too short
            lowest = _of_windows(np.minimum, _continued(values[:, column], width - 1), width)
            out[:, column] = _of_windows(np.maximum, lowest, width)
    return out


def spread_scores(values: npt.NDArray[Any], reaches: Sequence[int]) -> npt.NDArray[Any]:
    """Give each frame the largest score within `reach` frames of it, so that no peak is narrower than 2 reach + 1.

    For types whose events are shorter than the shortest span that is reported: their peaks would otherwise
    be dropped for being as short as they are.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_types)]
    reaches : sequence of int >= 0, one for each type
        In frames; 0 leaves the column as it is.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_types)], never smaller than `values`
    """
    if len(values) == 0:
        return values.copy()
    _check_widths(values, [2 * reach + 1 for reach in reaches])
    out = values.copy()
    for column, reach in enumerate(reaches):
        if reach:
            out[:, column] = _of_windows(np.maximum, _continued(values[:, column], reach), 2 * reach + 1)
    return out


def _continued(column: npt.NDArray[Any], n: int) -> npt.NDArray[Any]:
    """Return the column with its first and last value repeated `n` times before and behind it."""
    return np.concatenate([np.repeat(column[:1], n), column, np.repeat(column[-1:], n)])


def _of_windows(extreme: np.ufunc, column: npt.NDArray[Any], width: int) -> npt.NDArray[Any]:
    """Return the extreme of each `width` values in a row, each made of two that are about half as wide."""
    seen = 1
    while seen < width:
        step = min(seen, width - seen)
        column = extreme(column[:-step], column[step:])
        seen += step
    return column


def _check_widths(values: npt.NDArray[Any], widths: Sequence[int]) -> None:
    if values.ndim != 2 or values.shape[1] != len(widths):
        raise ParameterError(
            f"values have shape {values.shape}; need (n_frames, {len(widths)}), a column for each width."
        )
    if any(width < 1 for width in widths):
        raise ParameterError(f"widths={list(widths)}: need at least 1 frame each.")
