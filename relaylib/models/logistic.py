"""Fitting linear classifiers by full batch: all folds, penalties and types at once, in a few passes over the material.

A linear head is a logistic regression for each type, so that its loss is convex and there is nothing to draw by lot. A
pass reads the frames of all recordings once and computes the logits of all classifiers in one product; what a fold
holds out gives its classifiers no gradient, and what of it judges tells how well they do. Steps are taken by
L-BFGS [1]_ in coordinates in which the embeddings are white, so that the first of them is about that of ridge
regression.

.. [1] Liu, Nocedal, "On the limited memory BFGS method for large scale optimization", 1989; SciPy's L-BFGS-B.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from scipy import optimize
from torch.nn import functional

from relaylib.models.threads import single_threads

__all__ = ["PENALTIES", "FoldedFrames", "Pass", "fit_logistic"]

DoubleArray = npt.NDArray[np.float64]
FloatArray = npt.NDArray[np.float32]
_Result = TypeVar("_Result")

_BLOCK = 1024
"""Rows that are taken at a time: what is computed of them stays in the processor's caches."""

_BLOCKS_PER_TASK = 8
"""Blocks that a thread takes in one go."""

_CLEAN_FRAMES = 50_000
"""Frames without a mark that are learned from, spread over the material: 50 a second, they are much alike. With half or
twice as many of an hour, event-F1 on held-out voices is the same to 0.002."""

_GRAM_ROWS = 16_384
"""Rows, spread over the material, of which the covariance is taken."""

PENALTIES = (500.0, 5.0)
"""Strengths of the L2 penalty on the weights of standardised embeddings, in frames of loss. Neighbouring frames say
nearly the same, so that the first is that of some dozen examples; the second is for types that few frames show."""

_LEAST_GAIN = 5e-3
"""Share of the loss that a step must save to be followed by another; what is held out gains nothing from less."""

