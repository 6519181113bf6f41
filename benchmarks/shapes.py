"""What detectors make of artifacts of shapes that they have never met: leave-some-shapes-out on injected speech.

    python benchmarks/shapes.py [MANIFEST.json --audio DIR] [--folds 3] [--copies 4] [--encoder spectral]
                                [--epochs 20] [--json OUT]

Clean recordings (those of the manifest without annotations; by default of the six minutes that come with the package)
get artifacts by `relaylib.inject`. Each fold leaves every so many-th shape of each type out. A detector is trained on
two voices of three with the others, and detects in the third with those left out alone; one that was trained on all
shapes detects in the same. Detectors begin anew, and the encoder has to be one that has met no shape: `spectral`.
Figures are pooled over the folds, with 95 % intervals from drawing files again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lib.labelled import Judged, absolute, figures, judged, say, shipped, table

from relaylib.audio import AudioFile
from relaylib.inject import BASIC_TYPES, inject_files, labelled_manifest, shape_names
from relaylib.models import Detector, EmbeddingCache, TrainConfig, load_encoder, train
from relaylib.types import AudioItem

TEST_VOICES = 3
"""Of the voices, in the order of their names, every so many-th is tested on."""


def left_out(fold: int, n_folds: int) -> list[str]:
    """Return the shapes that a fold leaves out, of each type some."""
    return [name for kind in BASIC_TYPES for name in shape_names(kind)[fold::n_folds]]


def injected(clean: Sequence[AudioItem], out: Path, without: Sequence[str], copies: int, seed: int) -> list[AudioItem]:
    """Put artifacts of all shapes but some into recordings; return what was made, with absolute names."""
    files = [AudioFile(Path(item.filename), f"{k:04}.flac") for k, item in enumerate(clean)]
    groups = [item.group for item in clean]
    made = inject_files(files, out, without=without, copies=copies, groups=groups, seed=seed)
    return [replace(item, filename=str(out / item.filename)) for item in made if isinstance(item, AudioItem)]


def learned(items: Sequence[AudioItem], encoder: str, config: TrainConfig, cache: EmbeddingCache) -> Detector:
    """Train on recordings."""
    return train(labelled_manifest(items), load_encoder(encoder), config, audio_root="/", cache=cache)


def main() -> None:
    """Train once for each fold and once on all shapes, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("manifest", type=Path, nargs="?")
    parser.add_argument("--audio", type=Path, help="folder of the manifest's recordings; its own by default")
    parser.add_argument("--folds", type=int, choices=[2, 3], default=3, help="how many times shapes are left out")
    parser.add_argument("--copies", type=int, default=4, help="of each clean recording")
    parser.add_argument("--encoder", default="spectral")
    parser.add_argument("--epochs", type=int, default=TrainConfig().epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    manifest = absolute(args.manifest, args.audio or args.manifest.parent) if args.manifest else shipped()
    clean = [item for item in manifest if not item.annotations]
    tested = sorted({str(item.group) for item in clean})[::TEST_VOICES]
    test = [item for item in clean if item.group in tested]
    learn = [item for item in clean if item.group not in tested]
    config = TrainConfig(artifact_types=BASIC_TYPES, epochs=args.epochs, seed=args.seed, start=None)
    found = {"shapes known": Judged((), ()), "shapes left out": Judged((), ())}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = EmbeddingCache(folder / "cache")
        known = learned(injected(learn, folder / "all", [], args.copies, args.seed), args.encoder, config, cache)
        for fold in range(args.folds):
            out = left_out(fold, args.folds)
            others = [shape for kind in BASIC_TYPES for shape in shape_names(kind) if shape not in out]
            part = folder / f"fold{fold}"
            items = injected(test, part / "test", others, args.copies, args.seed)
            material = injected(learn, part / "train", out, args.copies, args.seed)
            unknown = learned(material, args.encoder, config, cache)
            for row, detector in zip(found, (known, unknown), strict=True):
                found[row] += judged(detector, items)
            say(f"fold {fold}: {', '.join(out)}")
    report: dict[str, Any] = {row: figures(own, BASIC_TYPES) for row, own in found.items()}
    print(table(report, BASIC_TYPES))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
