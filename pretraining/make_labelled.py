"""Put artifacts into clean speech: a folder of recordings with `annotations.json`, to train and judge detectors on.

The same as `relaylib inject`, with each recording's voice as its group, the engine in front (`flite_slt`), so that
splits can keep either whole.

    python pretraining/make_labelled.py speech --out labelled --hours 2 [--seed 0] [--engines flite] [--without click]
                                               [--after 0] [--types glitch ...] [--per-minute 12] [--add]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from tqdm import tqdm

from relaylib.audio import AudioFile
from relaylib.formats import read_manifest, write_manifest
from relaylib.inject import BASIC_TYPES, inject_files, labelled_manifest, shape_names, type_names
from relaylib.types import AudioItem


def main() -> None:
    """Draw recordings, put artifacts in, and write them with their labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path, help="folder made by make_speech.py")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--hours", type=float, default=2.0, help="how much")
    parser.add_argument("--after", type=float, default=0.0, help="hours to pass over: another set's, of the same seed")
    parser.add_argument("--types", nargs="+", default=BASIC_TYPES, choices=type_names(), help="what to put in")
    parser.add_argument("--per-minute", type=float, default=12.0, help="how often")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engines", nargs="+", help="only these")
    parser.add_argument("--without", nargs="*", default=[], choices=shape_names(), help="shapes not to use")
    parser.add_argument("--add", action="store_true", help="to what is in the folder already")
    options = parser.parse_args()
    entries = json.loads((options.speech / "speech.json").read_text(encoding="utf-8"))["audio"]
    entries = [entry for entry in entries if options.engines is None or entry["engine"] in options.engines]
    chosen, seconds = [], 0.0
    for k in np.random.default_rng(options.seed).permutation(len(entries)).tolist():
        if options.after * 3600 <= seconds < (options.after + options.hours) * 3600:
            chosen.append(entries[k])
        seconds += entries[k]["duration_s"]
    files = [AudioFile(options.speech / entry["filename"], entry["filename"]) for entry in chosen]
    groups = [f"{entry['engine']}_{entry['voice']}" for entry in chosen]
    manifest = options.out / "annotations.json"
    before = read_manifest(manifest) if options.add else labelled_manifest([], options.types)
    twice = {item.filename for item in before.audio}.intersection(entry["filename"] for entry in chosen)
    if twice:
        parser.error(f"{len(twice)} recordings are in {options.out} already, such as {min(twice)}")
    made = inject_files(
        files,
        options.out,
        types=options.types,
        per_minute=options.per_minute,
        groups=groups,
        without=options.without,
        seed=options.seed,
    )
    items = [item for item in tqdm(made, total=len(files), unit="file") if isinstance(item, AudioItem)]
    types = list(dict.fromkeys([*before.type_names, *options.types]))
    write_manifest(labelled_manifest([*before.audio, *items], types), manifest)
    print(f"{sum(item.duration_ms or 0 for item in items) / 3.6e6:.2f} h in {len(items)} recordings")


if __name__ == "__main__":
    main()
