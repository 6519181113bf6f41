"""An upload becomes audio that can be trained on."""

from __future__ import annotations

from collections.abc import Callable

from relaylib import audio
from relaylib.errors import AudioDecodeError
from relaylib.server.jobs.tasks import PrepareAudio, Prepared, Progress
from relaylib.server.jobs.work.context import WorkContext
from relaylib.types import HOP, HOP_MS, SAMPLE_RATE, samples_to_ms

__all__ = ["prepare_audio"]


def prepare_audio(task: PrepareAudio, context: WorkContext, progress: Callable[[Progress], None]) -> Prepared:
    """Decode the whole file as 16 kHz mono, then leave its embeddings in the cache for training.

    Raises
    ------
    TaskFailedError
        If it is no audio, damaged, cut, or shorter than a frame.
    """
    with context.opened(task.key, task.filename) as path:
        progress(Progress(0.0, "normalizing"))
        n_samples = sum(len(block) for block in audio.stream(path))
        if n_samples < HOP:
            raise AudioDecodeError(f"{path}: lasts {n_samples / SAMPLE_RATE:.4f} s; need {HOP_MS} ms.")
        progress(Progress(0.3, "embedding"))
        context.cache.frames(path, context.encoder)
    return Prepared(samples_to_ms(n_samples))
