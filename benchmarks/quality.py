"""What detectors do on voices, or engines, that they have never heard: leave-some-out on labelled speech.

    python benchmarks/quality.py [MANIFEST.json --audio DIR] [--by voice|engine] [--encoder spectral ...]
                                 [--head conv ...] [--ready tts-artifacts ...] [--json OUT]

Without a manifest it takes the six minutes that come with the package. The voice of a recording is its manifest's
`group`, or what follows the first underscore of its file name; the engine is what comes before an underscore in that.
By voice, three voices at a time are left out of the training; by engine, each engine once. Figures are pooled over the
test files of all splits, with 95 % intervals from drawing files again. Detectors that come along (`--ready`) detect in
all files, and are trained on none.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from relaylib.audio import AudioFile
from relaylib.demo import load_demo
from relaylib.evaluate import EventCounts, event_counts, f_scores
from relaylib.evaluate.bootstrap import f_score_samples, interval, resample_sums
from relaylib.formats import read_manifest
from relaylib.models import Detector, EmbeddingCache, TrainConfig, detect_files, load_encoder, train
from relaylib.types import AudioItem, Manifest

N_TEST_VOICES = 3
N_BOOTSTRAP = 1000


def voice_of(item: Any) -> str:
    """Return the voice of a recording."""
    return item.group or Path(item.filename).stem.split("_", 1)[-1]


def engine_of(voice: str) -> str:
    """Return the engine of a voice, which comes before an underscore."""
    return voice.partition("_")[0]


def splits(voices: list[str], by: str, n_splits: int) -> list[list[str]]:
    """Return the test voices of each split: those of an engine, or strides through the sorted voices."""
    if by == "engine":
        engines = sorted({engine_of(voice) for voice in voices})
        return [[voice for voice in voices if engine_of(voice) == engine] for engine in engines]
    return [
        [voices[(start * N_TEST_VOICES + k) % len(voices)] for k in range(N_TEST_VOICES)] for start in range(n_splits)
    ]


def run_split(
    manifest: Manifest, extra: Manifest | None, test_voices: list[str], encoder: str, head: str, args: Any
) -> dict[str, Any]:
    """Train on the other voices, detect in the test voices, count."""
    config = TrainConfig(
        head=head, epochs=args.epochs, learning_rate=args.learning_rate, batch_size=args.batch_size, seed=args.seed
    )
    name = engine_of if args.by == "engine" else str  # of an engine that is left out, no other voice either
    left_out = {name(voice) for voice in test_voices}
    learn = [item for item in (*manifest, *(extra or ())) if name(item.group or "") not in left_out]
    test = [item for item in manifest if item.group in test_voices]
    start = time.perf_counter()
    material = replace(manifest, audio=tuple(learn))
    detector = train(material, load_encoder(encoder), config, audio_root="/", cache=EmbeddingCache(args.cache))
    seconds = time.perf_counter() - start
    return {"test": test, "counts": counted(detector, test, manifest), "seconds": seconds, "metrics": detector.metrics}


def counted(detector: Detector, test: list[AudioItem], manifest: Manifest) -> EventCounts:
    """Detect in recordings and count hits, false alarms and misses."""
    results = list(detect_files(detector, [AudioFile(Path(item.filename), item.filename) for item in test]))
    failed = [result.original_filename for result in results if result.status == "failed"]
    if failed:
        raise SystemExit(f"failed: {failed}")
    return event_counts([item.annotations for item in test], [r.detections for r in results], manifest.type_names)


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
    """Print a table of pooled figures, a row for each way to detect."""
    defaults = TrainConfig()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--audio", type=Path, help="folder of the manifest's recordings; its own by default")
    parser.add_argument("--extra", type=Path, action="append", default=[], help="folders with more to train on")
    parser.add_argument("--by", choices=["voice", "engine"], default="voice", help="what is left out together")
    parser.add_argument("--encoder", nargs="+", default=["spectral"])
    parser.add_argument("--head", nargs="+", choices=["linear", "mlp", "conv"], default=["conv", "mlp", "linear"])
    parser.add_argument("--ready", nargs="*", default=[], help="detectors that are trained already")
    parser.add_argument("--epochs", type=int, default=defaults.epochs)
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--splits", type=int, default=3, help="how many, by voice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    manifest = absolute(args.manifest, args.audio or args.manifest.parent) if args.manifest else shipped()
    extra = [absolute(folder / "annotations.json", folder) for folder in args.extra]
    more = replace(manifest, audio=tuple(item for one in extra for item in one)) if extra else None
    voices = sorted({str(item.group) for item in manifest})
    report: dict[str, dict[str, Any]] = {}
    for name in args.ready:
        items = list(manifest)
        report[f"{name}, not trained here"] = pooled(items, [counted(Detector.load(name), items, manifest)])
    for encoder, head in product(args.encoder, args.head):
        runs = []
        for names in splits(voices, args.by, args.splits):
            run = run_split(manifest, more, names, encoder, head, args)
            runs.append(run)
            f1, own = f_scores(run["counts"]).macro_f1, run["metrics"]["events"]["f1_score"]
            say(f"{encoder}, {head}: {f1:.3f} on {', '.join(names)}; held-out {own:.3f}; {run['seconds']:.0f} s")
        items = [item for run in runs for item in run["test"]]
        report[f"{encoder}, {head}"] = pooled(items, [run["counts"] for run in runs])
    print(table(report, manifest.type_names))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


def say(text: str) -> None:
    """Print at once how far it is, beside the table."""
    print(text, file=sys.stderr, flush=True)


def pooled(items: list[AudioItem], counts: list[EventCounts]) -> dict[str, Any]:
    """Return event-F1 per type, macro and false alarms per clean hour over all test files, each with its interval."""
    together = EventCounts(
        np.concatenate([c.tp for c in counts]),
        np.concatenate([c.fp for c in counts]),
        np.concatenate([c.fn for c in counts]),
        counts[0].type_names,
    )
    figures = f_scores(together)
    drawn = f_score_samples(together, n_bootstrap=N_BOOTSTRAP, seed=0)
    clean = np.array([not item.annotations for item in items])
    alarms, hours = together.fp.sum(axis=1)[clean], np.array([item.duration_ms or 0 for item in items])[clean] / 3.6e6
    sums = resample_sums(np.stack([alarms, hours], axis=1), n_bootstrap=N_BOOTSTRAP, seed=0)
    found = {"macro": (figures.macro_f1, interval(drawn["macro_f1"], 0.95))}
    for k, name in enumerate(together.type_names):
        found[name] = (float(figures.f1[k]), interval(drawn["f1"][:, k], 0.95))
    per_hour = (
        (float(alarms.sum() / hours.sum()), interval(sums[:, 0] / sums[:, 1], 0.95)) if clean.any() else (0.0, None)
    )
    return {**found, "false_alarms_per_clean_hour": per_hour, "clean_hours": float(hours.sum())}


def table(report: dict[str, dict[str, Any]], type_names: Sequence[str]) -> str:
    """Return the figures as a table in Markdown, intervals in brackets."""
    columns = ["macro", *type_names, "false_alarms_per_clean_hour"]
    lines = [
        "| | " + " | ".join(name.replace("_", " ") for name in columns) + " |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    for name, row in report.items():
        cells = []
        for column in columns:
            digits = 0 if column.startswith("false") else 2
            value, ends = row[column]
            shown = f"{value:.{digits}f}"
            cells.append(shown if ends is None else f"{shown} ({ends[0]:.{digits}f}–{ends[1]:.{digits}f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
