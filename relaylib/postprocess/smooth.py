"""Filters along time that make the score curves ready for any threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from relaylib.errors import ParameterError

__all__ = ["median_smooth", "open_scores"]


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
    _check_widths(values, widths)
    out = values.copy()
    for column, width in enumerate(widths):
        if width > 1:
            # the ends count as continuing: an event cut off by the end of the file is not thereby too short
            padded = np.pad(values[:, column], width, mode="edge")
            out[:, column] = ndimage.grey_opening(padded, size=width)[width:-width]
    return out


def median_smooth(values: npt.NDArray[Any], widths: Sequence[int]) -> npt.NDArray[Any]:
    """Apply to each column the running median over its odd width in frames (1 leaves it as it is).

    The usual filter of sound event detection: it commutes with thresholds, fills holes and removes peaks
    shorter than half its width.

    Parameters
    ----------
    values : np.ndarray [shape=(n_frames, n_types)]
    widths : sequence of odd int >= 1, one for each type

    Returns
    -------
    np.ndarray [shape=(n_frames, n_types)]
    """
    _check_widths(values, widths)
    out = values.copy()
    for column, width in enumerate(widths):
        if width % 2 == 0:
            raise ParameterError(f"widths[{column}]={width}: a median needs an odd width.")
        if width > 1:
            out[:, column] = ndimage.median_filter(values[:, column], size=width, mode="nearest")
    return out


def _check_widths(values: npt.NDArray[Any], widths: Sequence[int]) -> None:
    if values.ndim != 2 or values.shape[1] != len(widths):
        raise ParameterError(
            f"values have shape {values.shape}; need (n_frames, {len(widths)}), a column for each width."
        )
    if any(width < 1 for width in widths):
        raise ParameterError(f"widths={list(widths)}: need at least 1 frame each.")
