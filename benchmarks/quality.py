"""What detectors do on voices, or engines, that they have never heard: leave-some-out on labelled speech.

    python benchmarks/quality.py [MANIFEST.json --audio DIR] [--by voice|engine] [--encoder speech-small ...]
                                 [--head conv ...] [--decoding threshold ...] [--start auto|none ...]
                                 [--speeds auto|always|none ...] [--ablate] [--ready tts-artifacts ...]
                                 [--extra DIR ...] [--json OUT]

Without a manifest it takes the six minutes that come with the package. The voice of a recording is its manifest's
`group`, or what follows the first underscore of its file name; the engine is what comes before an underscore in that.
By voice, three voices at a time are left out of the training; by engine, each engine once. Figures are pooled over the
test files of all splits, with 95 % intervals from drawing files again. Classifiers learn on from a detector that comes
along, if one has their encoder and head, or begin anew (`--start`), and hear recordings at other speeds where there are
few, always or never (`--speeds`). Encoders, heads, decodings, starts and speeds are combined in all ways; with
`--ablate` the first of each makes the first row, and the others take its place one at a time.
Detectors that come along (`--ready`) detect in all files, and are trained on none.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from lib.labelled import (
    HEARD,
    STARTS,
    Judged,
    absolute,
    edge_table,
    engine_of,
    figures,
    gathered,
    judged,
    say,
    shipped,
    table,
    way_name,
)

from relaylib.evaluate import f_scores
from relaylib.models import Detector, EmbeddingCache, TrainConfig, load_encoder, train
from relaylib.models.config import AUTO, DECODINGS, HEADS
from relaylib.models.encoder import DEFAULT_ENCODER
from relaylib.types import AudioItem, Manifest

N_TEST_VOICES = 3


def splits(voices: list[str], by: str, n_splits: int) -> list[list[str]]:
    """Return the test voices of each split: those of an engine, or strides through the sorted voices."""
    if by == "engine":
        engines = sorted({engine_of(voice) for voice in voices})
        return [[voice for voice in voices if engine_of(voice) == engine] for engine in engines]
    return [
        [voices[(start * N_TEST_VOICES + k) % len(voices)] for k in range(N_TEST_VOICES)] for start in range(n_splits)
    ]


def run_split(
    manifest: Manifest, extra: Sequence[AudioItem], test_voices: list[str], encoder: str, config: TrainConfig, args: Any
) -> Judged:
    """Train on the other voices, and detect in the test voices."""
    name = engine_of if args.by == "engine" else str  # of an engine that is left out, no other voice either
    left_out = {name(voice) for voice in test_voices}
    learn = tuple(item for item in (*manifest, *extra) if name(item.group or "") not in left_out)
    test = [item for item in manifest if item.group in test_voices]
    start = time.perf_counter()
    cache = EmbeddingCache(args.cache)
    detector = train(replace(manifest, audio=learn), load_encoder(encoder), config, audio_root="/", cache=cache)
    seconds = time.perf_counter() - start
    found = judged(detector, test)
    f1, own = f_scores(found.counts(manifest.type_names)).macro_f1, detector.metrics["events"]["f1_score"]
    say(f"{encoder}, {config.head}: {f1:.3f} on {', '.join(test_voices)}; held-out {own:.3f}; {seconds:.0f} s")
    return found


def ways(args: argparse.Namespace) -> list[tuple[Any, ...]]:
    """Return the encoder, head, decoding, start and speeds of each row."""
    combined = list(product(args.encoder, args.head, args.decoding, args.start, args.speeds))
    if not args.ablate:
        return combined
    first = combined[0]
    return [way for way in combined if sum(own != usual for own, usual in zip(way, first, strict=True)) <= 1]


def main() -> None:
    """Print a table of pooled figures, a row for each way to detect."""
    defaults = TrainConfig()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--audio", type=Path, help="folder of the manifest's recordings; its own by default")
    parser.add_argument("--extra", type=Path, action="append", default=[], help="folders with more to train on")
    parser.add_argument("--by", choices=["voice", "engine"], default="voice", help="what is left out together")
    parser.add_argument("--encoder", nargs="+", default=[DEFAULT_ENCODER])
    parser.add_argument("--head", nargs="+", choices=HEADS, default=["conv", "mlp", "linear"])
    parser.add_argument("--decoding", nargs="+", choices=DECODINGS, default=["threshold"])
    parser.add_argument("--start", nargs="+", choices=STARTS, default=[AUTO])
    parser.add_argument("--speeds", nargs="+", choices=HEARD, default=[AUTO], help="hear other speeds as well")
    parser.add_argument("--ablate", action="store_true", help="change one thing at a time")
    parser.add_argument("--ready", nargs="*", default=[], help="detectors that are trained already")
    parser.add_argument("--epochs", type=int, default=defaults.epochs)
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate)
    parser.add_argument("--batch-size", type=int, default=defaults.batch_size)
    parser.add_argument("--false-alarms", type=float, default=defaults.max_false_alarms_per_hour, help="per hour")
    parser.add_argument("--splits", type=int, default=3, help="how many, by voice")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    manifest = absolute(args.manifest, args.audio or args.manifest.parent) if args.manifest else shipped()
    extra, types = gathered(args.extra), manifest.type_names
    voices = sorted({str(item.group) for item in manifest})
    report: dict[str, dict[str, Any]] = {}
    for name in args.ready:
        report[f"{name}, not trained here"] = figures(judged(Detector.load(name), list(manifest)), types)
    for encoder, head, decoding, start, speeds in ways(args):
        config = replace(
            defaults,
            head=head,
            decoding=decoding,
            start=STARTS[start],
            speeds=HEARD[speeds],
            epochs=args.epochs,
            learning_rate=args.learning_rate,
            batch_size=args.batch_size,
            max_false_alarms_per_hour=args.false_alarms,
            seed=args.seed,
        )
        found = Judged((), ())
        for names in splits(voices, args.by, args.splits):
            found += run_split(manifest, extra, names, encoder, config, args)
        chosen = [(args.decoding, decoding), (args.start, f"start {start}"), (args.speeds, f"speeds {speeds}")]
        report[way_name([encoder, head], chosen)] = figures(found, types)
    print(table(report, types), edge_table(report, types), sep="\n\n")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
