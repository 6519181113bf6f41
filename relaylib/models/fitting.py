"""Fitting classifiers to labelled embeddings, one for each fold that is held out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relaylib.models.config import TrainConfig, TrainProgress
from relaylib.models.crops import CropBank, embedding_statistics
from relaylib.models.encoder import Encoder
from relaylib.models.heads import Head, make_head
from relaylib.models.operating_point import Labelled, shape_candidates, tune_point
from relaylib.models.scoring import stream_logits
from relaylib.models.targets import Targets, frame_targets
from relaylib.types import SAMPLE_RATE, AudioItem

__all__ = ["Example", "ProgressCallback", "fit_folds"]

_AVERAGED_STEPS = 100
"""Steps over which the evaluated weights are averaged; fewer at the beginning."""

ProgressCallback = Callable[[TrainProgress], None]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A labelled recording (its duration filled in) with its embeddings in half precision."""

    item: AudioItem
    embeddings: npt.NDArray[np.float16]


def fit_folds(
    material: Sequence[Example],
    folds: Sequence[Sequence[int]],
    types: tuple[str, ...],
    encoder: Encoder,
    config: TrainConfig,
    notify: ProgressCallback,
) -> tuple[Head, list[Labelled]]:
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
        Called after every epoch; epochs of all folds count.

    Returns
    -------
    Head
        With one member for each fold.
    list of Labelled
        Every recording with the logits of the member that has not been trained on it.
    """
    # one thread: steps are so small that a second one costs more than it brings, and results then do not
    # depend on the number of cores
    with _single_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        head = make_head(
            config.head,
            dim=encoder.dim,
            n_types=len(types),
            n_layers=encoder.n_layers,
            n_members=len(folds),
        )
        mean, scale = embedding_statistics([m.embeddings for m in material])
        head.mean.copy_(torch.from_numpy(mean))
        head.scale.copy_(torch.from_numpy(scale))
        prepared = [_prepare(example, head, types, encoder) for example in material]
        held_out: dict[int, Labelled] = {}
        for number, fold in enumerate(folds):
            rest = [k for k in range(len(material)) if k not in set(fold)]
            single = Head([head.members[number]], encoder.dim, head.halo)  # type: ignore[list-item]
            single.load_state_dict({**single.state_dict(), "mean": head.mean, "scale": head.scale})
            run = _Run(
                single,
                [prepared[k] for k in rest],
                [prepared[k] for k in fold],
                types,
                config,
                encoder.hop * 1000 // SAMPLE_RATE,
            )
            best = run.fit(np.random.default_rng([config.seed, number]), _shifted(notify, number, len(folds), config))
            head.members[number].load_state_dict(best.members[0].state_dict())
            held_out |= dict(zip(fold, _judge(best, [prepared[k] for k in fold]), strict=True))
    return head.eval(), [held_out[k] for k in range(len(material))]


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A recording ready for training: embeddings as they came, standardised ones, and targets."""

    example: Example
    standardised: npt.NDArray[np.float16]
    targets: Targets


def _prepare(example: Example, head: Head, types: Sequence[str], encoder: Encoder) -> _Prepared:
    rows = head.standardise(torch.from_numpy(example.embeddings.astype(np.float32))).numpy()
    hop_ms = encoder.hop * 1000 // SAMPLE_RATE
    targets = frame_targets(example.item.annotations, types, len(rows), hop_ms)
    return _Prepared(example, rows.astype(np.float16), targets)


def _judge(head: Head, material: Sequence[_Prepared]) -> list[Labelled]:
    return [
        Labelled(
            stream_logits(head, [m.example.embeddings]),
            m.example.item.annotations,
            m.example.item.duration_ms or 0,
        )
        for m in material
    ]


