"""Labelled speech in, a detector out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from relaylib.errors import TrainingError
from relaylib.models.cache import EmbeddingCache
from relaylib.models.calibration import calibrated
from relaylib.models.config import ProgressCallback, TrainConfig
from relaylib.models.copies import make_copies, n_copies
from relaylib.models.detector import Detector
from relaylib.models.encoder import DEFAULT_ENCODER, Encoder, load_encoder
from relaylib.models.example import Example
from relaylib.models.fitting import fit_folds
from relaylib.models.folds import fold_items
from relaylib.models.injected import check_injectable
from relaylib.models.material import (
    AudioOpener,
    EmbeddingProgress,
    check_usable,
    embed_items,
    finished,
    left_out,
    opener_of,
    unheard,
)
from relaylib.models.metrics import validation_metrics
from relaylib.models.operating_point import of_member, points_of_average
from relaylib.models.pieces import cut_alike, cut_example
from relaylib.models.speeds import speeds_for
from relaylib.models.start import find_start
from relaylib.models.tuning import shape_candidates, tune_points
from relaylib.types import Manifest, samples_to_ms

__all__ = ["train"]

_log = logging.getLogger(__name__)

_PIECES_PER_FOLD = 4
"""Of a recording that is the only one: enough to deal every type into both sides, few enough to keep its context."""


def train(
    manifest: Manifest,
    encoder: Encoder | str = DEFAULT_ENCODER,
    config: TrainConfig | None = None,
    *,
    audio_root: str | Path | AudioOpener = ".",
    cache: EmbeddingCache | None = None,
    progress: ProgressCallback | None = None,
) -> Detector:
    """Train a frame classifier on the embeddings of labelled speech.

    The recordings are embedded (through `cache` where one is given) and dealt into folds, by group where
    groups are given. For each fold a classifier is fitted on the others (:mod:`relaylib.models.fitting`) and
    judged on the fold, which it has never heard. Thresholds and minimum durations are tuned on what all of
    them say about the speech that was held out from them, so on all the speech there is, and mapped so that
    0.5 is every type's operating point, and scores are stretched until they say how often a detection is right
    (:mod:`relaylib.models.calibration`). The detector averages the classifiers. A recording that is the only one is
    cut into pieces, which are dealt instead.

    Where a detector that comes along has the same encoder and kind of head, the classifiers go on from its weights,
    which have learned from hours of speech, so that minutes suffice (``config.start``).

    Little speech is learned from, and tuned on, at other speeds as well (``config.speeds``), and clean recordings can
    be given artifacts to learn from (``config.injected_copies``, :mod:`relaylib.inject`). Nothing is measured on
    copies.

    Parameters
    ----------
    manifest : Manifest
        Recordings without annotations count as clean, unless they are still being labelled (`done` is False).
    encoder : Encoder or str
        An encoder or its name, see :func:`relaylib.load_encoder`.
    config : TrainConfig, optional
    audio_root : path or callable
        Folder that the manifest's file names are relative to; or, for audio that is kept elsewhere, a function from
        a file name to a context manager that gives a path, entered while the recording is embedded.
    cache : EmbeddingCache, optional
        Keeps embeddings for the next training; without it they live in memory. The result is the same.
    progress : callable, optional
        Called with a :class:`TrainProgress` after every file and epoch; an exception it raises ends the training.

    Returns
    -------
    Detector
        With `metrics` measured on held-out speech. Recordings that cannot be read are left out, logged
        as warnings and listed in ``metrics["skipped_files"]``; so are, in ``metrics["unfinished_files"]``, those that
        are still being labelled.

    Raises
    ------
    TrainingError
        If there is too little to train on: no usable recordings, a type without annotations, a single recording
        that is too short to be cut.
    ParameterError, ModelFormatError
        If ``config.start`` names a detector that the classifiers cannot go on from.
    """
    config = config or TrainConfig()
    encoder = load_encoder(encoder) if isinstance(encoder, str) else encoder
    types = _types_to_learn(manifest, config)
    start = find_start(config, encoder)
    notify = progress or unheard
    opened = opener_of(audio_root)
    items, unfinished = finished(manifest)
    if config.injected_copies:
        check_injectable(items, types)
    tell = EmbeddingProgress(notify, len(items) + n_copies(items, encoder, config))
    skipped: list[str] = []
    material = list(embed_items(items, encoder, opened, cache, tell, skipped))
    _check_material(material, types, skipped, unfinished)
    config = replace(config, speeds=speeds_for(config, [m.item for m in material], encoder))
    tell.total = tell.done + n_copies([m.item for m in material], encoder, config)
    copies = make_copies(material, types, encoder, config, opened, cache, tell)
    n_folds = max(2, round(1.0 / config.validation_split))
    if len(material) == 1:
        _log.warning("there is only one recording: validation will hear other parts of it, not other speech")
        hop_ms = samples_to_ms(encoder.hop)
        material = cut_example(material[0], _PIECES_PER_FOLD * n_folds, hop_ms=hop_ms)
        copies = [own for _, copy in copies for own in enumerate(cut_alike(copy, material, hop_ms=hop_ms))]
    folds = fold_items([m.item for m in material], types, n_folds, config.seed)
    learned, dealt = list(material), [list(fold) for fold in folds]
    for source, copy in copies:
        next(fold for fold in dealt if source in fold).append(len(learned))
        learned.append(copy)
    head, held_out, agreement = fit_folds(learned, dealt, types, encoder, config, notify, start=start)
    annotations = [span for m in material for span in m.item.annotations]
    candidates = [shape_candidates(annotations, name, decoding=config.decoding) for name in types]
    usual = {name: of_member(at, len(folds), agreement) for name, at in start.thresholds.items()} if start else None
    points = tune_points(held_out, types, candidates, config.max_false_alarms_per_hour, usual)
    points = calibrated(points, held_out, types)
    # metrics are those of the recordings as they are, which come before all copies
    metrics = validation_metrics(held_out[: len(material)], types, points, segment_ms=config.chunk_size_ms)
    metrics["folds"] = [[material[i].item.filename for i in fold] for fold in folds]
    metrics["skipped_files"] = skipped
    metrics["unfinished_files"] = unfinished
    return Detector.create(
        head=head,
        encoder=encoder,
        artifact_types=types,
        points=points_of_average(points, len(folds), agreement),
        metrics=metrics,
        config=replace(config, start=None if start is None else start.name),
    )


def _types_to_learn(manifest: Manifest, config: TrainConfig) -> tuple[str, ...]:
    types = tuple(dict.fromkeys(config.artifact_types or manifest.type_names))
    unknown = sorted(set(types) - set(manifest.type_names))
    if unknown:
        raise TrainingError(
            f"artifact_types {', '.join(map(repr, unknown))} are not in the manifest, "
            f"which has {', '.join(map(repr, manifest.type_names)) or 'none'}."
        )
    if not types:
        raise TrainingError("the manifest has no artifact types; add the types you marked to artifact_types.")
    return types


def _check_material(
    material: Sequence[Example], types: Sequence[str], skipped: Sequence[str], unfinished: Sequence[str]
) -> None:
    check_usable(len(material), skipped, unfinished)
    seen = {span.artifact_type for m in material for span in m.item.annotations if span.confidence > 0}
    missing = [name for name in types if name not in seen]
    if missing:
        why = left_out(skipped, unfinished)
        raise TrainingError(
            f"no annotation of {', '.join(map(repr, missing))} with a confidence above 0 in the recordings that are "
            f"used{f' ({why})' * bool(why)}: mark at least one, or leave the type out of artifact_types."
        )
