"""Putting artifacts into clean speech, at known places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.inject.canvas import Canvas, Edit, Shape, checked
from relaylib.inject.catalogue import BASIC_TYPES, chosen
from relaylib.types import SAMPLE_RATE, Annotation, span_to_ms

__all__ = ["Injected", "InjectedSpan", "check_rates", "inject"]

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class InjectedSpan:
    """Where something was put in, in samples, what, and in which shape; `artifact_type` None is benign."""

    start: int
    end: int
    artifact_type: str | None
    shape: str


@dataclass(frozen=True, slots=True, eq=False)
class Injected:
    """Speech with artifacts, and where they are.

    Attributes
    ----------
    samples : np.ndarray [shape=(n,), float32]
    sample_rate : int
    spans : tuple of InjectedSpan
        Artifacts, in order of time.
    benign : tuple of InjectedSpan
        Changes that are none.
    """

    samples: FloatArray
    sample_rate: int
    spans: tuple[InjectedSpan, ...]
    benign: tuple[InjectedSpan, ...]

    def annotations(self) -> tuple[Annotation, ...]:
        """Return the artifacts as annotations in whole ms: starts rounded down, ends up."""
        return tuple(
            Annotation(*span_to_ms(span.start, span.end, self.sample_rate), span.artifact_type)
            for span in self.spans
            if span.artifact_type is not None
        )


def inject(
    samples: FloatArray,
    rng: np.random.Generator | int = 0,
    *,
    types: Sequence[str] | Mapping[str, float] = BASIC_TYPES,
    per_minute: float = 12.0,
    benign_per_minute: float = 8.0,
    others: Sequence[FloatArray] = (),
    without: Sequence[str] = (),
    gap_ms: int = 350,
    sample_rate: int = SAMPLE_RATE,
) -> Injected:
    """Put artifacts into clean speech.

    Where they go, which and how is random; edges are cross-faded where a machine would, so that not the cut is what a
    classifier learns. Benign changes (breaths, plosives, smooth joints, short pauses) go in beside them for the same
    reason. A recording has room for only so much: what finds no place is left out.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,), float32, -1..1]
        One voice, mono, without artifacts.
    rng : np.random.Generator or int
        Source of chance, or a seed. The same gives the same, on the same version.
    types : sequence of str, or mapping to float
        Types of artifact, maybe with how often each is taken in relation to the others.
    per_minute, benign_per_minute : float
        How many to put in, on average; their number is drawn from a Poisson distribution.
    others : sequence of np.ndarray [shape=(n,), float32]
        Other voices at the same rate; hallucinations and crosstalk take from them. Without, shapes that need them are
        left out.
    without : sequence of str
        Names of shapes not to use.
    gap_ms : int
        Least distance between two changes.
    sample_rate : int
        Of `samples`, in Hz; 8000 or more.

    Returns
    -------
    Injected

    Raises
    ------
    ParameterError
        If `samples` or one of `others` is not one-dimensional or no floats, or has values that are not finite, if the
        sample rate is below 8000 Hz, a rate or the weight of a type is below 0 or not finite, or a type or shape is
        unknown.

    Examples
    --------
    >>> speech = np.sin(np.arange(10 * 16_000) / 20).astype(np.float32) * 0.2
    >>> found = inject(speech, 4, types=["glitch"], per_minute=30)
    >>> {span.artifact_type for span in found.spans}
    {'glitch'}
    """
    samples, others = checked(samples, sample_rate), [checked(other, sample_rate) for other in others]
    weights = dict(types) if isinstance(types, Mapping) else dict.fromkeys(types, 1.0)
    shapes = chosen(weights, without)
    check_rates(per_minute=per_minute, benign_per_minute=benign_per_minute, **weights)
    rng = np.random.default_rng(rng)
    canvas = Canvas(samples, sample_rate, rng, others, gap_ms)
    minutes = len(samples) / sample_rate / 60
    wanted: list[str | None] = [None] * int(rng.poisson(benign_per_minute * minutes))
    if weights and sum(weights.values()) > 0:
        shares = np.array(list(weights.values()), np.float64) / sum(weights.values())
        drawn = rng.choice(len(shares), int(rng.poisson(per_minute * minutes)), p=shares)
        wanted += [tuple(weights)[k] for k in drawn]
    made: list[tuple[Edit, Shape]] = []
    # the long ones find a place only while there is room; benign changes come last
    for artifact_type in sorted(wanted, key=lambda name: (name is None, name == "glitch")):
        edit = _one_of(canvas, shapes[artifact_type])
        if edit is not None:
            canvas.take(edit[0])
            made.append(edit)
    return _assembled(samples, sample_rate, made)


def check_rates(**rates: float) -> None:
    """Raise `ParameterError` unless all are finite and at least 0."""
    for name, rate in rates.items():
        if not 0 <= rate < math.inf:
            raise ParameterError(f"{name}={rate}: need a finite number, 0 or more.")


def _one_of(canvas: Canvas, shapes: Sequence[Shape]) -> tuple[Edit, Shape] | None:
    """Return an edit of some shape that finds a place, or None after a few tries."""
    for k in canvas.rng.permutation(len(shapes))[:4].tolist():
        edit = shapes[k].make(canvas)
        if edit is not None and canvas.is_free(edit.start, edit.end):
            return edit, shapes[k]
    return None


def _assembled(samples: FloatArray, sample_rate: int, made: Sequence[tuple[Edit, Shape]]) -> Injected:
    """Return the recording with all edits done, from left to right."""
    parts: list[FloatArray] = []
    spans: list[InjectedSpan] = []
    done = written = 0
    for edit, shape in sorted(made, key=lambda pair: pair[0].start):
        parts += [samples[done : edit.start], edit.piece]
        written += edit.start - done
        spans.append(InjectedSpan(written + edit.first, written + edit.last, shape.artifact_type, shape.name))
        written += len(edit.piece)
        done = edit.end
    parts.append(samples[done:])
    artifacts = tuple(span for span in spans if span.artifact_type is not None)
    benign = tuple(span for span in spans if span.artifact_type is None)
    return Injected(np.concatenate(parts).astype(np.float32), sample_rate, artifacts, benign)
