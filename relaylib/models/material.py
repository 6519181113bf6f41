"""Labelled recordings become embeddings, whatever is wrong with some of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from relaylib.errors import AudioDecodeError, ParameterError, TrainingError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.config import ProgressCallback, TrainProgress
from relaylib.models.encoder import Encoder
from relaylib.models.example import Example, embedded
from relaylib.models.many import map_recordings
from relaylib.types import AudioItem, Manifest

__all__ = [
    "AudioOpener",
    "EmbeddingProgress",
    "check_usable",
    "embed_items",
    "finished",
    "left_out",
    "opener_of",
    "unheard",
]

_log = logging.getLogger(__name__)

AudioOpener = Callable[[str], AbstractContextManager[Path]]
"""Gives the file of a name, there to read while the context lasts."""


class EmbeddingProgress:
    """Tells how many of the files are embedded each time it is called."""

    def __init__(self, notify: ProgressCallback, total: int) -> None:
        self._notify = notify
        self.done, self.total = 0, total

    def __call__(self) -> None:
        """Count one more."""
        self.done += 1
        self._notify(TrainProgress("embedding", self.done, self.total))


def unheard(_: TrainProgress) -> None:
    """Take no notice: the callback of those who named none."""


def opener_of(audio_root: str | Path | AudioOpener) -> AudioOpener:
    """Return what gives the file of a name: `audio_root` itself, or files in that folder."""
    if callable(audio_root):
        return audio_root
    root = Path(audio_root)
    return lambda filename: nullcontext(root / filename)


def finished(manifest: Manifest) -> tuple[list[AudioItem], list[str]]:
    """Return the recordings whose labels are complete, and the names of the others."""
    unfinished = [item.filename for item in manifest if item.done is False]
    if unfinished:
        _log.warning(
            "%d of %d recordings are left out: they are still being labelled (done is false), %r first",
            len(unfinished),
            len(manifest),
            unfinished[0],
        )
    return [item for item in manifest if item.done is not False], unfinished


def embed_items(
    items: Sequence[AudioItem],
    encoder: Encoder,
    opened: AudioOpener,
    cache: EmbeddingCache | None,
    tell: Callable[[], None],
    skipped: list[str],
) -> Iterator[Example]:
    """Embed recordings, several at a time; those that cannot be read are passed over, and named in `skipped`."""

    def made(item: AudioItem) -> Example | Exception:
        try:
            with opened(item.filename) as path:
                return embedded(item, path, encoder, cache)
        except (AudioDecodeError, ParameterError) as exc:  # not those of the cache or the encoder: they concern all
            return exc

    for item, found in zip(items, map_recordings(made, items, encoder), strict=True):
        if isinstance(found, Example):
            yield found
        else:
            _log.warning("%s is left out: %s", item.filename, found)
            skipped.append(item.filename)
        tell()


def check_usable(n_usable: int, skipped: Sequence[str], unfinished: Sequence[str]) -> None:
    """Raise TrainingError if no recording can be used, and say why."""
    if n_usable:
        return
    why = left_out(skipped, unfinished)
    raise TrainingError(f"there is no usable recording{': ' * bool(why)}{why}.")


def left_out(skipped: Sequence[str], unfinished: Sequence[str]) -> str:
    """Return how many recordings are not used, and why; nothing if all are."""
    return "; ".join(
        f"{len(names)} {why}, the first is {names[0]!r}"
        for names, why in ((skipped, "could not be read"), (unfinished, "are still being labelled"))
        if names
    )
