"""Leave-voices-out detection quality on labelled speech: what a detector does on voices it has never heard.

    python benchmarks/quality.py [MANIFEST.json --audio DIR] [--head conv --head mlp --head linear] [--json OUT]

Without a manifest it takes the six minutes that come with the package.
The voice of a recording is its manifest's `group`, or what follows the first underscore of its file name.
In each split the test voices are left out of the training; figures are pooled over the splits' test files.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from relaylib.audio import AudioFile
from relaylib.demo import load_demo
from relaylib.evaluate import EventCounts, event_counts, f_scores, false_alarms_per_hour
from relaylib.formats import read_manifest
from relaylib.models import EmbeddingCache, TrainConfig, detect_files, load_encoder, train
from relaylib.types import Manifest

N_TEST_VOICES = 3


def voice_of(item: Any) -> str:
    """Return the voice of a recording."""
    return item.group or Path(item.filename).stem.split("_", 1)[-1]


def splits(voices: list[str], n_splits: int) -> list[list[str]]:
    """Return the test voices of each split: strides through the sorted voices, so that each is tested about equally."""
    return [
        [voices[(start * N_TEST_VOICES + k) % len(voices)] for k in range(N_TEST_VOICES)] for start in range(n_splits)
    ]


def run_split(
    manifest: Manifest, extra: Manifest | None, test_voices: list[str], config: TrainConfig, args: argparse.Namespace
) -> dict[str, Any]:
    """Train on the other voices, detect in the test voices, count."""
    encoder = load_encoder(args.encoder)
    cache = EmbeddingCache(args.cache)
    learn = [item for item in manifest if item.group not in test_voices]
    if extra is not None:
        learn += [item for item in extra if item.group not in test_voices]
    test = [item for item in manifest if item.group in test_voices]
    start = time.perf_counter()
    detector = train(replace(manifest, audio=tuple(learn)), encoder, config, audio_root="/", cache=cache)
    seconds = time.perf_counter() - start
    results = list(detect_files(detector, [AudioFile(Path(item.filename), item.filename) for item in test]))
    failed = [result.original_filename for result in results if result.status == "failed"]
    if failed:
        raise SystemExit(f"failed: {failed}")
    found = [result.detections for result in results]
    counts = event_counts([item.annotations for item in test], found, manifest.type_names)
    return {"test": test, "found": found, "counts": counts, "seconds": seconds, "metrics": detector.metrics}


def absolute(path: Path, audio: Path) -> Manifest:
    """Return a manifest whose file names are absolute and whose groups are voices."""
    manifest = read_manifest(path)
    items = tuple(
        replace(item, filename=str((audio / item.filename).resolve()), group=voice_of(item)) for item in manifest
    )
    return replace(manifest, audio=items)


def shipped() -> Manifest:
    """Return the speech that comes with the package, both parts together."""
    folder = load_demo().audio_root
    parts = [absolute(folder / name, folder) for name in ("train.json", "test.json")]
    return replace(parts[0], audio=(*parts[0].audio, *parts[1].audio))


def main() -> None:
    """Print a table of pooled figures for each head."""
    defaults = TrainConfig()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--audio", type=Path, help="folder of the manifest's recordings; its own by default")
    parser.add_argument("--extra", type=Path, action="append", default=[], help="folders with more to train on")
    parser.add_argument("--head", action="append", choices=["linear", "mlp", "conv"])
    parser.add_argument("--encoder", default="spectral")
    parser.add_argument("--epochs", type=int, default=defaults.epochs)
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    manifest = absolute(args.manifest, args.audio or args.manifest.parent) if args.manifest else shipped()
    extra = [absolute(folder / "annotations.json", folder) for folder in args.extra]
    more = replace(manifest, audio=tuple(item for one in extra for item in one)) if extra else None
    voices = sorted({str(item.group) for item in manifest})
    report = {}
    for head in args.head or ["conv", "mlp", "linear"]:
        config = TrainConfig(
            head=head,
            epochs=args.epochs,
            learning_rate=args.learning_rate,
            batch_size=args.batch_size,
            seed=args.seed,
        )
        runs = [run_split(manifest, more, names, config, args) for names in splits(voices, args.splits)]
        for names, run in zip(splits(voices, args.splits), runs, strict=True):
            figures = f_scores(run["counts"])
            own = run["metrics"]["events"]["f1_score"]
            print(
                f"{head:7s} {figures.macro_f1:.3f} on {', '.join(names)}; held-out {own:.3f}; {run['seconds']:.0f} s",
                flush=True,
            )
        report[head] = pooled(manifest, runs)
        print(f"{head:7s} {json.dumps(report[head])}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


def pooled(manifest: Manifest, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return event-F1 per type, macro and false alarms per clean hour over all test files of all splits."""
    counts = [run["counts"] for run in runs]
    together = EventCounts(
        np.concatenate([c.tp for c in counts]),
        np.concatenate([c.fp for c in counts]),
        np.concatenate([c.fn for c in counts]),
        manifest.type_names,
    )
    items = [item for run in runs for item in run["test"]]
    figures = f_scores(together)
    alarms = false_alarms_per_hour(
        together.fp.sum(axis=1).tolist(),
        [item.duration_ms for item in items],
        [not item.annotations for item in items],
    )
    return {
        "macro": round(figures.macro_f1, 3),
        **{name: round(float(f1), 3) for name, f1 in zip(manifest.type_names, figures.f1, strict=True)},
        "false_alarms_per_clean_hour": round(alarms.clean_per_hour or 0.0, 1),
        "clean_hours": round(alarms.clean_hours, 3),
    }


if __name__ == "__main__":
    main()
