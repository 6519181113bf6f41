"""Labelled recordings once more at other speeds: voices and tempos that nobody had to label."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from relaylib import audio as _audio
from relaylib.errors import AudioDecodeError, ParameterError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.config import AUTO, TrainConfig
from relaylib.models.encoder import Encoder
from relaylib.models.example import Example, embedded
from relaylib.models.many import map_recordings
from relaylib.types import AudioItem

__all__ = ["SPEEDS", "at_other_speeds", "item_at_speed", "speeds_for"]

_log = logging.getLogger(__name__)

SPEEDS = (0.87, 1.15)
"""Speeds at which little speech is heard as well: two and a half semitones down and up, as far as voices are apart."""

_LITTLE_MS = 30 * 60_000
"""Labelled speech up to which that is worth three times the training."""

_WIDTH = 1024
"""Columns of embeddings of which so much is little; of wider ones it is less, or they would not fit in memory."""


def speeds_for(config: TrainConfig, items: Sequence[AudioItem], encoder: Encoder) -> tuple[float, ...]:
    """Return the other speeds at which recordings of these durations are learned from (unknown ones count as none)."""
    if config.speeds != AUTO:
        assert not isinstance(config.speeds, str)
        return config.speeds
    duration_ms = sum(item.duration_ms or 0 for item in items)
    return SPEEDS if duration_ms * max(1.0, encoder.dim / _WIDTH) <= _LITTLE_MS else ()


def item_at_speed(item: AudioItem, speed: float) -> AudioItem:
    """Return a recording's labels as they are when it is played `speed` times as fast; its duration must be known."""
    duration_ms = max(1, round((item.duration_ms or 0) / speed))
    spans = []
    for span in item.annotations:
        start = min(round(span.start_ms / speed), duration_ms - 1)
        spans.append(replace(span, start_ms=start, end_ms=min(max(round(span.end_ms / speed), start + 1), duration_ms)))
    return replace(
        item, filename=f"{item.filename} at speed {speed:g}", duration_ms=duration_ms, annotations=tuple(spans)
    )


def at_other_speeds(
    material: Sequence[Example],
    speeds: Sequence[float],
    encoder: Encoder,
    opened: Callable[[str], AbstractContextManager[Path]],
    cache: EmbeddingCache | None,
) -> Iterator[tuple[int, Example | None]]:
    """Yield copies of recordings, played at each of these speeds.

    Parameters
    ----------
    material : sequence of Example
    speeds : sequence of float in 0.5..2
    encoder : Encoder
    opened : callable
        Gives the file of a name, there to read while the context lasts.
    cache : EmbeddingCache or None

    Yields
    ------
    int
        Index of the recording.
    Example or None
        None, with a warning in the log, if the recording cannot be played at that speed.
    """

    def made(example: Example) -> list[Example | None]:
        with opened(example.item.filename) as path:
            return [_at_speed(example.item, path, speed, encoder, cache) for speed in speeds]

    for k, copies in enumerate(map_recordings(made, material if speeds else (), encoder)):
        for copy in copies:
            yield k, copy


def _at_speed(
    item: AudioItem, path: Path, speed: float, encoder: Encoder, cache: EmbeddingCache | None
) -> Example | None:
    item = item_at_speed(item, speed)
    try:
        return embedded(item, _audio.load(path, speed=speed), encoder, cache)
    except (AudioDecodeError, ParameterError) as exc:
        _log.warning("%s is not learned from: %s", item.filename, exc)
        return None
