"""Copies of labelled recordings that are learned from beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from relaylib.models.cache import EmbeddingCache
from relaylib.models.config import TrainConfig
from relaylib.models.encoder import Encoder
from relaylib.models.example import Example
from relaylib.models.injected import injected
from relaylib.models.speeds import at_other_speeds, speeds_for
from relaylib.types import AudioItem

__all__ = ["make_copies", "n_copies"]


def n_copies(items: Sequence[AudioItem], encoder: Encoder, config: TrainConfig) -> int:
    """Return how many copies there will be, as far as the durations of recordings are known."""
    clean = sum(not item.annotations for item in items)
    return len(items) * len(speeds_for(config, items, encoder)) + config.injected_copies * clean


def make_copies(
    material: Sequence[Example],
    types: Sequence[str],
    encoder: Encoder,
    config: TrainConfig,
    opened: Callable[[str], AbstractContextManager[Path]],
    cache: EmbeddingCache | None,
    tell: Callable[[], None],
) -> list[tuple[int, Example]]:
    """Make the copies that `config` asks for: at other speeds, then with artifacts put in.

    Parameters
    ----------
    material : sequence of Example
    types : sequence of str
        Those that are learned.
    encoder : Encoder
    config : TrainConfig
    opened : callable
        Gives the file of a name, there to read while the context lasts.
    cache : EmbeddingCache or None
    tell : callable
        Called after each copy, made or not.

    Returns
    -------
    list of (int, Example)
        Each copy with the index of its recording.
    """
    found: list[tuple[int, Example]] = []
    speeds = speeds_for(config, [example.item for example in material], encoder)
    for source, at_speed in at_other_speeds(material, speeds, encoder, opened, cache):
        if at_speed is not None:
            found.append((source, at_speed))
        tell()
    if config.injected_copies:
        copies, seed = config.injected_copies, config.seed
        for source, copy in injected(material, types, encoder, opened, cache, copies=copies, seed=seed):
            found.append((source, copy))
            tell()
    return found
