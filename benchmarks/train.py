"""How long training takes once the embeddings are cached: 10 minutes of them, 20 epochs, the default head.

The embeddings are made up (frames of the `spectral` width, in which events shift a few columns), in a cache that
hands them out as a cache on disk would; what is timed is all of training but embedding and reading.

    python benchmarks/train.py [--minutes 10] [--epochs 20] [--head conv] [--runs 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from relaylib.models import Detector, EmbeddingCache, TrainConfig, load_encoder, train
from relaylib.types import HOP_MS, Annotation, ArtifactType, AudioItem, Frames, Manifest

TYPES = ("click", "pause", "echo", "babble")
LENGTHS_MS = (40, 900, 1500, 1200)
FILE_MS = 15_000


class MadeUp(EmbeddingCache):
    """A cache that holds embeddings of recordings that never were."""

    def __init__(self, folder: str, rows: dict[str, np.ndarray]) -> None:
        super().__init__(folder)
        self._rows = rows

    def frames(self, source: object, encoder: object) -> Frames:
        """Return the embeddings of a file by its name."""
        return Frames(self._rows[Path(str(source)).name], FILE_MS)


def material(minutes: float, dim: int) -> tuple[Manifest, dict[str, np.ndarray]]:
    """Return labelled recordings of 15 s with three events each, one in five clean, and their embeddings."""
    rng = np.random.default_rng(0)
    signature = rng.standard_normal((len(TYPES), dim)) * (rng.random((len(TYPES), dim)) < 0.1)
    items, rows = [], {}
    for k in range(round(minutes * 60_000 / FILE_MS)):
        frames = rng.standard_normal((FILE_MS // HOP_MS, dim)).astype(np.float32)
        spans = []
        for place in range(3 if k % 5 else 0):
            kind = int(rng.integers(len(TYPES)))
            start = int(rng.integers(500, 3000)) + 5000 * place
            spans.append(Annotation(start, start + LENGTHS_MS[kind], TYPES[kind]))
            frames[start // HOP_MS : (start + LENGTHS_MS[kind]) // HOP_MS] += signature[kind]
        name = f"{k}.wav"
        items.append(AudioItem(name, FILE_MS, f"voice {k % 8}", tuple(spans)))
        rows[name] = frames.astype(np.float16)
    return Manifest(tuple(map(ArtifactType, TYPES)), tuple(items)), rows


def main() -> None:
    """Train a few times and print the wall times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of all recordings together")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of each fold; none is stopped early")
    parser.add_argument("--head", default="conv", help="linear, mlp or conv")
    parser.add_argument("--runs", type=int, default=3, help="trainings")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()

    encoder = load_encoder("spectral")
    manifest, rows = material(options.minutes, encoder.dim)
    config = TrainConfig(epochs=options.epochs, head=options.head, patience=options.epochs)
    wall, processor = [], []
    with tempfile.TemporaryDirectory() as folder:
        cache = MadeUp(folder, rows)
        for _ in range(options.runs):
            start, start_cpu = time.perf_counter(), time.process_time()
            detector: Detector = train(manifest, encoder, config, cache=cache)
            wall.append(time.perf_counter() - start)
            processor.append(time.process_time() - start_cpu)
    f1 = detector.metrics["events"]["f1_score"]
    print(
        f"{options.minutes:g} min of cached embeddings x {encoder.dim}, {len(manifest)} files, {len(TYPES)} types, "
        f"{options.epochs} epochs, {options.head} head, {os.cpu_count()} cores"
    )
    print(f"wall time       {np.median(wall):7.1f} s   {min(wall):.1f}-{max(wall):.1f} in {options.runs} runs")
    print(f"processor time  {np.median(processor):7.1f} s   {min(processor):.1f}-{max(processor):.1f}")
    print(f"event-F1 on what was held out {f1:.2f}: it has learned")
    if options.json:
        report = {
            "minutes": options.minutes,
            "epochs": options.epochs,
            "head": options.head,
            "dim": encoder.dim,
            "wall_s": wall,
            "processor_s": processor,
            "event_f1": f1,
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
