"""How long it has been quiet and will stay so: the measure of a pause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from relaylib.models.spectral.framing import FloatArray, centred_frames, log_power_db, mean_square, n_frames_of
from relaylib.postprocess.runs import active_runs
from relaylib.types import HOP

__all__ = ["quiet_features"]

BLOCK = 80  # 5 ms
THRESHOLDS_DB = (-26.0, -34.0, -42.0, -50.0)
"""Levels re loud speech under which a block counts as quiet; several, since noise floors differ."""


def quiet_features(samples: FloatArray) -> FloatArray:
    """Return, for each threshold, the share of quiet and the length of the quiet run [shape=(n_frames, 12)].

    A run's length is given on every one of its frames as ``log(1 + length / 100 ms)``, zero on frames that
    are not quiet; so a frame inside a pause knows the whole pause. The third column of each threshold is
    zero for a run that opens or closes the samples, and repeats the length otherwise: the silence before
    and after speech is no pause.
    """
    n_frames = n_frames_of(len(samples))
    energy = log_power_db(mean_square(centred_frames(samples, 4 * BLOCK, BLOCK)))
    per_frame = HOP // BLOCK
    loud, floor = np.percentile(energy, 95), np.percentile(energy, 3)
    columns = []
    for relative in THRESHOLDS_DB:
        threshold = max(loud + relative, min(floor + 8.0, loud - 26.0))
        quiet = energy < threshold
        length, inner = _run_lengths(quiet)
        columns += [_per_frame(quiet.astype(np.float32), n_frames, per_frame, np.mean)]
        columns += [_per_frame(length, n_frames, per_frame, np.max), _per_frame(inner, n_frames, per_frame, np.max)]
    return np.stack(columns, axis=1).astype(np.float32)


def _run_lengths(quiet: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    length = np.zeros(len(quiet), np.float32)
    inner = np.zeros(len(quiet), np.float32)
    for start, end in zip(*active_runs(quiet), strict=True):
        value = np.log1p((end - start) * BLOCK / 1600.0)
        length[start:end] = value
        inner[start:end] = value if start > 0 and end < len(quiet) else 0.0
    return length, inner


def _per_frame(blocks: FloatArray, n_frames: int, per_frame: int, statistic: Callable[..., Any]) -> FloatArray:
    """Reduce blocks to frames with a NumPy statistic; a last frame that is not full repeats its last block."""
    padded = np.zeros(n_frames * per_frame, np.float32)
    padded[: len(blocks)] = blocks[: len(padded)]
    if len(blocks) < len(padded):
        padded[len(blocks) :] = blocks[-1]
    return np.asarray(statistic(padded.reshape(n_frames, per_frame), axis=1))
