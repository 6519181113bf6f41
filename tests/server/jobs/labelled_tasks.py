"""Real speech for the workers: the demo's recordings as stored objects, and tasks on them."""

from relaylib.api import TrainingConfig
from relaylib.demo import load_demo
from relaylib.server.jobs.tasks import LabelledAudio, Span, TrainModel

TYPES = ["long_pause", "robotic"]


def items(n, *, part="train"):
    """Return the `n` shortest recordings of the demo that have a span of one of `TYPES`."""
    manifest = getattr(load_demo(), part)
    fit = [item for item in manifest if {span.artifact_type for span in item.annotations} & set(TYPES)]
    return sorted(fit, key=lambda item: item.duration_ms)[:n]


def put(store, found):
    """Store the recordings under keys without an ending; return the keys."""
    root = load_demo().audio_root
    keys = [f"audio/{number:04d}" for number, _ in enumerate(found)]
    for key, item in zip(keys, found, strict=True):
        store.put_file(key, root / item.filename)
    return keys


def training(store, n=8, *, model_key="models/one", **config):
    """Store `n` recordings; return the task that trains on them."""
    found = items(n)
    audio = [
        LabelledAudio(
            key,
            item.filename.rpartition("/")[2],
            item.duration_ms,
            [Span(s.artifact_type, s.start_ms, s.end_ms, s.confidence) for s in item.annotations],
        )
        for key, item in zip(put(store, found), found, strict=True)
    ]
    options = {"artifact_types": TYPES, "epochs": 2, "validation_split": 0.5, **config}
    return TrainModel(audio, TrainingConfig(**options), model_key)
