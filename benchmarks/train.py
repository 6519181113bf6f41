"""How long training takes once the embeddings are cached, and how well a linear head does that is fitted at once.

The made-up embeddings (frames in which events shift a few columns) come from a cache that hands them out as one on disk
would; what is timed is all of `relaylib.train` but embedding and reading: five classifiers, one for each fold, judged,
thresholds tuned, metrics. The peer is the loop that one writes first: one linear layer, AdamW on shuffled batches of 32
frames, 20 epochs, of which one is timed and counted 20 times.

With `--devset` both are trained on the recordings of a folder with ``annotations.json`` (the voice of each is what
follows the first underscore of its name), in the same folds, with thresholds tuned alike.

    python benchmarks/train.py [--hours 2] [--pairs 7] [--devset FOLDER [--encoder NAME]] [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lib.labelled import absolute
from lib.pairs import HEADING, Row, of_times, write_report

from relaylib.models import EmbeddingCache, TrainConfig, load_encoder, train
from relaylib.models.folds import fold_items
from relaylib.models.held_out import Labelled
from relaylib.models.metrics import validation_metrics
from relaylib.models.targets import frame_targets
from relaylib.models.tuning import shape_candidates, tune_points
from relaylib.types import HOP_MS, SAMPLE_RATE, Annotation, ArtifactType, AudioItem, Frames, Manifest

FloatArray = npt.NDArray[np.float32]

TYPES = ("click", "pause", "echo", "babble", "skip", "stutter", "buzz", "hum")
LENGTHS_MS = (40, 900, 1500, 1200, 100, 700, 1600, 2500)
FILE_MS = 15_000
DIM = 768
EPOCHS, BATCH = 20, 32


class Wide:
    """Stands for an encoder of the usual width; its embeddings are in the cache already."""

    name, dim, n_layers, layer = "made-up", DIM, 1, None
    hop, window, context = HOP_MS * SAMPLE_RATE // 1000, 20 * SAMPLE_RATE, SAMPLE_RATE
    fingerprint = "0" * 64

    def encode(self, samples: FloatArray) -> FloatArray:
        """Return zeros; the detector's golden values need some."""
        return np.zeros((max(0, len(samples) // self.hop), DIM), np.float32)


class MadeUp(EmbeddingCache):
    """A cache that holds embeddings of recordings that never were."""

    def __init__(self, folder: str, rows: dict[str, npt.NDArray[np.float16]]) -> None:
        super().__init__(folder)
        self._rows = rows

    def frames(self, source: object, encoder: object) -> Frames:
        """Return the embeddings of a file by its name."""
        return Frames(self._rows[Path(str(source)).name], FILE_MS)


def material(hours: float) -> tuple[Manifest, dict[str, npt.NDArray[np.float16]]]:
    """Return labelled recordings of 15 s with three events each, one in five clean, and their embeddings."""
    rng = np.random.default_rng(0)
    signature = 0.35 * rng.standard_normal((len(TYPES), DIM)) * (rng.random((len(TYPES), DIM)) < 0.1)
    items, rows = [], {}
    for k in range(round(hours * 3_600_000 / FILE_MS)):
        frames = rng.standard_normal((FILE_MS // HOP_MS, DIM)).astype(np.float32)
        spans = []
        for place in range(3 if k % 5 else 0):
            kind = int(rng.integers(len(TYPES)))
            start = int(rng.integers(500, 2500)) + 5000 * place
            spans.append(Annotation(start, start + LENGTHS_MS[kind], TYPES[kind]))
            frames[start // HOP_MS : (start + LENGTHS_MS[kind]) // HOP_MS] += signature[kind]
        name = f"{k}.wav"
        items.append(AudioItem(name, FILE_MS, f"voice {k % 8}", tuple(spans)))
        rows[name] = frames.astype(np.float16)
    return Manifest(tuple(map(ArtifactType, TYPES)), tuple(items)), rows


class Loop:
    """The peer: a linear layer under AdamW."""

    def __init__(self, rows: FloatArray, labels: FloatArray, batch: int = BATCH) -> None:
        torch.manual_seed(0)
        self._rows, self._labels, self._batch = torch.from_numpy(rows), torch.from_numpy(labels), batch
        self.layer = torch.nn.Linear(rows.shape[1], labels.shape[1])
        self._optimiser = torch.optim.AdamW(self.layer.parameters(), lr=1e-3)

    def epoch(self) -> None:
        """See every frame once."""
        order = torch.randperm(len(self._rows))
        for at in order.split(self._batch):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(self.layer(self._rows[at]), self._labels[at])
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()

    def run(self) -> None:
        """Learn for as long as it is given."""
        for _ in range(EPOCHS):
            self.epoch()


def on_one_thread(run: Callable[[], None]) -> float:
    """Return how long `run` takes on one thread of torch, which is faster for small batches."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    start = time.perf_counter()
    run()
    took = time.perf_counter() - start
    torch.set_num_threads(n_threads)
    return took


def speed(hours: float, n_pairs: int) -> tuple[Row, dict[str, Any]]:
    """Time trainings of a linear head and epochs of the loop in turn."""
    manifest, rows = material(hours)
    labels = np.concatenate([frame_targets(i.annotations, TYPES, len(rows[i.filename])).labels for i in manifest])
    loop = Loop(np.concatenate(list(rows.values())).astype(np.float32), labels)
    times = np.empty((n_pairs, 2))
    with tempfile.TemporaryDirectory() as folder:
        cache = MadeUp(folder, rows)
        train(
            manifest, Wide(), TrainConfig(head="linear", epochs=1, speeds=()), cache=cache
        )  # so that all memory has been touched
        for k in range(n_pairs):
            start = time.perf_counter()
            detector = train(manifest, Wide(), TrainConfig(head="linear", speeds=()), cache=cache)
            times[k, 0] = time.perf_counter() - start
            times[k, 1] = EPOCHS * on_one_thread(loop.epoch)
    what = f"train, {hours:g} h x {DIM} cached, linear head"
    found = of_times(what, f"AdamW, batch {BATCH}, {EPOCHS} epochs", times)
    return found, {"event_f1_made_up": detector.metrics["events"]["f1_score"]}


def quality(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return event-F1 and false alarms of both on recordings that were held out."""
    manifest, encoder = absolute(folder / "annotations.json", folder), load_encoder(name)
    types = manifest.type_names
    with tempfile.TemporaryDirectory() as scratch:
        cache = EmbeddingCache(scratch)
        frames = [cache.frames(item.filename, encoder) for item in manifest]
        start = time.perf_counter()
        ours = train(manifest, encoder, TrainConfig(head="linear", speeds=()), audio_root="/", cache=cache).metrics
        took = time.perf_counter() - start
        start = time.perf_counter()
        theirs = by_loop(manifest, types, [own.embeddings for own in frames])
        took_loop = time.perf_counter() - start
    found = []
    for who, metrics, seconds in (("relaylib", ours, took), ("AdamW", theirs, took_loop)):
        of_types = {kind: round(own["f1_score"], 3) for kind, own in metrics["events"]["per_class"].items()}
        alarms = metrics["false_alarms_per_hour"]
        print(
            f"{who:10} event-F1 {metrics['events']['f1_score']:.3f}, {alarms:.0f} false alarms an hour, {seconds:.1f} s"
        )
        print(f"{'':10} {', '.join(f'{kind} {f1:.2f}' for kind, f1 in of_types.items())}", flush=True)
        found.append({"who": who, "encoder": name, "event_f1": of_types, "false_alarms": alarms, "seconds": seconds})
    return found


def by_loop(manifest: Manifest, types: tuple[str, ...], embeddings: Sequence[npt.NDArray[Any]]) -> dict[str, Any]:
    """Return the metrics of the loop's classifiers, one for each fold."""
    config = TrainConfig()
    folds = fold_items(list(manifest), types, round(1 / config.validation_split), config.seed)
    everything = np.concatenate(embeddings).astype(np.float32)
    mean, scale = everything.mean(0), 1 / everything.std(0).clip(1e-4)
    rows = [(own.astype(np.float32) - mean) * scale for own in embeddings]
    labels = [frame_targets(i.annotations, types, len(own)).labels for i, own in zip(manifest, rows, strict=True)]
    judged = []
    for fold in folds:
        others = sorted(set(range(len(rows))) - set(fold))
        loop = Loop(np.concatenate([rows[k] for k in others]), np.concatenate([labels[k] for k in others]))
        on_one_thread(loop.run)
        for k in fold:
            with torch.inference_mode():
                logits = loop.layer(torch.from_numpy(rows[k])).numpy()
            item = list(manifest)[k]
            judged.append(Labelled(logits, item.annotations, item.duration_ms or FILE_MS))
    spans = [span for item in manifest for span in item.annotations]
    candidates = [shape_candidates(spans, kind) for kind in types]
    points = tune_points(judged, types, candidates, config.max_false_alarms_per_hour)
    return validation_metrics(judged, types, points, segment_ms=config.chunk_size_ms)


def main() -> None:
    """Run the comparison and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2, help="length of the made-up recordings together")
    parser.add_argument("--pairs", type=int, default=7, help="timed pairs")
    parser.add_argument("--devset", type=Path, help="folder of labelled recordings to compare quality on")
    parser.add_argument("--encoder", default="spectral", help="encoder for these")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    print(HEADING)
    row, facts = speed(options.hours, options.pairs)
    print(row)
    print(f"{'':6}event-F1 on what was held out {facts['event_f1_made_up']:.2f}", flush=True)
    if options.devset:
        facts["devset"] = quality(options.devset, options.encoder)
    if options.json:
        write_report(options.json, [row], facts)


if __name__ == "__main__":
    main()
