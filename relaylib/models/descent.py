"""Fitting classifiers step by step, on crops: the way for heads that are not linear in their weights."""

from __future__ import annotations

import copy
import math
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from relaylib.models.config import ProgressCallback, TrainConfig, TrainProgress
from relaylib.models.crops import CropBank
from relaylib.models.heads import ChannelDropout, Head, between, learning_rate
from relaylib.models.held_out import Labelled
from relaylib.models.judge import Fold, weighted_loss
from relaylib.models.threads import single_threads

__all__ = ["AGREEMENT_OF_DESCENT", "AGREEMENT_OF_STARTED", "descend"]

AGREEMENT_OF_DESCENT = 1 / 3
"""Correlation between members' errors on unheard voices; 0.2 to 0.4 does equally well on real speech."""

AGREEMENT_OF_STARTED = 0.6
"""The same where members start from weights that have learned from the same speech."""

_OF_LEARNED = 0.75
"""How far a classifier goes from where it started towards where minutes of labels lead it: what was known before holds
for more voices. With ten minutes, macro on left-out engines is 0.83, 0.85, 0.87 and 0.87 for 0.25, 0.5, 0.75 and 1."""

_AVERAGED_STEPS = 100
"""Steps over which the evaluated weights are averaged; fewer at the beginning."""


def descend(
    head: Head,
    folds: Sequence[Fold],
    bank: CropBank,
    config: TrainConfig,
    notify: ProgressCallback,
    *,
    started: bool = False,
) -> list[list[Labelled]]:
    """Fit each member of a head to what its fold does not hold out; return what they say of what is.

    As many at a time as there are cores; `notify` is called from here, not from their threads. Each works on one
    thread: its steps are so small that a second one costs more than it brings, and the results do not depend on the
    number of cores.

    Parameters
    ----------
    head : Head
        Standardises, and has a member for each fold. They are given the weights of their best epoch.
    folds : sequence of Fold
    bank : CropBank
        Of all the material.
    config : TrainConfig
    notify : callable
        Called after every epoch of every fold; a fold that stops early skips some.
    started : bool
        Whether the members' weights have learned already.

    Returns
    -------
    list of list of Labelled
        For each fold its recordings.
    """
    rate = learning_rate(config.head, config.learning_rate, started=started)
    runs = [
        _Run(head.only(number), fold, bank, config, rate, [config.seed, number], share=_OF_LEARNED if started else 1.0)
        for number, fold in enumerate(folds)
    ]
    events: queue.SimpleQueue[TrainProgress | None] = queue.SimpleQueue()
    stop = threading.Event()
    total, done, running = config.epochs * len(runs), 0, len(runs)

    def fit(number: int) -> tuple[Head, list[Labelled]]:
        try:
            return runs[number].fit(lambda progress: events.put(replace(progress, fold=number)), stop)
        finally:
            events.put(None)

    with single_threads(min(len(runs), torch.get_num_threads())) as pool:
        try:
            futures = [pool.submit(fit, number) for number in range(len(runs))]
            while running:
                event = events.get()
                if event is None:
                    running -= 1
                else:
                    done += 1
                    notify(replace(event, done=done, total=total))
        finally:
            stop.set()
        found = [future.result() for future in futures]
    for member, (best, _) in zip(head.members, found, strict=True):
        member.load_state_dict(best.members[0].state_dict())
    return [judged for _, judged in found]


class _Run:
    """One run of the optimiser: a classifier, the fold held out from it, and the bank of the others.

    Of what is learned a `share` is taken: 1 is all of it.
    """

    def __init__(
        self,
        head: Head,
        fold: Fold,
        bank: CropBank,
        config: TrainConfig,
        learning_rate: float,
        seed: Sequence[int],
        *,
        share: float,
    ) -> None:
        self._head = head
        self._share = share
        self._fold = fold
        self._bank = bank
        self._config = config
        self._learning_rate = learning_rate
        self._rng = np.random.default_rng(seed)
        for module in head.modules():
            if isinstance(module, ChannelDropout):
                module.rng = self._rng

    def fit(self, notify: Callable[[TrainProgress], object], stop: threading.Event) -> tuple[Head, list[Labelled]]:
        """Return the classifier of the best epoch, and what it says about the held-out recordings.

        AdamW with weight averaging; binary cross-entropy per type, positives weighted by the square root of
        their rarity and annotations by their confidence. An epoch is judged by the event-F1 of the averaged
        weights on what is held out, or of what lies between them and those of the start. `stop` ends the fit before
        the next step: nobody waits for what comes of it.
        """
        config, fold, judge = self._config, self._fold, self._fold.judge
        n_steps = config.epochs * self._bank.n_batches(config.batch_size, fold.training)
        start, average = copy.deepcopy(self._head), copy.deepcopy(self._head)
        optimiser = torch.optim.AdamW(self._head.parameters(), lr=self._learning_rate, weight_decay=0.01, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, n_steps))
        best_judged: list[Labelled] = []
        best, best_f1, since_best, step = average, -1.0, 0, 0
        for epoch in range(config.epochs):
            self._head.train()
            losses = []
            for batch in self._bank.batches(config.batch_size, self._rng, fold.training):
                if stop.is_set():
                    return best, best_judged
                loss = weighted_loss(self._head(batch.inputs), batch.labels, batch.weights, fold.positive_weight)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self._head.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                step += 1
                average.move(self._head, 1.0 / min(step, _AVERAGED_STEPS))
                losses.append(loss.item())
            found = between(start, average, self._share)
            judged = judge.hear(found)
            f1 = judge.event_f1(judge.tallies(judged))
            progress = TrainProgress(
                "training",
                done=epoch + 1,
                total=config.epochs,
                epoch=epoch + 1,
                train_loss=float(np.mean(losses)),
                validation_loss=judge.loss(judged, fold.positive_weight),
                validation_f1=f1,
            )
            notify(progress)
            since_best += 1
            if f1 > best_f1:
                best, best_f1, best_judged, since_best = found, f1, judged, 0
            if since_best >= config.patience:
                break
        return best, best_judged


def _rate(step: int, n_steps: int) -> float:
    """Return the learning rate as a share of the largest: a tenth of the steps to warm up, then a cosine to zero."""
    warm_up = max(1, n_steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1, n_steps - warm_up))))
