"""The values that travel through the library, and the only place where samples, frames and ms meet.

Times are integer milliseconds, spans are half-open ``[start_ms, end_ms)``. Inside the core, positions
are samples (at :data:`SAMPLE_RATE`) and frames of :data:`HOP` samples.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, SupportsFloat, SupportsIndex

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError

__all__ = [
    "AUDIO_EXTENSIONS",
    "HOP",
    "HOP_MS",
    "SAMPLE_RATE",
    "SLACK_MS",
    "Annotation",
    "ArtifactType",
    "AudioItem",
    "DecodeConfig",
    "Detection",
    "FileResult",
    "Frames",
    "Manifest",
    "Scores",
    "Span",
    "Waveform",
    "frames_to_ms",
    "ms_to_frames",
    "ms_to_samples",
    "samples_to_ms",
    "span_to_ms",
    "whole_number",
]

SAMPLE_RATE = 16_000
"""The canonical sample rate in Hz: everything behind ``relaylib.audio`` is mono at this rate."""

HOP_MS = 20
"""Length of one frame in ms; frame ``i`` covers ``[i * HOP_MS, (i + 1) * HOP_MS)``."""

HOP = SAMPLE_RATE * HOP_MS // 1000
"""Samples between frame starts at :data:`SAMPLE_RATE`."""

AUDIO_EXTENSIONS = (
    *(".wav", ".wave", ".flac", ".aif", ".aiff", ".mp3", ".ogg", ".oga", ".opus"),
    *(".m4a", ".m4b", ".mp4", ".aac", ".webm", ".mka"),
)
"""Endings of audio files, lower case with the dot, the most usual first: folders are searched by them."""

SLACK_MS = 100
"""How far a span may reach past its recording: tools differ by a frame or two on how long an MP3 is."""

FloatArray = npt.NDArray[np.float32]


def samples_to_ms(n_samples: int, sample_rate: int = SAMPLE_RATE) -> int:
    """Return `n_samples` as ms, rounded to the nearest (halves up)."""
    return (n_samples * 2000 + sample_rate) // (2 * sample_rate)


def span_to_ms(start: int, end: int, sample_rate: int = SAMPLE_RATE) -> tuple[int, int]:
    """Return the shortest span in whole ms that covers the samples ``[start, end)``."""
    return start * 1000 // sample_rate, -(-end * 1000 // sample_rate)


def ms_to_samples(ms: int, sample_rate: int = SAMPLE_RATE) -> int:
    """Return `ms` as samples, rounded to the nearest (halves up)."""
    return (ms * sample_rate * 2 + 1000) // 2000


def frames_to_ms(n_frames: int, hop_ms: int = HOP_MS) -> int:
    """Return the time at which frame `n_frames` starts."""
    return n_frames * hop_ms


def ms_to_frames(start_ms: int, end_ms: int, hop_ms: int = HOP_MS) -> tuple[int, int]:
    """Return the half-open frame range ``(first, last)`` that touches ``[start_ms, end_ms)``."""
    return start_ms // hop_ms, -(-end_ms // hop_ms)


def whole_number(name: str, value: SupportsIndex) -> int:
    """Return a number of ms as Python's own, which every format can write, whatever it came as.

    Raises
    ------
    ParameterError
        If it is not an integer.
    """
    try:
        return int(operator.index(value))
    except TypeError as exc:
        raise ParameterError(f"{name}={value!r}: need whole ms, as round(1000 * seconds) gives them.") from exc


def _keep_whole(item: object, *names: str) -> None:
    for name in names:
        value = getattr(item, name)
        if type(value) is not int and value is not None:
            object.__setattr__(item, name, whole_number(name, value))


def _keep_real(item: object, *names: str) -> None:
    for name in names:
        value = getattr(item, name)
        if type(value) is float or value is None:
            continue
        if not isinstance(value, SupportsFloat):
            raise ParameterError(f"{name}={value!r}: need a number.")
        object.__setattr__(item, name, float(value))


def _check_span(span: Annotation | Detection) -> None:
    _keep_whole(span, "start_ms", "end_ms")
    _keep_real(span, "confidence")
    for name in ("start_ms", "end_ms", "confidence"):
        if getattr(span, name) is None:
            raise ParameterError(f"{name}=None: need a number.")
    if not 0 <= span.start_ms < span.end_ms:
        raise ParameterError(f"start_ms={span.start_ms}, end_ms={span.end_ms}: need 0 <= start_ms < end_ms.")
    _check_unit("confidence", span.confidence)


def _check_unit(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ParameterError(f"{name}={value}: need 0 <= {name} <= 1.")


@dataclass(frozen=True, slots=True)
class ArtifactType:
    """A kind of artifact: `name` identifies it, `color` (``#RRGGBB``) draws it."""

    name: str
    description: str | None = None
    color: str = "#FF0000"

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= 100:
            raise ParameterError(f"artifact type name {self.name!r}: need 1 to 100 characters.")


@dataclass(frozen=True, slots=True, order=True)
class Annotation:
    """A span that a person drew; covers ``[start_ms, end_ms)`` and weighs `confidence` in training."""

    start_ms: int
    end_ms: int
    artifact_type: str
    confidence: float = 1.0
    extra_data: Mapping[str, Any] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        _check_span(self)


@dataclass(frozen=True, slots=True, order=True)
class Detection:
    """A span that the model reports; covers ``[start_ms, end_ms)`` of the recording."""

    start_ms: int
    end_ms: int
    artifact_type: str
    confidence: float

    def __post_init__(self) -> None:
        _check_span(self)

    @classmethod
    def many(
        cls,
        starts_ms: npt.NDArray[np.int64],
        ends_ms: npt.NDArray[np.int64],
        artifact_types: Sequence[str],
        confidences: npt.NDArray[Any],
    ) -> list[Detection]:
        """Return a detection for each row of four columns of equal length.

        The same as making them one by one, and several times as fast: their rules are checked on the columns.
        """
        broken = ~((starts_ms >= 0) & (starts_ms < ends_ms) & (confidences >= 0.0) & (confidences <= 1.0))
        columns: tuple[Sequence[Any], ...] = (
            starts_ms.tolist(),
            ends_ms.tolist(),
            artifact_types,
            confidences.tolist(),
        )
        if broken.any():
            row = int(broken.argmax())
            cls(*(column[row] for column in columns))  # says what is wrong with it
        made = [object.__new__(cls) for _ in artifact_types]
        for name, column in zip(cls.__slots__, columns, strict=True):
            deque(map(getattr(cls, name).__set__, made, column), maxlen=0)
        return made


Span = Annotation | Detection


@dataclass(frozen=True, slots=True)
class AudioItem:
    """One recording of a manifest with what is known of it; no annotations means clean.

    `filename` is relative to the audio folder; `group` (voice, engine) keeps related files on one side
    of a split. `done` says whether a person is through with it: while it is False the annotations are
    not complete, and neither training nor evaluation uses them. None, where nobody says, counts as done.
    """

    filename: str
    duration_ms: int | None = None
    group: str | None = None
    annotations: tuple[Annotation, ...] = ()
    done: bool | None = None

    def __post_init__(self) -> None:
        if not self.filename:
            raise ParameterError("filename is empty; name the recording.")
        _keep_whole(self, "duration_ms")
        if self.duration_ms is not None and self.duration_ms < 0:
            raise ParameterError(f"{self.filename}: duration_ms={self.duration_ms}: need 0 <= duration_ms.")

    def check_length(self, duration_ms: int) -> None:
        """Raise ParameterError if an annotation ends more than :data:`SLACK_MS` past a recording that long."""
        for span in self.annotations:
            if span.end_ms > duration_ms + SLACK_MS:
                raise ParameterError(
                    f"{self.filename}: {span.artifact_type!r} at {span.start_ms} to {span.end_ms} ms lies past the end "
                    f"of the recording, which lasts {duration_ms} ms; correct the labels, or find the file they are of."
                )


@dataclass(frozen=True, slots=True)
class Manifest:
    """Labelled speech: the artifact types and, per recording, its annotations."""

    artifact_types: tuple[ArtifactType, ...]
    audio: tuple[AudioItem, ...]

    def __post_init__(self) -> None:
        for what, names in (
            ("artifact type", [t.name for t in self.artifact_types]),
            ("filename", [a.filename for a in self.audio]),
        ):
            if len(set(names)) != len(names):
                twice = sorted({n for n in names if names.count(n) > 1})
                raise ParameterError(f"{what} given twice: {', '.join(map(repr, twice))}; names must be unique.")
        known = set(self.type_names)
        for item in self.audio:
            for span in item.annotations:
                if span.artifact_type not in known:
                    raise ParameterError(
                        f"{item.filename}: artifact_type {span.artifact_type!r} is not one of "
                        f"{', '.join(map(repr, self.type_names)) or 'none'}; add it to artifact_types."
                    )

    @property
    def type_names(self) -> tuple[str, ...]:
        """Names of the artifact types, in order."""
        return tuple(t.name for t in self.artifact_types)

    def __len__(self) -> int:
        return len(self.audio)

    def __iter__(self) -> Iterator[AudioItem]:
        return iter(self.audio)


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Mono samples [shape=(n_samples,), float32, nominally -1..1] with the rate in Hz that dates them."""

    samples: FloatArray
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        if self.samples.ndim != 1:
            raise ParameterError(f"samples have shape {self.samples.shape}; need one dimension (mono).")
        if self.sample_rate <= 0:
            raise ParameterError(f"sample_rate={self.sample_rate}: need a positive rate in Hz.")

    @property
    def duration_ms(self) -> int:
        """Length in ms."""
        return samples_to_ms(len(self.samples), self.sample_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Embeddings [shape=(n_frames, dim), float32 or float16]; frame ``i`` covers ``[i, i + 1) * hop_ms``.

    `duration_ms` is the length of the audio behind them.
    """

    embeddings: npt.NDArray[Any]
    duration_ms: int
    hop_ms: int = HOP_MS

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2:
            raise ParameterError(f"embeddings have shape {self.embeddings.shape}; need (n_frames, dim).")

    def __len__(self) -> int:
        return len(self.embeddings)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """How loud each ms of a recording is [shape=(n_ms,) each, uint8], in half dB above -109 dB of full scale.

    `power` is that of the samples, `detail` that of their third difference, in which clicks stand out.
    """

    power: npt.NDArray[np.uint8]
    detail: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Frame scores [shape=(n_frames, n_types), float32, 0..1], a column for each of `artifact_types`.

    Frame ``i`` covers ``[i, i + 1) * hop_ms``; the last frame reaches to `duration_ms`. Those of a detector come with
    the levels of the recording, by which clicks and edges of silences are found within their frames
    (:mod:`relaylib.postprocess.edges`).
    """

    values: FloatArray
    artifact_types: tuple[str, ...]
    duration_ms: int
    hop_ms: int = HOP_MS
    levels: Levels | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.artifact_types):
            raise ParameterError(
                f"scores have shape {self.values.shape}; need (n_frames, {len(self.artifact_types)}), "
                "a column for each artifact type."
            )

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, slots=True)
class DecodeConfig:
    """How scores become detections; names, defaults and ranges are those of the HTTP API.

    `low_threshold` switches hysteresis on: a span starts where a score reaches `threshold` and extends,
    both ways, while scores stay at or above `low_threshold`.
    """

    threshold: float = 0.5
    merge_window_ms: int = 200
    min_duration_ms: int = 50
    low_threshold: float | None = None

    def __post_init__(self) -> None:
        _keep_whole(self, "merge_window_ms", "min_duration_ms")
        _keep_real(self, "threshold", "low_threshold")
        _check_unit("threshold", self.threshold)
        for name, value, most in (
            ("merge_window_ms", self.merge_window_ms, 5000),
            ("min_duration_ms", self.min_duration_ms, 1000),
        ):
            if not 0 <= value <= most:
                raise ParameterError(f"{name}={value}: need 0 <= {name} <= {most}.")
        if self.low_threshold is not None and not 0.0 <= self.low_threshold <= self.threshold:
            raise ParameterError(
                f"low_threshold={self.low_threshold}: need 0 <= low_threshold <= threshold={self.threshold}."
            )


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file: its detections, or why there are none (`status` ``failed``)."""

    original_filename: str
    duration_ms: int | None
    status: Literal["completed", "failed"]
    detections: tuple[Detection, ...] = ()
    error_message: str | None = None

    def __post_init__(self) -> None:
        if self.status not in ("completed", "failed"):
            raise ParameterError(f"{self.original_filename}: status={self.status!r}: need 'completed' or 'failed'.")
        _keep_whole(self, "duration_ms")
        if self.duration_ms is not None and not self.duration_ms >= 0:
            raise ParameterError(f"{self.original_filename}: duration_ms={self.duration_ms}: need 0 <= duration_ms.")
        if self.status == "failed" and (self.detections or not self.error_message):
            raise ParameterError(f"{self.original_filename}: a failed file has an error_message and no detections.")
