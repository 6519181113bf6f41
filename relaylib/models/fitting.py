"""Fitting classifiers to labelled embeddings, one for each fold that is held out."""

from __future__ import annotations

import copy
import math
import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from relaylib.models.config import TrainConfig, TrainProgress
from relaylib.models.crops import CropBank, embedding_statistics
from relaylib.models.encoder import Encoder
from relaylib.models.heads import ChannelDropout, Head, learning_rate, make_head
from relaylib.models.operating_point import LOGITS, Labelled, shape_candidates, tune_point
from relaylib.models.scoring import stream_logits
from relaylib.models.targets import Targets, frame_targets
from relaylib.types import AudioItem, samples_to_ms

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
        Called after every epoch of every fold; a fold that stops early skips some.

    Returns
    -------
    Head
        With one member for each fold.
    list of Labelled
        Every recording with the logits of the member that has not been trained on it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        head = make_head(
            config.head, dim=encoder.dim, n_types=len(types), n_layers=encoder.n_layers, n_members=len(folds)
        )
    mean, scale = embedding_statistics([m.embeddings for m in material])
    head.mean.copy_(torch.from_numpy(mean))
    head.scale.copy_(torch.from_numpy(scale))
    hop_ms = samples_to_ms(encoder.hop)
    targets = [frame_targets(m.item.annotations, types, len(m.embeddings), hop_ms) for m in material]
    bank = CropBank(
        [head.standardise(torch.from_numpy(m.embeddings.astype(np.float32))).numpy() for m in material],
        targets,
        crop=max(1, config.chunk_size_ms // hop_ms),
        stride=max(1, config.stride_ms // hop_ms),
        halo=head.halo,
    )
    runs = [
        _Run(_single(head, number), bank, material, targets, fold, types, config, [config.seed, number])
        for number, fold in enumerate(folds)
    ]
    judged: dict[int, Labelled] = {}
    for number, (best, found) in enumerate(_side_by_side(runs, config, notify)):
        head.members[number].load_state_dict(best.members[0].state_dict())
        judged |= dict(zip(folds[number], found, strict=True))
    return head.eval(), [judged[k] for k in range(len(material))]


def _single(head: Head, number: int) -> Head:
    """Return a head of one of the members, with the same standardisation."""
    single = Head([copy.deepcopy(head.members[number])], len(head.mean), head.halo)  # type: ignore[list-item]
    single.mean.copy_(head.mean)
    single.scale.copy_(head.scale)
    return single


def _side_by_side(
    runs: Sequence[_Run], config: TrainConfig, notify: ProgressCallback
) -> list[tuple[Head, list[Labelled]]]:
    """Fit all runs, as many at a time as there are cores; `notify` is called from here, not from their threads.

    Each run works on one thread: its steps are so small that a second one costs more than it brings, and
    the results do not depend on the number of cores.
    """
    events: queue.SimpleQueue[TrainProgress | None] = queue.SimpleQueue()
    stop = threading.Event()
    total, done, running = config.epochs * len(runs), 0, len(runs)

    def fit(number: int) -> tuple[Head, list[Labelled]]:
        torch.set_num_threads(1)
        try:
            return runs[number].fit(lambda progress: events.put(replace(progress, fold=number)), stop)
        finally:
            events.put(None)

    n_threads = torch.get_num_threads()
    with ThreadPoolExecutor(max_workers=min(len(runs), os.cpu_count() or 1)) as pool:
        try:
            futures = [pool.submit(fit, number) for number in range(len(runs))]
            while running:
                event = events.get()
                if event is None:
                    running -= 1
                else:
                    done += 1
                    notify(replace(event, done=done, total=total))
            return [future.result() for future in futures]
        finally:
            stop.set()
            torch.set_num_threads(n_threads)


def _judge(head: Head, material: Sequence[Example]) -> list[Labelled]:
    return [
        Labelled(stream_logits(head, [m.embeddings]), m.item.annotations, m.item.duration_ms or 0) for m in material
    ]


class _Run:
    """One run of the optimiser: a classifier, the bank it learns from, and the recordings it is judged on."""

    def __init__(
        self,
        head: Head,
        bank: CropBank,
        material: Sequence[Example],
        targets: Sequence[Targets],
        held_out: Sequence[int],
        types: tuple[str, ...],
        config: TrainConfig,
        seed: Sequence[int],
    ) -> None:
        self._head = head
        self._bank = bank
        self._types = types
        self._config = config
        self._rng = np.random.default_rng(seed)
        for module in head.modules():
            if isinstance(module, ChannelDropout):
                module.rng = self._rng
        self._training = sorted(set(range(len(material))) - set(held_out))
        self._validation = [material[k] for k in held_out]
        self._validation_targets = [targets[k] for k in held_out]
        annotations = [span for k in self._training for span in material[k].item.annotations]
        self._shapes = [shape_candidates(annotations, name) for name in types]
        self._positive_weight = _positive_weight([targets[k] for k in self._training])

    def fit(self, notify: Callable[[TrainProgress], object], stop: threading.Event) -> tuple[Head, list[Labelled]]:
        """Return the classifier of the best epoch, and what it says about the held-out recordings.

        AdamW with weight averaging; binary cross-entropy per type, positives weighted by the square root of
        their rarity and annotations by their confidence. An epoch is judged by the event-F1 of the averaged
        weights on what is held out. `stop` ends the fit after the epoch at hand.
        """
        config = self._config
        n_steps = config.epochs * self._bank.n_batches(config.batch_size, self._training)
        average = copy.deepcopy(self._head)
        rate = learning_rate(config.head, config.learning_rate)
        optimiser = torch.optim.AdamW(self._head.parameters(), lr=rate, weight_decay=0.01, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, n_steps))
        best, best_f1, since_best, step = average, -1.0, 0, 0
        for epoch in range(config.epochs):
            self._head.train()
            losses = []
            for batch in self._bank.batches(config.batch_size, self._rng, self._training):
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
            progress = TrainProgress(
                "training",
                done=epoch + 1,
                total=config.epochs,
                epoch=epoch + 1,
                train_loss=float(np.mean(losses)),
                validation_loss=self._validation_loss(judged),
                validation_f1=f1,
            )
            notify(progress)
            since_best += 1
            if f1 > best_f1:
                best, best_f1, since_best = copy.deepcopy(average), f1, 0
            if since_best >= config.patience or stop.is_set():
                break
        return best.eval(), _judge(best, self._validation)

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
            tune_point(judged, column, name, self._shapes[column][:1], share, logits=LOGITS[::2])[1]
            for column, name in enumerate(self._types)
            if name in present
        ]
        return float(np.mean(f1)) if f1 else 0.0

    def _validation_loss(self, judged: Sequence[Labelled]) -> float:
        arrays = (
            [item.logits for item in judged],
            [target.labels for target in self._validation_targets],
            [target.weights for target in self._validation_targets],
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
    torch._foreach_lerp_(list(average.parameters()), list(head.parameters()), share)
