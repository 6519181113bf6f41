"""Clean recordings once more, with artifacts put in: to learn from, beside what was labelled."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from relaylib.audio import AudioFile
from relaylib.errors import TrainingError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.encoder import Encoder
from relaylib.models.example import Example, embedded
from relaylib.models.many import map_recordings
from relaylib.types import AudioItem

__all__ = ["check_injectable", "injected"]


def check_injectable(items: Sequence[AudioItem], types: Sequence[str]) -> None:
    """Refuse to put artifacts into recordings where that is impossible.

    Raises
    ------
    TrainingError
        If no recording is clean, or none of `types` can be put in.
    """
    from relaylib.inject import type_names  # loads scipy.signal, a quarter of a second that other trainings save

    if all(item.annotations for item in items):
        raise TrainingError(
            "injected_copies: no recording is without annotations, so there is none to put artifacts into; "
            "add clean ones, or leave it at 0."
        )
    if not set(types) & set(type_names()):
        raise TrainingError(
            f"injected_copies: {', '.join(map(repr, types))} cannot be put in, only {', '.join(type_names())}; "
            "leave it at 0."
        )


def injected(
    material: Sequence[Example],
    types: Sequence[str],
    encoder: Encoder,
    opened: Callable[[str], AbstractContextManager[Path]],
    cache: EmbeddingCache | None,
    *,
    copies: int,
    seed: int,
) -> Iterator[tuple[int, Example]]:
    """Yield copies of the clean recordings with artifacts of those `types` that can be put in.

    Parameters
    ----------
    material : sequence of Example
    types : sequence of str
    encoder : Encoder
    opened : callable
        Gives the file of a name, there to read while the context lasts.
    cache : EmbeddingCache or None
        Its embeddings serve again: the same seed makes the same copies.
    copies : int >= 1
        Of each clean recording.
    seed : int

    Yields
    ------
    int
        Index of the clean recording.
    Example
        Nothing is judged by it.
    """
    from relaylib.inject import inject_files, type_names

    known = [name for name in types if name in type_names()]
    clean = [k for k, example in enumerate(material) if not example.item.annotations]
    with ExitStack() as stack:
        out = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relaylib-injected-")))
        names = [material[k].item.filename for k in clean]
        files = [AudioFile(stack.enter_context(opened(name)), f"{k}.wav") for k, name in zip(clean, names, strict=True)]
        made = inject_files(
            files, out, types=known, clean_share=0.0, copies=copies, groups=[str(k) for k in clean], seed=seed
        )

        def copied(item: AudioItem | Exception) -> tuple[int, Example]:
            if not isinstance(item, AudioItem):
                raise item  # a recording that could be read a moment ago
            assert item.group is not None  # those given above
            path = out / item.filename
            copy = embedded(item, path, encoder, cache, judges=False)
            path.unlink()
            return int(item.group), copy

        yield from map_recordings(copied, made, encoder)
