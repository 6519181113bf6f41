"""Fitting classifiers to labelled embeddings, one for each fold that is held out."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import torch

from relaylib.models.config import ProgressCallback, TrainConfig
from relaylib.models.crops import CropBank, embedding_statistics
from relaylib.models.descent import AGREEMENT_OF_DESCENT, AGREEMENT_OF_STARTED, descend
from relaylib.models.encoder import Encoder
from relaylib.models.example import Example
from relaylib.models.full_batch import AGREEMENT_OF_FULL_BATCH, fit_by_full_batch
from relaylib.models.heads import Head, make_head
from relaylib.models.held_out import Labelled
from relaylib.models.judge import Fold
from relaylib.models.start import Start
from relaylib.models.targets import frame_targets
from relaylib.types import samples_to_ms

__all__ = ["fit_folds"]

_SEEDED = threading.Lock()
"""Held while a head is made by torch's random numbers, which all threads share: another training waits."""


def fit_folds(
    material: Sequence[Example],
    folds: Sequence[Sequence[int]],
    types: tuple[str, ...],
    encoder: Encoder,
    config: TrainConfig,
    notify: ProgressCallback,
    *,
    start: Start | None = None,
) -> tuple[Head, list[Labelled], float]:
    """Fit a classifier for each fold, on all the others; return them as one head.

    Parameters
    ----------
    material : sequence of Example
    folds : sequence of sequences of int
        Indices into `material`; each recording is in one fold.
    types : tuple of str
    encoder : Encoder
        Whose embeddings these are.
    config : TrainConfig
    notify : callable
        Called after every epoch of every fold; a fold that stops early skips some.
    start : Start, optional
        What the members learn on from, made with the same encoder and kind of head.

    Returns
    -------
    Head
        With one member for each fold.
    list of Labelled
        Every recording that judges, with the logits of the member that has not been trained on it.
    float
        How much members agree in their errors, see :func:`relaylib.models.operating_point.points_of_average`.
    """
    with _SEEDED, torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        head = make_head(
            config.head, dim=encoder.dim, n_types=len(types), n_layers=encoder.n_layers, n_members=len(folds)
        )
    if start is None:
        mean, scale = embedding_statistics([m.embeddings for m in material])
        head.mean.copy_(torch.from_numpy(mean))
        head.scale.copy_(torch.from_numpy(scale))
    else:
        start.give(head, types)
    hop_ms = samples_to_ms(encoder.hop)
    targets = [frame_targets(m.item.annotations, types, len(m.embeddings), hop_ms) for m in material]
    parts = [Fold.of(fold, material, targets, types, config) for fold in folds]
    if config.head == "linear" and encoder.n_layers == 1:
        judged = fit_by_full_batch(head, parts, material, targets, types, config, notify)
        agreement = AGREEMENT_OF_FULL_BATCH
    else:
        bank = CropBank(
            [head.standardise(torch.from_numpy(m.embeddings).float()).numpy() for m in material],
            targets,
            crop=max(1, config.chunk_size_ms // hop_ms),
            stride=max(1, config.stride_ms // hop_ms),
            halo=head.halo,
        )
        judged = descend(head, parts, bank, config, notify, started=start is not None)
        agreement = AGREEMENT_OF_DESCENT if start is None else AGREEMENT_OF_STARTED
    found = {
        k: item for fold, own in zip(parts, judged, strict=True) for k, item in zip(fold.judging, own, strict=True)
    }
    return head.eval(), [found[k] for k in sorted(found)], agreement
