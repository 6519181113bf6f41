"""Training as it is called from a notebook: with curves, unless they are not wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from relaylib.errors import ParameterError
from relaylib.models.encoder import DEFAULT_ENCODER

if TYPE_CHECKING:
    from relaylib.models import Detector, EmbeddingCache, Encoder, TrainConfig, TrainProgress
    from relaylib.models.material import AudioOpener
    from relaylib.types import Manifest

__all__ = ["train"]

Progress: TypeAlias = "Callable[[TrainProgress], None] | Literal['auto'] | None"


def train(
    manifest: Manifest,
    encoder: Encoder | str = DEFAULT_ENCODER,
    config: TrainConfig | None = None,
    *,
    audio_root: str | Path | AudioOpener = ".",
    cache: EmbeddingCache | None = None,
    progress: Progress = "auto",
) -> Detector:
    """Train a frame classifier on the embeddings of labelled speech, with live curves in a notebook.

    This is :func:`relaylib.models.train`, which says how; what is trained does not depend on `progress`.

    Parameters
    ----------
    manifest : Manifest
        Recordings without annotations count as clean, unless they are still being labelled (`done` is False).
    encoder : Encoder or str
        An encoder or its name, see :func:`relaylib.load_encoder`.
    config : TrainConfig, optional
    audio_root : path or callable
        Folder that the manifest's file names are relative to, or what gives the file of a name.
    cache : EmbeddingCache, optional
        Keeps embeddings for the next training.
    progress : "auto", callable or None
        "auto" shows a bar and curves of loss and validation F1 where a Jupyter kernel runs this, and nothing elsewhere.
        A callable gets a :class:`TrainProgress` after every recording and epoch.

    Returns
    -------
    Detector
        With `metrics` measured on held-out speech.

    Raises
    ------
    TrainingError
        If there is too little to train on.
    ParameterError
        If `progress` is none of these.
    """
    from relaylib import models

    if not (progress is None or progress == "auto" or callable(progress)):
        raise ParameterError(f"progress={progress!r}: need 'auto', a function of a TrainProgress, or None.")
    with _curves(progress) as follow:
        return models.train(manifest, encoder, config, audio_root=audio_root, cache=cache, progress=follow)


@contextmanager
def _curves(progress: Progress) -> Iterator[Callable[[TrainProgress], None] | None]:
    """Give what to tell of the training: curves on the screen where `progress` is "auto" and a Jupyter kernel runs."""
    from relaylib.widgets.notebook import in_notebook

    if progress != "auto" or not in_notebook():
        yield progress if callable(progress) else None
        return
    from IPython.display import display

    from relaylib.widgets.curves import TrainingCurves

    curves = TrainingCurves()
    shown: Any = display(curves, display_id=True)
    yield curves
    curves.finish()
    shown.update(curves)  # a saved notebook keeps what is said of the curves at the end, not at the beginning
