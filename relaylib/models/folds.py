"""Which recordings are held out together."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError, TrainingError
from relaylib.types import AudioItem

__all__ = ["fold_items"]

_log = logging.getLogger(__name__)
_N_DEALS = 400


def fold_items(items: Sequence[AudioItem], artifact_types: Sequence[str], n_folds: int, seed: int) -> list[list[int]]:
    """Deal recordings into folds that are alike, keeping groups whole.

    Recordings with a `group` stay together; one without is a group of its own. When all recordings share
    one group there is nothing to keep apart, so they are dealt singly, with a warning. Of many ways to deal
    the groups the one is taken that leaves fewest types (and clean speech) out of a fold, then comes closest
    to equal shares of the duration and of each type's events. So whichever fold is held out, every type
    stands on both sides where the groups allow it.

    Parameters
    ----------
    items : sequence of AudioItem
    artifact_types : sequence of str
        The types to balance.
    n_folds : int >= 2
        Fewer are made where there are fewer groups.
    seed : int

    Returns
    -------
    list of list of int
        Indices into `items`, each in one fold, sorted; no fold is empty.

    Raises
    ------
    TrainingError
        If there are fewer than two recordings.
    """
    if n_folds < 2:
        raise ParameterError(f"n_folds={n_folds}: need at least 2.")
    if len(items) < 2:
        raise TrainingError(f"{len(items)} recordings to train on; need at least 2, to hold one out.")
    names = [f"group {item.group}" if item.group is not None else f"file {item.filename}" for item in items]
    if len(set(names)) == 1:
        _log.warning("all recordings belong to %s: validation will hear known voices", names[0])
        names = [item.filename for item in items]
    groups = {name: k for k, name in enumerate(sorted(set(names)))}
    member = np.array([groups[name] for name in names])
    amounts = np.zeros((len(groups), len(artifact_types) + 2))
    for item, group in zip(items, member, strict=True):
        amounts[group] += _amounts(item, artifact_types)
    n_folds = min(n_folds, len(groups))
    deals = _deals(amounts[:, 0], n_folds, np.random.default_rng(seed))
    fold_of = deals[np.argmin([_badness(deal, amounts, n_folds) for deal in deals])][member]
    return [np.flatnonzero(fold_of == k).tolist() for k in range(n_folds)]


def _amounts(item: AudioItem, artifact_types: Sequence[str]) -> list[float]:
    """Duration, duration of clean speech, then the number of events of each type."""
    duration = float(item.duration_ms or 1)
    counts = [float(sum(span.artifact_type == name for span in item.annotations)) for name in artifact_types]
    return [duration, 0.0 if item.annotations else duration, *counts]


def _deals(durations: npt.NDArray[np.float64], n_folds: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return ways to deal groups into folds [shape=(n_deals, n_groups)]: each group to the fold that is shortest.

    The order is random, but for every second deal, which takes long groups first.
    """
    deals = np.zeros((_N_DEALS, len(durations)), np.int64)
    for row, deal in enumerate(deals):
        order = rng.permutation(len(durations))
        if row % 2:
            order = order[np.argsort(-durations[order] * rng.uniform(0.7, 1.3, len(order)))]
        filled = np.zeros(n_folds)
        for group in order:
            deal[group] = int(filled.argmin())
            filled[deal[group]] += max(durations[group], 1e-9)
    return deals


def _badness(deal: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64], n_folds: int) -> float:
    """Return how far a deal is from folds that are alike, the smaller the better."""
    share = np.zeros((n_folds, amounts.shape[1]))
    np.add.at(share, deal, amounts / np.maximum(amounts.sum(axis=0), 1e-9))
    present = amounts.sum(axis=0) > 0
    share = share[:, present]
    only_here = (share >= 1.0 - 1e-9).sum()
    missing = (share <= 0).sum()
    distance = np.abs(share - 1.0 / n_folds)
    return float(100.0 * only_here + 10.0 * missing + 2.0 * distance[:, 0].sum() + distance.mean())
