"""What training can be told, and what it tells while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

from relaylib.errors import ParameterError

__all__ = ["AUTO", "DECODINGS", "HEADS", "Decoding", "ProgressCallback", "TrainConfig", "TrainProgress"]

HeadKind = Literal["linear", "mlp", "conv"]
Decoding = Literal["threshold", "sebb"]
DECODINGS: tuple[Decoding, ...] = ("threshold", "sebb")
HEADS: tuple[HeadKind, ...] = ("linear", "mlp", "conv")
_WHOLE = ("epochs", "batch_size", "chunk_size_ms", "stride_ms", "seed", "patience", "injected_copies")
_NUMBERS = ("validation_split", "learning_rate", "max_false_alarms_per_hour")
AUTO = "auto"
"""Of ``start``: a detector of the package, where one fits. Of ``speeds``: two, where there is little speech."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How a detector is trained; the first seven names, defaults and ranges are those of the HTTP API.

    Parameters
    ----------
    artifact_types : tuple of str, optional
        The types to learn; all of the manifest's when left out.
    epochs : int in 1..100
        Passes over the training material at most; training stops earlier when validation no longer improves.
    validation_split : float in 0.1..0.5
        Share of the audio that is held out at a time: whole groups where groups are given, else files. The
        audio is dealt into ``round(1 / validation_split)`` folds and each is held out once.
    learning_rate : float in 0.0001..0.1
        Learning rate of AdamW at its largest, in units that suit every head: each makes its own rate of it
        (:func:`relaylib.models.heads.learning_rate`). It warms up and decays to zero along a cosine.
    batch_size : int in 8..256
        Crops per step. A linear head takes all frames at each step instead: rates, batches and crops are not for it.
    chunk_size_ms, stride_ms : int, with 20 <= stride_ms <= chunk_size_ms <= 60000
        Length and step of the training crops: the frames that bear loss. The head reads its context on both
        sides of a crop from the recording, so short crops do not shorten what it sees.
    seed : int in 0..2**63 - 1
        Decides the folds, the initial weights and the order of crops. Equal seeds give equal files.
    head : "linear", "mlp" or "conv"
        Kind of classifier on the embeddings, see :mod:`relaylib.models.heads`.
    patience : int >= 1
        Epochs without a better validation event-F1 after which training stops.
    max_false_alarms_per_hour : float > 0
        The operating point is tuned for event-F1 within this many false alarms per hour of held-out audio,
        shared evenly by the types.
    decoding : "threshold" or "sebb"
        How the extents of events are found: as the frames above the threshold, or as sound event bounding boxes
        (:mod:`relaylib.postprocess.sebb`), which have one confidence each.
    start : str, optional
        The detector whose classifier is learned on from: the name of one that comes with the package, or a file, with
        the same encoder and kind of head. By default one that comes along, where there is such a one; None begins anew.
        Types that it does not know are learned all the same.
    speeds : tuple of float in 0.5..2, or "auto"
        Speeds, beside its own, at which each recording is learned from as well: a tape that runs faster is another
        voice, and its labels are known. By default these are 0.87 and 1.15 for half an hour of labelled speech and
        less (of embeddings wider than 1024 columns less in proportion), and none for more. Copies stay on the side of
        their recording when it is held out. Thresholds are tuned on them as well, metrics are not of them. Where a type
        is a matter of pace or pitch ("too fast"), choose none: ``()``.
    injected_copies : int >= 0
        How many copies of each clean recording are learned from as well, with artifacts of those types put in that
        :mod:`relaylib.inject` knows. They stay on the side of the recording when it is held out, and nothing is tuned
        or measured on them.
    """

    artifact_types: tuple[str, ...] | None = None
    epochs: int = 20
    validation_split: float = 0.2
    learning_rate: float = 0.001
    batch_size: int = 32
    chunk_size_ms: int = 500
    stride_ms: int = 250
    seed: int = 0
    head: HeadKind = "conv"
    patience: int = 8
    max_false_alarms_per_hour: float = 20.0
    decoding: Decoding = "threshold"
    start: str | None = AUTO
    speeds: tuple[float, ...] | str = AUTO
    injected_copies: int = 0

    def __post_init__(self) -> None:
        for name in _WHOLE:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise ParameterError(f"{name}={value!r}: need a whole number.")
            object.__setattr__(self, name, int(value))  # of NumPy's, of which JSON knows nothing; so below
        for name in _NUMBERS:
            object.__setattr__(self, name, _number(name, getattr(self, name)))
        if not isinstance(self.speeds, str):
            object.__setattr__(
                self, "speeds", tuple(_number("speeds", speed) for speed in _each("speeds", self.speeds))
            )
        for name, least, most in (
            ("epochs", 1, 100),
            ("validation_split", 0.1, 0.5),
            ("learning_rate", 0.0001, 0.1),
            ("batch_size", 8, 256),
            ("chunk_size_ms", 20, 60_000),
            ("stride_ms", 20, self.chunk_size_ms),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ParameterError(f"{name}={value}: need {least} <= {name} <= {most}.")
        if self.head not in HEADS:
            raise ParameterError(f"head={self.head!r} is unknown; known are {', '.join(HEADS)}.")
        if self.decoding not in DECODINGS:
            raise ParameterError(f"decoding={self.decoding!r} is unknown; known are {', '.join(DECODINGS)}.")
        if self.head == "linear" and self.start not in (AUTO, None):
            raise ParameterError(
                f"start={self.start!r}: a linear head ends at the same weights wherever it starts; leave it out."
            )
        if self.speeds != AUTO and (
            isinstance(self.speeds, str) or not all(0.5 <= speed <= 2.0 and speed != 1.0 for speed in self.speeds)
        ):
            raise ParameterError(
                f"speeds={self.speeds!r}: need 'auto', or speeds from 0.5 to 2 other than 1, or none: ()."
            )
        if self.injected_copies < 0:
            raise ParameterError(f"injected_copies={self.injected_copies}: need 0 or more.")
        if self.patience < 1:
            raise ParameterError(f"patience={self.patience}: need at least 1 epoch.")
        if not self.max_false_alarms_per_hour > 0:
            raise ParameterError(f"max_false_alarms_per_hour={self.max_false_alarms_per_hour}: need a positive number.")
        if isinstance(self.artifact_types, str):
            raise ParameterError(
                f"artifact_types={self.artifact_types!r}: need names, such as ({self.artifact_types!r},)."
            )
        if self.artifact_types is not None:
            types = tuple(map(str, _each("artifact_types", self.artifact_types)))
            if not types:
                raise ParameterError("artifact_types is empty: name at least one type, or leave it out for all.")
            object.__setattr__(self, "artifact_types", types)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ParameterError(f"{name}={value!r}: need a number.")
    return float(value)


def _each(name: str, values: object) -> Iterable[object]:
    if not isinstance(values, Iterable):
        raise ParameterError(f"{name}={values!r}: need several, such as a tuple.")
    return values


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """Where training stands: handed to the `progress` callback after every file and every epoch.

    `stage` is ``embedding`` (`done` of `total` files) or ``training`` (`done` of `total` epochs of all folds,
    with the losses and the validation event-F1 of `epoch` of `fold`; folds are trained side by side, and one
    that stops early skips some).
    """

    stage: Literal["embedding", "training"]
    done: int
    total: int
    fold: int | None = None
    epoch: int | None = None
    train_loss: float | None = None
    validation_loss: float | None = None
    validation_f1: float | None = None


ProgressCallback = Callable[[TrainProgress], None]
