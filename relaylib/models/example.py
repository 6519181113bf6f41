"""What a classifier is fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relaylib.errors import AudioDecodeError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.embedding import embed
from relaylib.models.encoder import Encoder
from relaylib.models.scoring import stored
from relaylib.types import AudioItem, Waveform

__all__ = ["Example", "embedded"]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A labelled recording (its duration filled in) with its embeddings in half precision.

    Classifiers are fitted to it and, unless `judges` is False, those that have not been are judged by it.
    """

    item: AudioItem
    embeddings: npt.NDArray[np.float16]
    judges: bool = True


def embedded(
    item: AudioItem, source: Path | Waveform, encoder: Encoder, cache: EmbeddingCache | None, *, judges: bool = True
) -> Example:
    """Embed a recording, a file or what was read of it, through the `cache` where there is one.

    Raises
    ------
    AudioDecodeError, ParameterError
        If the file cannot be decoded or holds no audio, or an annotation lies past its end.
    """
    frames = embed(source, encoder) if cache is None else cache.frames(source, encoder)
    if not len(frames):
        raise AudioDecodeError(f"{item.filename} holds no audio.")
    item.check_length(frames.duration_ms)
    known = AudioItem(item.filename, frames.duration_ms, item.group, item.annotations)
    return Example(known, stored(frames.embeddings), judges)