class _Run:
    """One run of the optimiser: a classifier, what it learns from, and what it is judged on."""

    def __init__(
        self,
        head: Head,
        training: Sequence[_Prepared],
        validation: Sequence[_Prepared],
        types: tuple[str, ...],
        config: TrainConfig,
        hop_ms: int,
    ) -> None:
        self._head = head
        self._validation = validation
        self._types = types
        self._config = config
        self._bank = CropBank(
            [m.standardised for m in training],
            [m.targets for m in training],
            crop=max(1, config.chunk_size_ms // hop_ms),
            stride=max(1, config.stride_ms // hop_ms),
            halo=head.halo,
        )
        annotations = [span for m in training for span in m.example.item.annotations]
        self._shapes = [shape_candidates(annotations, name, hop_ms) for name in types]
        self._positive_weight = _positive_weight([m.targets for m in training])

    def fit(self, rng: np.random.Generator, notify: ProgressCallback) -> Head:
        """Return the classifier of the best epoch.

        AdamW with weight averaging; binary cross-entropy per type, positives weighted by the square root of
        their rarity and annotations by their confidence. An epoch is judged by the event-F1 of the averaged
        weights on what is held out.
        """
        config = self._config
        n_steps = config.epochs * self._bank.n_batches(config.batch_size)
        average = copy.deepcopy(self._head)
        optimiser = torch.optim.AdamW(self._head.parameters(), lr=config.learning_rate, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, n_steps))
        best, best_f1, since_best, step = average, -1.0, 0, 0
        for epoch in range(config.epochs):
            self._head.train()
            losses = []
            for batch in self._bank.batches(config.batch_size, rng):
                loss = self._loss(self._head(batch.inputs), batch.labels, batch.weights)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self._head.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                step += 1
                _follow(average, self._head, 1.0 / min(step, _AVERAGED_STEPS))
                losses.append(loss.item())
            judged = _judge(average, self._validation)
            f1 = self._event_f1(judged)
            notify(
                TrainProgress(
                    "training", epoch + 1, config.epochs, float(np.mean(losses)), self._validation_loss(judged), f1
                )
            )
            if f1 > best_f1:
                best, best_f1, since_best = copy.deepcopy(average), f1, 0
            else:
                since_best += 1
                if since_best >= config.patience:
                    break
        return best.eval()

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the weighted mean of binary cross-entropy over frames and types [shapes=(…, n_types, n_frames)]."""
        loss = functional.binary_cross_entropy_with_logits(
            logits, labels, weights, pos_weight=self._positive_weight[:, None], reduction="sum"
        )
        return loss / weights.sum().clamp_min(1.0)

    def _event_f1(self, judged: Sequence[Labelled]) -> float:
        """Return the mean over types of the event-F1 at each type's best threshold."""
        share = self._config.max_false_alarms_per_hour / len(self._types)
        present = {span.artifact_type for item in judged for span in item.annotations}
        f1 = [
            tune_point(judged, column, name, self._shapes[column][:1], share)[1]
            for column, name in enumerate(self._types)
            if name in present
        ]
        return float(np.mean(f1)) if f1 else 0.0

    def _validation_loss(self, judged: Sequence[Labelled]) -> float:
        arrays = (
            [item.logits for item in judged],
            [m.targets.labels for m in self._validation],
            [m.targets.weights for m in self._validation],
        )
        tensors: list[Any] = [torch.from_numpy(np.concatenate(array).T) for array in arrays]
        return float(self._loss(*tensors))


def _positive_weight(targets: Sequence[Targets]) -> torch.Tensor:
    """Return the weight of each type's positive frames: the square root of how many times rarer they are."""
    share = np.concatenate([target.labels for target in targets]).mean(axis=0).clip(1e-5, 0.5)
    return torch.from_numpy(np.sqrt((1.0 - share) / share).astype(np.float32))


def _rate(step: int, n_steps: int) -> float:
    """Return the learning rate as a share of the largest: a tenth of the steps to warm up, then a cosine to zero."""
    warm_up = max(1, n_steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, n_steps - warm_up))))


@torch.no_grad()
def _follow(average: Head, head: Head, share: float) -> None:
    """Move the averaged weights towards the present ones by `share`."""
    for slow, fast in zip(average.parameters(), head.parameters(), strict=True):
        slow.lerp_(fast, share)


def _shifted(notify: ProgressCallback, number: int, n_folds: int, config: TrainConfig) -> ProgressCallback:
    """Return a callback that counts the epochs of one fold among those of all."""

    def tell(progress: TrainProgress) -> None:
        notify(replace(progress, done=number * config.epochs + progress.done, total=n_folds * config.epochs))

    return tell


@contextmanager
def _single_thread() -> Iterator[None]:
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
