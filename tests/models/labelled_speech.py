"""A small labelled corpus that is easy to learn, and detectors made of it or of nothing."""

import functools
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from small_encoders import speechlike

from relaylib.audio import save
from relaylib.evaluate import event_counts, f_scores
from relaylib.models import Detector, TrainConfig, load_encoder, train
from relaylib.models.heads import make_head
from relaylib.models.operating_point import OperatingPoint
from relaylib.types import SAMPLE_RATE, Annotation, ArtifactType, AudioItem, Manifest, Waveform

TYPES = ("gap", "click")
FAST = TrainConfig(epochs=12, validation_split=0.5, learning_rate=0.01, batch_size=8, patience=12, seed=1, speeds=())


def flawed(seconds, seed):
    """Return speech-like sound with a gap of 0.6 s and two clicks, and where they are."""
    rng = np.random.default_rng(seed)
    samples = speechlike(seconds, seed) + 0.002 * rng.standard_normal(int(seconds * SAMPLE_RATE)).astype(np.float32)
    places = (np.arange(3) + rng.uniform(0.2, 0.5, 3)) * seconds / 3
    spans = []
    for k, kind in zip(rng.permutation(3), ("gap", "click", "click"), strict=True):
        start_ms = int(places[k] * 1000)
        start = start_ms * SAMPLE_RATE // 1000
        if kind == "gap":
            samples[start : start + int(0.6 * SAMPLE_RATE)] = 0.0
            spans.append(Annotation(start_ms, start_ms + 600, "gap"))
        else:
            samples[start : start + 2] = 0.9
            samples[start + 2 : start + 4] = -0.9
            spans.append(Annotation(start_ms, start_ms + 1, "click"))
    return samples, tuple(sorted(spans))


def write_corpus(folder, n_files=6, seconds=6.0, seed=0):
    """Write `n_files` flawed WAV files and a clean one; return their manifest."""
    items = []
    for k in range(n_files):
        samples, spans = flawed(seconds, seed + k)
        name = f"speech{seed + k}.wav"
        save(Path(folder) / name, Waveform(samples))
        items.append(AudioItem(name, group=f"voice{k // 2}", annotations=spans))
    save(Path(folder) / f"clean{seed}.wav", Waveform(speechlike(seconds, 1000 + seed)))
    items.append(AudioItem(f"clean{seed}.wav", group="clean"))
    return Manifest(tuple(ArtifactType(name) for name in TYPES), tuple(items))


def write_long(folder):
    """Write a single recording of thirty-six seconds with six gaps and twelve clicks; return its manifest."""
    parts = [flawed(6.0, seed) for seed in range(6)]
    spans = tuple(
        replace(span, start_ms=span.start_ms + 6000 * k, end_ms=span.end_ms + 6000 * k)
        for k, (_, found) in enumerate(parts)
        for span in found
    )
    save(Path(folder) / "all.wav", Waveform(np.concatenate([samples for samples, _ in parts])))
    return Manifest(tuple(map(ArtifactType, TYPES)), (AudioItem("all.wav", annotations=spans),))


@functools.cache
def spectral():
    return load_encoder("spectral")


def learner(folder, manifest, cache, config):
    """Return a function that trains on a corpus; what is named when it is called takes the place of these."""

    def learn(config=config, manifest=manifest, **options):
        return train(manifest, spectral(), config, **{"audio_root": folder, "cache": cache, **options})

    return learn


@functools.cache
def trained():
    """Return a detector of gaps and clicks, trained once for all tests; leave it as it is."""
    with tempfile.TemporaryDirectory() as folder:
        return train(write_corpus(folder), spectral(), FAST, audio_root=folder)


def untrained(*, kind="linear", n_members=2, seed=0, types=("gap", "click", "echo")):
    """Return a detector with random weights on the spectral encoder."""
    torch.manual_seed(seed)
    encoder = spectral()
    return Detector.create(
        head=make_head(kind, dim=encoder.dim, n_types=len(types), n_members=n_members),
        encoder=encoder,
        artifact_types=types,
        points=[OperatingPoint(0.5 * k, 1 + k, k % 2, 4 * (k % 2), 1.0 + k) for k in range(len(types))],
        metrics={"f1_score": 0.75, "per_class": {name: {"support": 3} for name in types}},
        config=TrainConfig(head=kind, artifact_types=types),
    )


def event_f1(detector, folder, manifest):
    """Return the event-F1 of each type on the files of a manifest."""
    found = [detector.detect(Path(folder) / item.filename) for item in manifest]
    return f_scores(event_counts([list(item.annotations) for item in manifest], found, detector.artifact_types)).f1
