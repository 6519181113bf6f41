"""What is held out from a classifier, and how well it does on that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relaylib.models.config import TrainConfig
from relaylib.models.example import Example
from relaylib.models.heads import Head
from relaylib.models.held_out import HeldOut, Labelled, Tally
from relaylib.models.reference import Reference
from relaylib.models.scoring import stream_logits
from relaylib.models.stacked import stacked
from relaylib.models.targets import Targets
from relaylib.models.threads import in_order
from relaylib.models.tuning import LOGITS, best_threshold, shape_candidates, tally
from relaylib.types import Annotation

__all__ = ["Fold", "Judge", "weighted_loss"]

FloatArray = npt.NDArray[np.float32]

_COARSE = LOGITS[::2]


class Judge:
    """Recordings to judge classifiers by that have not learned from them.

    Parameters
    ----------
    recordings : sequence of Example
    targets : sequence of Targets
        Alike in length.
    known : sequence of Annotation
        Those whose lengths say how a type's curve is shaped: what the classifiers have learned from.
    types : tuple of str
    config : TrainConfig
    """

    def __init__(
        self,
        recordings: Sequence[Example],
        targets: Sequence[Targets],
        known: Sequence[Annotation],
        types: tuple[str, ...],
        config: TrainConfig,
    ) -> None:
        self._recordings, self._targets, self._types = recordings, targets, types
        self._shapes = [shape_candidates(known, name) for name in types]
        self._false_alarms = config.max_false_alarms_per_hour

    @property
    def embeddings(self) -> list[npt.NDArray[np.float16]]:
        """Those of the recordings."""
        return [example.embeddings for example in self._recordings]

    @cached_property
    def _reference(self) -> Reference:
        return Reference(
            [example.item.annotations for example in self._recordings],
            [len(example.embeddings) for example in self._recordings],
            [example.item.duration_ms or 0 for example in self._recordings],
        )

    def labelled(self, logits: Sequence[FloatArray]) -> list[Labelled]:
        """Put the logits [shape=(n_frames, n_types)] of each recording beside its labels."""
        return [
            Labelled(own, example.item.annotations, example.item.duration_ms or 0)
            for own, example in zip(logits, self._recordings, strict=True)
        ]

    def hear(self, head: Head) -> list[Labelled]:
        """Put what a head says of each recording beside its labels; several at a time where torch has several cores."""
        classify = stacked(head)
        rows = self.embeddings
        return self.labelled(list(in_order(partial(stream_logits, head, [own], classify=classify) for own in rows)))

    def tallies(self, judged: Sequence[Labelled]) -> list[Tally]:
        """Return what each type's detections come to, at a coarse choice of thresholds."""
        held_out = HeldOut(judged, self._reference)
        return [tally(held_out, k, name, self._shapes[k][0], _COARSE) for k, name in enumerate(self._types)]

    def best(self, found: Tally) -> tuple[float, float]:
        """Return merit (see :func:`relaylib.models.tuning.tune_point`) and event-F1 at the best threshold.

        Every type has an even share of the false alarms allowed.
        """
        at, merit = best_threshold(found, self._false_alarms / len(self._types))
        return merit, float(found.f1[at])

    def event_f1(self, found: Sequence[Tally]) -> float:
        """Return the mean over types, as far as they occur, of the event-F1 at each type's best threshold."""
        known = [self.best(own)[1] for own in found if own.n_reference]
        return float(np.mean(known)) if known else 0.0

    def loss(self, judged: Sequence[Labelled], positive_weight: torch.Tensor) -> float:
        """Return the loss that training minimises, see :func:`weighted_loss`."""
        arrays = (
            [item.logits for item in judged],
            [target.labels for target in self._targets],
            [target.weights for target in self._targets],
        )
        logits, labels, weights = (torch.from_numpy(np.concatenate(array).T) for array in arrays)
        return float(weighted_loss(logits, labels, weights, positive_weight))


def weighted_loss(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, positive_weight: torch.Tensor
) -> torch.Tensor:
    """Return the weighted mean of binary cross-entropy over frames and types [shapes=(…, n_types, n_frames)]."""
    loss: Any = functional.binary_cross_entropy_with_logits(
        logits, labels, weights, pos_weight=positive_weight[:, None], reduction="sum"
    )
    return loss / weights.sum().clamp_min(1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Recordings that are held out together, and those of the other folds.

    Attributes
    ----------
    held_out, training : list of int
        Indices of these recordings and those, each in one of the two.
    judging : list of int
        Those of `held_out` that judge; the others only keep out of training what is much like them.
    positive_weight : torch.Tensor [shape=(n_types,)]
        Of the loss of positive frames: the square root of how many times rarer they are in training.
    judge : Judge
        By what is held out.
    """

    held_out: list[int]
    training: list[int]
    judging: list[int]
    positive_weight: torch.Tensor
    judge: Judge

    @classmethod
    def of(
        cls,
        held_out: Sequence[int],
        material: Sequence[Example],
        targets: Sequence[Targets],
        types: tuple[str, ...],
        config: TrainConfig,
    ) -> Fold:
        """Return the fold that holds out the recordings of these indices, and judges by those that judge."""
        training = sorted(set(range(len(material))) - set(held_out))
        judging = [k for k in held_out if material[k].judges]
        known = [span for k in training for span in material[k].item.annotations]
        judge = Judge([material[k] for k in judging], [targets[k] for k in judging], known, types, config)
        return cls(list(held_out), training, judging, _positive_weight([targets[k] for k in training]), judge)


def _positive_weight(targets: Sequence[Targets]) -> torch.Tensor:
    share = np.concatenate([target.labels for target in targets]).mean(axis=0).clip(1e-5, 0.5)
    return torch.from_numpy(np.sqrt((1.0 - share) / share).astype(np.float32))
