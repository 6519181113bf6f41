"""Pick the demo's speech from a development set and write it into the package.

    python scripts/make_demo_data.py DEVSET [--out relaylib/demo/data] [--train-minutes 4.3] [--test-minutes 1.7]

DEVSET is a folder with ``annotations.json`` (a manifest), ``manifest.json`` (the voice of each file) and the audio that
they name, as the development set's own ``make_devset.py`` writes it. The choice depends on nothing but their content:
the same set gives the same files.

Two voices go to the test part, all others to the training part. Within a part the voice with the least speech so far
gets the next file: a clean one while clean files make up less than a quarter of the part, else the one whose
annotations, per second, fill the gaps best. Audio is copied as it is, under a name made of voice and number.
"""

# ruff: noqa: T201 (scripts print)
from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from relaylib.formats import read_manifest, write_manifest
from relaylib.plot import type_colors
from relaylib.types import ArtifactType, AudioItem, Manifest

TEST_VOICES = ("festival_slt_hts", "pico_us")
CLEAN_SHARE = 0.25
LONGEST_MS = 11_000
DESCRIPTIONS = {
    "glitch": "a click, a pop, a burst of noise, a dropout or a hard splice",
    "long_pause": "a silence where nobody would pause",
    "echo": "the words come back delayed",
    "repetition": "a syllable or a word said again and again",
    "robotic": "a crushed, buzzing or metallic voice",
    "hallucination": "another voice, or babble, that does not belong there",
}


@dataclass(frozen=True, slots=True)
class Part:
    """The files picked so far for one side of the split."""

    items: tuple[AudioItem, ...] = ()

    def ms(self, *, voice: str | None = None, clean: bool = False) -> int:
        """Return the length of the files, of one voice or of the clean ones only."""
        return sum(
            item.duration_ms or 0
            for item in self.items
            if voice in (None, item.group) and not (clean and item.annotations)
        )

    def counts(self) -> Counter[str]:
        """Return the number of annotations per type."""
        return Counter(span.artifact_type for item in self.items for span in item.annotations)


def pick(candidates: Sequence[AudioItem], minutes: float) -> Part:
    """Pick about `minutes` of the candidates, its voices and types in balance."""
    part, left = Part(), list(candidates)
    while left and part.ms() < minutes * 60_000:
        voice = min(sorted({item.group or "" for item in left}), key=lambda name: part.ms(voice=name))
        best = max(left, key=lambda item: _worth(item, voice, part))
        left.remove(best)
        if part.ms() + (best.duration_ms or 0) <= minutes * 60_000 + 1500:
            part = replace(part, items=(*part.items, best))
    return part


def _worth(item: AudioItem, voice: str, part: Part) -> tuple[bool, bool, float]:
    """Rank a candidate: of the voice whose turn it is, clean or not as is wanted, then by what it adds per second."""
    seen, adds = part.counts(), 0.0
    for span in item.annotations:
        adds += 1 / (1 + seen[span.artifact_type]) ** 2
        seen[span.artifact_type] += 1
    wants_clean = part.ms(clean=True) < CLEAN_SHARE * part.ms()
    return item.group == voice, wants_clean == (not item.annotations), adds / (item.duration_ms or 1)


def read_devset(folder: Path) -> list[AudioItem]:
    """Return the files of the development set that are not too long, each with its voice as group."""
    voices = {entry["filename"]: entry["voice"] for entry in json.loads((folder / "manifest.json").read_text("utf-8"))}
    labelled = read_manifest(folder / "annotations.json")
    return [replace(item, group=voices[item.filename]) for item in labelled if (item.duration_ms or 0) <= LONGEST_MS]


def write_part(name: str, part: Part, devset: Path, out: Path) -> None:
    """Copy the audio of a part to ``out/name`` and write its manifest ``out/name.json``."""
    folder, numbers, named = out / name, Counter[str](), []
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for item in sorted(part.items, key=lambda item: item.filename):
        numbers[item.group or ""] += 1
        target = f"{name}/{item.group}_{numbers[item.group or '']:02}.flac"
        shutil.copyfile(devset / item.filename, out / target)
        (out / target).chmod(0o644)
        named.append(replace(item, filename=target))
    colors = type_colors(DESCRIPTIONS)
    types = tuple(ArtifactType(type_, text, colors[type_]) for type_, text in DESCRIPTIONS.items())
    audio = tuple(sorted(named, key=lambda item: item.filename))
    write_manifest(Manifest(types, audio), out / f"{name}.json")


def main() -> None:
    """Read the arguments, pick, write and say what was picked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("devset", type=Path, help="folder of the development set")
    parser.add_argument("--out", type=Path, default=Path("relaylib/demo/data"))
    parser.add_argument("--train-minutes", type=float, default=4.3)
    parser.add_argument("--test-minutes", type=float, default=1.7)
    args = parser.parse_args()
    items = read_devset(args.devset)
    for name, minutes, is_test in (("train", args.train_minutes, False), ("test", args.test_minutes, True)):
        part = pick([item for item in items if (item.group in TEST_VOICES) == is_test], minutes)
        write_part(name, part, args.devset, args.out)
        clean = sum(not item.annotations for item in part.items)
        print(f"{name}: {part.ms() / 60_000:.2f} min, {len(part.items)} files, {clean} clean, {dict(part.counts())}")
    size = sum(path.stat().st_size for path in args.out.rglob("*.*"))
    print(f"{args.out}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
