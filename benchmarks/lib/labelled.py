"""Labelled speech, and how well detectors do on it: what the benchmarks of quality share."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from relaylib.audio import AudioFile
from relaylib.demo import load_demo
from relaylib.evaluate import EventCounts, event_counts, expected_calibration_error, f_scores, judged_confidences
from relaylib.evaluate.bootstrap import f_score_samples, interval, resample_sums
from relaylib.evaluate.matching import match_events
from relaylib.formats import read_manifest
from relaylib.models import Detector, detect_files
from relaylib.models.config import AUTO
from relaylib.models.speeds import SPEEDS
from relaylib.types import AudioItem, Detection, Manifest

N_BOOTSTRAP = 1000
STARTS = {AUTO: AUTO, "none": None}
"""What training can be told to learn on from, by what it is called on the command line."""
HEARD: dict[str, tuple[float, ...] | str] = {AUTO: AUTO, "always": SPEEDS, "none": ()}
"""When recordings are learned from at other speeds as well, by what it is called on the command line."""


def way_name(parts: Sequence[str], among: Iterable[tuple[Sequence[str], str]]) -> str:
    """Return what a row is called: its `parts`, and what was chosen `among` several."""
    return ", ".join([*parts, *(name for choices, name in among if len(choices) > 1)])


def voice_of(item: Any) -> str:
    """Return the voice of a recording."""
    return item.group or Path(item.filename).stem.split("_", 1)[-1]


def engine_of(voice: str) -> str:
    """Return the engine of a voice, which comes before an underscore."""
    return voice.partition("_")[0]


def absolute(path: Path, audio: Path) -> Manifest:
    """Return a manifest whose file names are absolute and whose groups are voices."""
    manifest = read_manifest(path)
    items = tuple(
        replace(item, filename=str((audio / item.filename).resolve()), group=voice_of(item)) for item in manifest
    )
    return replace(manifest, audio=items)


def shipped_parts() -> tuple[Manifest, Manifest]:
    """Return the speech that comes with the package: what to train on, and what to test on."""
    folder = load_demo().audio_root
    return absolute(folder / "train.json", folder), absolute(folder / "test.json", folder)


def shipped() -> Manifest:
    """Return the speech that comes with the package, both parts together."""
    train, test = shipped_parts()
    return replace(train, audio=(*train.audio, *test.audio))


def gathered(folders: Iterable[Path]) -> list[AudioItem]:
    """Return the recordings of folders that hold an ``annotations.json`` each."""
    return [item for folder in folders for item in absolute(folder / "annotations.json", folder)]


@dataclass(frozen=True, slots=True)
class Judged:
    """Recordings, and what a detector that did not learn from them finds there."""

    items: tuple[AudioItem, ...]
    detections: tuple[tuple[Detection, ...], ...]

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.items + other.items, self.detections + other.detections)

    def counts(self, type_names: Sequence[str]) -> EventCounts:
        """Count hits, false alarms and misses."""
        return event_counts([item.annotations for item in self.items], self.detections, type_names)


def judged(detector: Detector, test: Sequence[AudioItem]) -> Judged:
    """Detect in recordings."""
    results = list(detect_files(detector, [AudioFile(Path(item.filename), item.filename) for item in test]))
    failed = [result.original_filename for result in results if result.status == "failed"]
    if failed:
        raise SystemExit(f"failed: {failed}")
    return Judged(tuple(test), tuple(result.detections for result in results))


def say(text: str) -> None:
    """Print at once how far it is, beside the table."""
    print(text, file=sys.stderr, flush=True)


def figures(found: Judged, type_names: Sequence[str], n_runs: int = 1) -> dict[str, Any]:
    """Return event-F1 per type, macro, false alarms per clean hour, each with its interval, and calibration error.

    With several runs, `found` holds all recordings of the first, then all of the second, and so on: what they come to
    is added up recording by recording, so that drawing files again draws a recording in all runs.
    """
    each, n_files = found.counts(type_names), len(found.items) // n_runs
    tp, fp, fn = (values.reshape(n_runs, n_files, -1).sum(axis=0) for values in (each.tp, each.fp, each.fn))
    together, items = EventCounts(tp, fp, fn, each.type_names), found.items[:n_files]
    scores = f_scores(together)
    drawn = f_score_samples(together, n_bootstrap=N_BOOTSTRAP, seed=0)
    clean = np.array([not item.annotations for item in items])
    alarms = together.fp.sum(axis=1)[clean]
    hours = n_runs * np.array([item.duration_ms or 0 for item in items])[clean] / 3.6e6
    sums = resample_sums(np.stack([alarms, hours], axis=1), n_bootstrap=N_BOOTSTRAP, seed=0)
    row: dict[str, Any] = {"macro": (scores.macro_f1, interval(drawn["macro_f1"], 0.95))}
    for k, name in enumerate(type_names):
        row[name] = (float(scores.f1[k]), interval(drawn["f1"][:, k], 0.95))
    row["false_alarms_per_clean_hour"] = (
        (float(alarms.sum() / hours.sum()), interval(sums[:, 0] / sums[:, 1], 0.95)) if clean.any() else (0.0, None)
    )
    error = expected_calibration_error(
        *judged_confidences([item.annotations for item in found.items], found.detections)
    )
    more = {"clean_hours": float(hours.sum()), "edge_errors_ms": edge_errors(found, type_names)}
    return {**row, "calibration_error": (error or 0.0, None), **more}


def edge_errors(found: Judged, type_names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return by how many ms onset and offset of the events that were found differ: the median of each type."""
    apart: dict[str, list[tuple[int, int]]] = {name: [] for name in type_names}
    for item, detections in zip(found.items, found.detections, strict=True):
        for name, own in apart.items():
            marked = [span for span in item.annotations if span.artifact_type == name]
            heard = [span for span in detections if span.artifact_type == name]
            for i, j in match_events(marked, heard):
                own.append((heard[j].start_ms - marked[i].start_ms, heard[j].end_ms - marked[i].end_ms))
    medians = {name: np.median(np.abs(own), axis=0).tolist() for name, own in apart.items() if own}
    return {name: (onset, offset) for name, (onset, offset) in medians.items()}


def table(report: dict[str, dict[str, Any]], type_names: Sequence[str]) -> str:
    """Return the figures as a table in Markdown, intervals in brackets."""
    columns = ["macro", *type_names, "false_alarms_per_clean_hour", "calibration_error"]
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


def edge_table(report: dict[str, dict[str, Any]], type_names: Sequence[str]) -> str:
    """Return the median errors of onsets and offsets as a table in Markdown."""
    lines = ["| " + " | ".join(["onset, offset [ms]", *type_names]) + " |", "| --- " * (len(type_names) + 1) + "|"]
    for name, row in report.items():
        cells = [", ".join(f"{ms:.0f}" for ms in row["edge_errors_ms"].get(kind, ())) for kind in type_names]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
