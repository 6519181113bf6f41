"""Fitting a linear head by full batch, pass by pass, each judged on what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from relaylib.models.config import ProgressCallback, TrainConfig, TrainProgress
from relaylib.models.example import Example
from relaylib.models.heads import Head, Member
from relaylib.models.held_out import Labelled
from relaylib.models.judge import Fold, Judge
from relaylib.models.logistic import FoldedFrames, Pass, fit_logistic
from relaylib.models.targets import Targets
from relaylib.models.threads import in_order

__all__ = ["AGREEMENT_OF_FULL_BATCH", "fit_by_full_batch"]

AGREEMENT_OF_FULL_BATCH = 1.0
"""Members share most of their material and nothing is drawn by lot, so that they err alike: with less, unheard voices
get several times the false alarms that held-out ones had."""


def fit_by_full_batch(
    head: Head,
    folds: Sequence[Fold],
    material: Sequence[Example],
    targets: Sequence[Targets],
    types: tuple[str, ...],
    config: TrainConfig,
    notify: ProgressCallback,
) -> list[list[Labelled]]:
    """Fit each member of a linear head to what its fold does not hold out; return what they say of what is.

    Parameters
    ----------
    head : Head
        Standardises, and has a member for each fold. They are given the weights of the best pass.
    folds : sequence of Fold
    material : sequence of Example
    targets : sequence of Targets
        Alike in length.
    types : tuple of str
    config : TrainConfig
        An epoch is a pass over the material.
    notify : callable
        Called after every pass for every fold; the event-F1 is that of all folds together.

    Returns
    -------
    list of list of Labelled
        For each fold its recordings.
    """
    positive_weight = torch.stack([fold.positive_weight for fold in folds])

    def frames(parts: Sequence[Sequence[int]]) -> FoldedFrames:
        lengths = [sum(len(material[k].embeddings) for k in part) for part in parts]
        order = [k for part in parts for k in part]
        return FoldedFrames(
            _standardised(head, [material[k] for k in order]),
            np.concatenate([targets[k].labels for k in order]),
            np.concatenate([targets[k].weights for k in order]),
            np.cumsum([0, *lengths]).tolist(),
            positive_weight,
        )

    judging = [fold.judging for fold in folds]
    judged = frames(judging)
    copied = any(fold.held_out != fold.judging for fold in folds)
    learned = frames([fold.held_out for fold in folds]) if copied else judged
    order = [k for part in judging for k in part]
    recordings, marks = [material[k] for k in order], [targets[k] for k in order]
    known = [span for example in recordings for span in example.item.annotations]
    judge = Judge(recordings, marks, known, types, config)
    fit_logistic(learned, judged, config.epochs, _Watch(head, judge, len(types), config, notify))
    return [fold.judge.hear(head.only(number)) for number, fold in enumerate(folds)]


def _standardised(head: Head, examples: Sequence[Example]) -> npt.NDArray[np.float16]:
    """Return the standardised embeddings of all examples [shape=(n_frames, dim), float16]."""
    lengths = [len(example.embeddings) for example in examples]
    rows = torch.empty(sum(lengths), len(head.mean), dtype=torch.float16)

    def put(example: Example, place: torch.Tensor) -> None:
        place.copy_(head.standardise(torch.from_numpy(example.embeddings).float()))

    for _ in in_order(partial(put, *each) for each in zip(examples, rows.split(lengths), strict=True)):
        pass
    return rows.numpy()


class _Watch:
    """Judges every pass, tells of it, and keeps the best in the head; says when nothing has got better lately.

    Each type is given the penalty and the pass at which the classifiers of all folds do best together: its events are
    few, in one fold alone a matter of luck.
    """

    def __init__(self, head: Head, judge: Judge, n_types: int, config: TrainConfig, notify: ProgressCallback) -> None:
        self._head, self._judge = head, judge
        self._cuts = np.cumsum([len(rows) for rows in judge.embeddings])[:-1]
        self._config, self._notify = config, notify
        self._merits = np.full(n_types, -np.inf)
        self._epoch = self._best_epoch = 0

    def __call__(self, found: Pass) -> bool:
        self._epoch += 1
        tallies = [self._judge.tallies(self._judge.labelled(np.split(logits, self._cuts))) for logits in found.logits]
        merits = np.array([[self._judge.best(own)[0] for own in of_penalty] for of_penalty in tallies])
        chosen = merits.argmax(axis=0)  # a penalty for each type
        for column, penalty in enumerate(chosen):
            if merits[penalty, column] > self._merits[column]:
                self._merits[column], self._best_epoch = merits[penalty, column], self._epoch
                self._keep(column, found.weights[:, penalty, column], found.biases[:, penalty, column])
        f1 = self._judge.event_f1([tallies[penalty][column] for column, penalty in enumerate(chosen)])
        for fold in range(len(self._head.members)):
            self._tell(fold, f1, found, chosen)
        return self._epoch - self._best_epoch < self._config.patience

    def _keep(self, column: int, weights: torch.Tensor, biases: torch.Tensor) -> None:
        """Give the classifiers of a type, one for each fold, to the members."""
        for member, weight, bias in zip(self._head.members, weights, biases, strict=True):
            assert isinstance(member, Member)
            body = member.body.state_dict()  # whose tensors are those of the head
            body["weight"][column] = weight[:, None]
            body["bias"][column] = bias

    def _tell(self, fold: int, f1: float, found: Pass, chosen: npt.NDArray[np.intp]) -> None:
        columns = np.arange(len(chosen))
        self._notify(
            TrainProgress(
                "training",
                done=(self._epoch - 1) * len(found.weights) + fold + 1,
                total=self._config.epochs * len(found.weights),
                fold=fold,
                epoch=self._epoch,
                train_loss=float(found.train_loss[fold, chosen, columns].mean()),
                validation_loss=float(found.validation_loss[fold, chosen, columns].mean()),
                validation_f1=f1,
            )
        )