_RIDGE = 1e-3
"""Share of the mean variance that is added to every direction before it is made white."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldedFrames:
    """The frames of recordings, fold by fold.

    Parameters
    ----------
    rows : np.ndarray [shape=(n_frames, dim), float16]
        Standardised embeddings.
    labels, weights : np.ndarray [shape=(n_frames, n_types), float32]
        See :class:`relaylib.models.targets.Targets`.
    bounds : sequence of int
        First frame of each fold, then the number of frames.
    positive_weight : torch.Tensor [shape=(n_folds, n_types)]
        Of the loss of positive frames, for the classifiers that do not see a fold.
    at : np.ndarray [shape=(n_frames,), int64], optional
        Rows of the frames, where `rows` has more.
    """

    rows: npt.NDArray[np.float16]
    labels: FloatArray
    weights: FloatArray
    bounds: Sequence[int]
    positive_weight: torch.Tensor
    at: npt.NDArray[np.int64] | None = None

    @property
    def total_weight(self) -> float:
        """Frames of loss of each type, in the mean over the types."""
        return float(self.weights.sum(dtype=np.float64) / self.weights.shape[1])

    @property
    def penalties(self) -> torch.Tensor:
        """Factor of half the squared weights in each classifier's mean loss [shape=(n_classifiers,), float64]."""
        n_folds, n_types = self.positive_weight.shape
        of_frame = torch.tensor(PENALTIES, dtype=torch.float64)[:, None] / self.total_weight
        return of_frame.expand(n_folds, -1, n_types).reshape(-1)

    def thinned(self) -> FoldedFrames:
        """Return every frame in which something is marked, and of the others so many, weighted to stand for all."""
        marked = np.asarray(self.labels.any(axis=1))
        clean = np.flatnonzero(~marked)
        if len(clean) <= _CLEAN_FRAMES:
            return self
        few = clean[np.linspace(0, len(clean), _CLEAN_FRAMES, endpoint=False).astype(np.int64)]
        kept = np.sort(np.concatenate([np.flatnonzero(marked), few]))
        weights = self.weights[kept]
        weights[~marked[kept]] *= len(clean) / len(few)
        bounds = np.searchsorted(kept, self.bounds).tolist()
        return FoldedFrames(self.rows, self.labels[kept], weights, bounds, self.positive_weight, kept)

    def some(self, n: int) -> npt.NDArray[np.float16]:
        """Return about `n` rows, spread over the frames."""
        step = max(1, len(self.labels) // n)
        return self.rows[::step] if self.at is None else self.rows[self.at[::step]]


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Where the fit stands after a pass over the material.

    Attributes
    ----------
    weights, biases : torch.Tensor [shapes=(n_folds, n_penalties, n_types, dim), (n_folds, n_penalties, n_types)]
        Of each fold's classifiers, which do not learn from it.
    train_loss, validation_loss : torch.Tensor [shape=(n_folds, n_penalties, n_types), float64]
        The weighted mean of the loss over what is learned of all other folds and over what judges in the fold itself.
    logits : np.ndarray [shape=(n_penalties, n_frames, n_types), float32]
        What each judging frame's own fold's classifiers say of it.
    """

    weights: torch.Tensor
    biases: torch.Tensor
    train_loss: torch.Tensor
    validation_loss: torch.Tensor
    logits: FloatArray


def fit_logistic(material: FoldedFrames, judging: FoldedFrames, n_passes: int, on_pass: Callable[[Pass], bool]) -> None:
    """Minimise the weighted, penalised loss of every fold's classifiers.

    Parameters
    ----------
    material : FoldedFrames
        What each fold's classifiers learn from, but for their own fold.
    judging : FoldedFrames
        What they are judged by, each in its own fold.
    n_passes : int >= 1
        At most that many; fewer once steps lower the loss but little.
    on_pass : callable
        Called after each pass; whether to go on.
    """
    learned = material.thinned()
    with single_threads(torch.get_num_threads()) as pool:
        loss, scores, coordinates = _Loss(learned, pool), _Scores(judging, pool), _White(learned, pool)
        done = 0

        def value(point: DoubleArray) -> tuple[float, DoubleArray]:
            nonlocal done
            weights, biases = coordinates.classifiers(point)
            total, gradient, train_loss = loss(weights, biases)
            done += 1
            if not on_pass(scores(weights, biases, train_loss)) or done == n_passes:
                raise _Enough
            return total, coordinates.gradient(*gradient)

        try:
            start = coordinates.start
            first = value(start)
            # the first step is tried at length 1: in this measure that of Newton, were the curvature white
            unit = max(float(np.linalg.norm(first[1])), 1e-12)

            def scaled(point: DoubleArray) -> tuple[float, DoubleArray]:
                total, gradient = value(start + unit * point) if point.any() else first
                return total, unit * gradient

            limits = {"maxiter": n_passes, "maxfun": n_passes, "maxcor": 10, "ftol": _LEAST_GAIN, "gtol": 0.0}
            optimize.minimize(scaled, np.zeros_like(start), jac=True, method="L-BFGS-B", options=limits)
        except _Enough:
            pass


class _Enough(Exception):
    """Ends the search."""


class _White:
    """Coordinates in which the curvature of every loss is about that of a ball, where nothing is known yet."""

    def __init__(self, material: FoldedFrames, pool: Executor) -> None:
        positive = material.positive_weight.double()[:, None].expand(-1, len(PENALTIES), -1)
        share = 1.0 / (1.0 + positive**2)
        weight = positive * share + 1.0 - share
        likely = positive * share / weight  # the best guess for a frame of which nothing is known
        curvature = (weight * likely * (1.0 - likely)).reshape(-1)
        some = torch.from_numpy(material.some(_GRAM_ROWS)).float()
        products = pool.map(lambda rows: rows.T @ rows, some.split(2 * _BLOCK))
        variances, self._directions = torch.linalg.eigh(sum(products).double() / len(some))
        variances = variances.clamp_min(0.0) + _RIDGE * variances.mean()
        self._scales = (variances[:, None] * curvature + material.penalties).rsqrt()
        self._bias_scales = curvature.rsqrt()
        self._bias = torch.log(likely / (1.0 - likely)).reshape(-1)

    @property
    def start(self) -> DoubleArray:
        """The point at which weights are zero and biases are what rarity alone suggests."""
        point = torch.zeros(len(self._directions) + 1, len(self._bias), dtype=torch.float64)
        point[-1] = self._bias / self._bias_scales
        return point.reshape(-1).numpy()

    def classifiers(self, point: DoubleArray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return weights [shape=(dim, n_classifiers)] and biases [shape=(n_classifiers,)] at a point."""
        table = torch.from_numpy(point).view(len(self._directions) + 1, -1)
        return self._directions @ (table[:-1] * self._scales), table[-1] * self._bias_scales

    def gradient(self, weights: torch.Tensor, biases: torch.Tensor) -> DoubleArray:
        """Return the gradient at a point, given that with respect to the classifiers there."""
        rows = (self._directions.T @ weights * self._scales, (biases * self._bias_scales)[None])
        return torch.cat(rows).reshape(-1).numpy()


class _Blocks:
    """The rows of all folds, worked through block by block in several threads."""

    def __init__(self, material: FoldedFrames, pool: Executor) -> None:
        self._pool = pool
        self._rows = torch.from_numpy(material.rows)
        self._at = None if material.at is None else torch.from_numpy(material.at)
        # frames last: what belongs to a type or a fold goes along with many of them
        self.labels, self.weights = (torch.from_numpy(own.T.copy()) for own in (material.labels, material.weights))
        self._bounds = [slice(start, end) for start, end in pairwise(material.bounds)]
        self._tasks = [
            (fold, _cut(part, _BLOCK))
            for fold, whole in enumerate(self._bounds)
            for part in _cut(whole, _BLOCKS_PER_TASK * _BLOCK)
        ]
        self._local = threading.local()

    @property
    def weight_of_folds(self) -> torch.Tensor:
        """The sum of the weights in each fold [shape=(n_folds, n_types), float64]."""
        return torch.stack([self.weights[:, at].double().sum(1) for at in self._bounds])

    def map(self, function: Callable[[int, list[slice]], _Result]) -> Iterator[tuple[int, _Result]]:
        """Yield a fold and what the function makes of it and some of its blocks, until all are done.

        The order, and which blocks go together, does not depend on the number of threads.
        """
        found = self._pool.map(lambda task: function(*task), self._tasks)
        for (fold, _), result in zip(self._tasks, found, strict=True):
            yield fold, result

    def rows(self, at: slice) -> torch.Tensor:
        """Return rows in single precision, in memory that each thread uses again: fresh memory is slow to touch."""
        if not hasattr(self._local, "room"):
            self._local.room = torch.empty(_BLOCK, self._rows.shape[1])
            self._local.halves = torch.empty_like(self._local.room, dtype=self._rows.dtype)
        n = at.stop - at.start
        room: torch.Tensor = self._local.room[:n]
        if self._at is None:
            return room.copy_(self._rows[at])
        return room.copy_(torch.index_select(self._rows, 0, self._at[at], out=self._local.halves[:n]))


def _cut(whole: slice, size: int) -> list[slice]:
    return [slice(first, min(first + size, whole.stop)) for first in range(whole.start, whole.stop, size)]


def _losses(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, positive_weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weights with those of positives in them, and with them the binary cross-entropy of each logit.

    The number of penalties is the last dimension but two [shape=(…, n_penalties, n_types, n_frames)].
    """
    gain = (1.0 + labels * (positive_weight[..., None, :, None] - 1.0)) * weights
    return gain, gain * (functional.softplus(logits) - labels * logits)


class _Loss:
    """The loss of all classifiers over what they learn from, and its gradient."""

    def __init__(self, material: FoldedFrames, pool: Executor) -> None:
        self._blocks = _Blocks(material, pool)
        positive = material.positive_weight
        n_folds, n_types = positive.shape
        columns = torch.arange(n_folds * len(PENALTIES) * n_types).view(n_folds, -1)
        # who learns from a fold: the classifiers of all others
        self._others = [torch.cat([columns[:fold], columns[fold + 1 :]]).view(-1) for fold in range(n_folds)]
        self._positive = [torch.cat([positive[:fold], positive[fold + 1 :]]) for fold in range(n_folds)]
        held_out = self._blocks.weight_of_folds
        total = (held_out.sum(0) - held_out).clamp_min(1.0)
        self._total = total[:, None].expand(-1, len(PENALTIES), -1)
        self._penalty = material.penalties

    def __call__(
        self, weights: torch.Tensor, biases: torch.Tensor
    ) -> tuple[float, tuple[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Return the sum over all classifiers, its gradient, and the part of each without its penalty.

        Weights [shape=(dim, n_classifiers)], biases [shape=(n_classifiers,)] and their gradients are float64.
        """
        learning = [(weights.T[others].float(), biases[others, None].float()) for others in self._others]
        sums = [torch.zeros(len(others), len(weights) + 2, dtype=torch.float64) for others in self._others]
        for fold, found in self._blocks.map(partial(self._of_blocks, learning)):
            sums[fold] += found
        table = torch.zeros(len(weights) + 2, len(biases), dtype=torch.float64)
        for others, own in zip(self._others, sums, strict=True):
            table[:, others] += own.T
        slope, slope_of_biases, losses = table[:-2], table[-2], table[-1].view(self._total.shape)
        losses /= self._total
        share = 1.0 / self._total.reshape(-1)
        total = losses.sum() + 0.5 * (self._penalty * weights**2).sum()
        return float(total), (slope * share + self._penalty * weights, slope_of_biases * share), losses

    def _of_blocks(
        self, learning: Sequence[tuple[torch.Tensor, torch.Tensor]], fold: int, blocks: Sequence[slice]
    ) -> torch.Tensor:
        """Return the sum over blocks of a fold [shape=(n, dim + 2)]: slopes of weights, of biases, losses."""
        weights, biases = learning[fold]
        positive = self._positive[fold]
        sums = torch.zeros(len(weights), weights.shape[1] + 2)
        for at in blocks:
            rows = self._blocks.rows(at)
            logits = torch.addmm(biases, weights, rows.T).view(len(positive), len(PENALTIES), -1, len(rows))
            labels = self._blocks.labels[:, at]
            gain, losses = _losses(logits, labels, self._blocks.weights[:, at], positive)
            slopes = (gain * (torch.sigmoid(logits) - labels)).flatten(0, 2)
            sums[:, :-2].addmm_(slopes, rows)
            sums[:, -2] += slopes.sum(1)
            sums[:, -1] += losses.sum(-1).flatten()
        return sums


class _Scores:
    """What each fold's classifiers say of it, which they have not learned from."""

    def __init__(self, material: FoldedFrames, pool: Executor) -> None:
        self._blocks = _Blocks(material, pool)
        self._positive = material.positive_weight
        self._total = self._blocks.weight_of_folds.clamp_min(1.0)[:, None]

    def __call__(self, weights: torch.Tensor, biases: torch.Tensor, train_loss: torch.Tensor) -> Pass:
        """Return the state after a pass [shapes of weights and biases as for :class:`_Loss`]."""
        of_fold = weights.float().T.reshape(*train_loss.shape, -1), biases.float().view(train_loss.shape)
        losses = torch.zeros_like(train_loss)
        logits = torch.empty(len(PENALTIES), *self._blocks.labels.T.shape)
        for fold, found in self._blocks.map(partial(self._of_blocks, *of_fold, logits)):
            losses[fold] += found
        return Pass(*of_fold, train_loss, losses / self._total, logits.numpy())

    def _of_blocks(
        self, weights: torch.Tensor, biases: torch.Tensor, result: torch.Tensor, fold: int, blocks: Sequence[slice]
    ) -> torch.Tensor:
        """Put the logits of blocks of a fold into `result` and return the sum of their losses."""
        table, offsets = weights[fold].flatten(0, 1), biases[fold].view(-1, 1)
        losses = torch.zeros(biases.shape[1:])
        for at in blocks:
            logits = torch.addmm(offsets, table, self._blocks.rows(at).T).view(*losses.shape, -1)
            labels, weights_here = self._blocks.labels[:, at], self._blocks.weights[:, at]
            losses += _losses(logits, labels, weights_here, self._positive[fold])[1].sum(-1)
            result[:, at] = logits.transpose(1, 2)
        return losses
