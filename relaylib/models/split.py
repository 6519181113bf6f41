"""Which recordings train and which validate."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError, TrainingError
from relaylib.types import AudioItem

__all__ = ["split_items"]

_log = logging.getLogger(__name__)
_N_CANDIDATES = 4000


def split_items(
    items: Sequence[AudioItem], artifact_types: Sequence[str], fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    """Hold out about `fraction` of the audio, keeping groups whole and every type on both sides.

    Recordings with a `group` stay together; one without is a group of its own. When all recordings share
    one group there is nothing to keep apart, so the split is by recording, with a warning. Of many
    candidate subsets of groups the one is taken that leaves fewest types (and clean speech) missing from a
    side, then comes closest to `fraction` in duration and in each type's events.

    Parameters
    ----------
    items : sequence of AudioItem
    artifact_types : sequence of str
        The types to balance.
    fraction : float in 0..1
        Share of the duration to hold out.
    seed : int

    Returns
    -------
    training, validation : list of int
        Indices into `items`, sorted; neither is empty.

    Raises
    ------
    TrainingError
        If there are fewer than two recordings.
    """
    if not 0 < fraction < 1:
        raise ParameterError(f"fraction={fraction}: need 0 < fraction < 1.")
    if len(items) < 2:
        raise TrainingError(f"{len(items)} recordings to train on; need at least 2, one of them for validation.")
    names = [f"group {item.group}" if item.group is not None else f"file {item.filename}" for item in items]
    if len(set(names)) == 1:
        _log.warning(
            "all recordings belong to %s: the split is by recording, and validation hears known voices", names[0]
        )
        names = [item.filename for item in items]
    groups = sorted(set(names))
    member = np.array([groups.index(name) for name in names])
    amounts = np.zeros((len(groups), len(artifact_types) + 2))
    for item, group in zip(items, member, strict=True):
        amounts[group] += _amounts(item, artifact_types)
    rng = np.random.default_rng(seed)
    candidates = _candidates(amounts[:, 0] / max(amounts[:, 0].sum(), 1e-9), fraction, rng)
    held_out = candidates[np.argmin(_badness(candidates, amounts, fraction))]
    validation = np.flatnonzero(held_out[member])
    return np.flatnonzero(~held_out[member]).tolist(), validation.tolist()


def _amounts(item: AudioItem, artifact_types: Sequence[str]) -> list[float]:
    """Duration, duration of clean speech, then the number of events of each type."""
    duration = float(item.duration_ms or 1)
    counts = [float(sum(span.artifact_type == name for span in item.annotations)) for name in artifact_types]
    return [duration, 0.0 if item.annotations else duration, *counts]


def _candidates(share: npt.NDArray[np.float64], fraction: float, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return subsets of the groups [shape=(n_candidates, n_groups)], none empty and none complete."""
    n = len(share)
    if n <= 11:
        every = np.array(list(itertools.product([False, True], repeat=n)))[1:-1]
        return every[rng.permutation(len(every))]
    order = np.argsort(rng.random((_N_CANDIDATES, n)), axis=1)
    filled = np.cumsum(share[order], axis=1)
    taken_in_order = filled - share[order] / 2 < fraction
    taken_in_order[:, 0], taken_in_order[:, -1] = True, False
    taken = np.zeros((_N_CANDIDATES, n), bool)
    np.put_along_axis(taken, order, taken_in_order, axis=1)
    return taken


def _badness(
    candidates: npt.NDArray[np.bool_], amounts: npt.NDArray[np.float64], fraction: float
) -> npt.NDArray[np.float64]:
    """Return how far each candidate is from a good split, the smaller the better."""
    total = amounts.sum(axis=0)
    present = total > 0
    held = candidates.astype(np.float64) @ amounts[:, present] / total[present]
    # a type that one group alone holds cannot be on both sides: it then belongs to training
    missing_validation = (held <= 0).sum(axis=1)
    missing_training = (held >= 1).sum(axis=1)
    distance = np.abs(held - fraction)
    return 100.0 * missing_training + 10.0 * missing_validation + 2.0 * distance[:, 0] + distance.mean(axis=1)
