"""How much labelling is enough: what detectors do on unheard speech, by the minutes that they were trained on.

    python benchmarks/learning.py [LABELLED.json --audio DIR] [--test TEST.json --test-audio DIR] [--draws 3]
                                  [--minutes 5 10 20 40] [--encoder speech-small ...] [--start auto|none ...]
                                  [--speeds auto|always|none ...] [--plot F.png] [--json OUT]

The minutes are drawn from the labelled recordings, whole ones, each draw anew, with every type of artifact; a larger
part holds the smaller ones of its draw. Without `--test` each engine is tested on once, with minutes of the others.
Engines of given test recordings are left out of what is drawn from, unless `--same-engines` is given. Figures are
pooled over the draws, with 95 % intervals from drawing test files again. Without a manifest it takes the six minutes
that come with the package, in parts of one minute and more.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from lib.labelled import (
    HEARD,
    STARTS,
    Judged,
    absolute,
    engine_of,
    figures,
    judged,
    say,
    shipped_parts,
    table,
    way_name,
)

from relaylib.evaluate import f_scores
from relaylib.models import EmbeddingCache, TrainConfig, load_encoder, train
from relaylib.models.config import AUTO
from relaylib.models.encoder import DEFAULT_ENCODER
from relaylib.types import AudioItem, Manifest


def draw(items: Sequence[AudioItem], type_names: Sequence[str], minutes: float, seed: int) -> list[AudioItem]:
    """Return recordings of so many minutes together, in which every type occurs.

    Recordings come in a random order, of which the start is taken; where it lacks a type, the first that has it
    comes before the others.
    """
    order = [items[k] for k in np.random.default_rng(seed).permutation(len(items))]
    first: list[AudioItem] = []
    for name in type_names:
        if not any(span.artifact_type == name for item in first for span in item.annotations):
            first += [i for i in order if any(span.artifact_type == name for span in i.annotations)][:1]
    chosen, total = [], 0.0
    for item in [*first, *(item for item in order if item not in first)]:
        if total >= minutes:
            break
        chosen.append(item)
        total += (item.duration_ms or 0) / 60_000
    return chosen


def plot(rows: dict[str, list[tuple[float, Any]]], path: Path) -> None:
    """Draw macro event-F1 against minutes of labels, a curve for each encoder."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in rows.items():
        minutes, macros = [m for m, _ in points], [row["macro"] for _, row in points]
        (line,) = axes.plot(minutes, [value for value, _ in macros], "o-", label=name)
        bounds = [ends or (value, value) for value, ends in macros]
        axes.fill_between(minutes, [b[0] for b in bounds], [b[1] for b in bounds], alpha=0.15, color=line.get_color())
    axes.set(xscale="log", xlabel="labelled speech [min]", ylabel="macro event-F1 on unheard engines")
    axes.set_ylim(np.floor(axes.dataLim.ymin * 10) / 10, 1)
    ticks = sorted({minutes for points in rows.values() for minutes, _ in points})
    axes.set_xticks(ticks, [f"{minutes:g}" for minutes in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def _splits(args: argparse.Namespace) -> tuple[Manifest, Manifest, list[tuple[list[AudioItem], list[AudioItem]]]]:
    """Return what is labelled, what is tested on, and pairs of recordings that may be drawn and that are tested on."""
    if not args.manifest:
        labelled, ours = shipped_parts()
        return labelled, ours, [(list(labelled), list(ours))]
    labelled = absolute(args.manifest, args.audio or args.manifest.parent)
    if not args.test:
        engines = sorted({_engine(item) for item in labelled})
        return labelled, labelled, [_parted(labelled, {engine}) for engine in engines]
    test = absolute(args.test, args.test_audio or args.test.parent)
    known = set() if args.same_engines else set(map(_engine, test))
    return labelled, test, [(_parted(labelled, known)[0], list(test))]


def _parted(items: Iterable[AudioItem], engines: set[str]) -> tuple[list[AudioItem], list[AudioItem]]:
    """Return what other engines spoke, and what these did."""
    ours = [item for item in items if _engine(item) in engines]
    return [item for item in items if _engine(item) not in engines], ours


def _engine(item: AudioItem) -> str:
    return engine_of(item.group or "")


def _engines(items: Iterable[AudioItem]) -> str:
    return ", ".join(sorted(set(map(_engine, items))))


def main() -> None:
    """Train on each part with each encoder, print a table, draw the curves."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--audio", type=Path, help="folder of the manifest's recordings; its own by default")
    parser.add_argument("--test", type=Path, help="manifest of what is tested on; by default each engine in turn")
    parser.add_argument("--test-audio", type=Path, help="folder of its recordings; its own by default")
    parser.add_argument("--minutes", type=float, nargs="+", help="5 10 20 40 with a manifest, else 1 2 4")
    parser.add_argument("--encoder", nargs="+", default=[DEFAULT_ENCODER])
    parser.add_argument("--start", nargs="+", choices=STARTS, default=[AUTO], help="what is learned on from")
    parser.add_argument("--speeds", nargs="+", choices=HEARD, default=[AUTO], help="hear other speeds as well")
    parser.add_argument("--draws", type=int, default=1, help="how often each part is drawn")
    parser.add_argument("--same-engines", action="store_true", help="draw from the engines of --test, too")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.test and not args.manifest:
        parser.error("--test goes with a manifest")
    labelled, tested, splits = _splits(args)
    types = tested.type_names
    cache = EmbeddingCache(args.cache)
    curves: dict[str, list[tuple[float, Any]]] = {}
    parts = args.minutes or ([5, 10, 20, 40] if args.manifest else [1, 2, 4])
    for encoder, start, speeds, minutes in product(args.encoder, args.start, args.speeds, parts):
        chosen = [(args.start, f"start {start}"), (args.speeds, f"speeds {speeds}")]
        name, found = way_name([encoder], chosen), Judged((), ())
        for seed, (pool, test) in product(range(args.draws), splits):
            part = draw(pool, types, minutes, seed)
            config = TrainConfig(artifact_types=types, seed=seed, start=STARTS[start], speeds=HEARD[speeds])
            material = replace(labelled, audio=tuple(part))
            own = judged(train(material, load_encoder(encoder), config, audio_root="/", cache=cache), test)
            found += own
            f1 = f_scores(own.counts(types)).macro_f1
            say(f"{name}, {minutes:g} min: {f1:.3f} in draw {seed} ({len(part)} recordings) on {_engines(test)}")
        curves.setdefault(name, []).append((minutes, figures(found, types, args.draws)))
    report = {f"{name}, {minutes:g} min": row for name, points in curves.items() for minutes, row in points}
    print(table(report, types))
    if args.plot:
        plot(curves, args.plot)
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
