"""All figures of one comparison of results with a reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from relaylib.evaluate.bootstrap import f_score_samples, interval, resample_sums
from relaylib.evaluate.calibration import expected_calibration_error
from relaylib.evaluate.config import EvalConfig
from relaylib.evaluate.counts import EventCounts, event_counts
from relaylib.evaluate.false_alarms import FalseAlarms, false_alarms_per_hour
from relaylib.evaluate.fscore import FScores, f_scores
from relaylib.evaluate.intersection import intersection_counts
from relaylib.evaluate.outcomes import KINDS, Kind, Outcome, file_outcomes
from relaylib.evaluate.pairing import Aligned, align, pair_files
from relaylib.evaluate.psd_roc import PSDS_1, PSDS_2, Psds, psds
from relaylib.evaluate.segments import segment_counts
from relaylib.evaluate.tables import html_table, text_table
from relaylib.types import FileResult, Manifest, Scores

__all__ = ["Evaluation", "Interval", "evaluate", "list_errors"]

Interval = tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation:
    """What :func:`evaluate` found: figures, intervals, outcomes, and the files that are not in them.

    `event`, `segment` and `intersection` hold F-scores, each with its counts per scored file; `psds_1` and
    `psds_2` are None without scores. `intervals` maps names (``macro_f1``, ``glitch.f1``,
    ``false_alarms_per_hour`` …) to bounds or None. `outcomes` lists every annotation and detection of the scored files.
    """

    config: EvalConfig
    aligned: Aligned
    event_counts: EventCounts
    event: FScores
    segment: FScores
    intersection: FScores
    false_alarms: FalseAlarms
    psds_1: Psds | None
    psds_2: Psds | None
    intervals: Mapping[str, Interval]
    outcomes: tuple[Outcome, ...]

    def __repr__(self) -> str:
        n_files = len(self.event_counts)
        return (
            f"Evaluation(macro event-F1 {self.event.macro_f1:.3f} over {n_files} files, {len(self.type_names)} types)"
        )

    @property
    def type_names(self) -> tuple[str, ...]:
        """Artifact types of the reference, in its order."""
        return self.aligned.type_names

    @property
    def failed_files(self) -> Mapping[str, str]:
        """Files whose result is an error, with its message; not scored."""
        return self.aligned.failed_files

    @property
    def missing_files(self) -> tuple[str, ...]:
        """Files of the reference without a result; not scored."""
        return self.aligned.missing_files

    @property
    def unknown_files(self) -> tuple[str, ...]:
        """Results for files that the reference does not have; not scored."""
        return self.aligned.unknown_files

    @property
    def unfinished_files(self) -> tuple[str, ...]:
        """Files of the reference that are still being labelled; not scored."""
        return self.aligned.unfinished_files

    @property
    def n_outcomes(self) -> dict[Kind, int]:
        """Number of outcomes of each kind."""
        counted = Counter(outcome.kind for outcome in self.outcomes)
        return {kind: counted[kind] for kind in KINDS}

    @property
    def calibration_error(self) -> float | None:
        """Expected calibration error of the detections, None without any."""
        found = [outcome for outcome in self.outcomes if outcome.detection is not None]
        return expected_calibration_error([o.confidence for o in found], [o.kind == "hit" for o in found])

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before the figures: files and types that are not in them."""
        aligned, n_files = self.aligned, len(self.aligned.items)
        found = [
            f"{len(names)} {what} NOT scored: {_some(list(names))}"
            for names, what in (
                ([f"{n} ({why})" for n, why in aligned.failed_files.items()], "failed file(s)"),
                (aligned.missing_files, "file(s) without a result"),
                (aligned.unknown_files, "result(s) without a reference"),
                (aligned.unfinished_files, "file(s) still being labelled"),
                (
                    [f"{t} ({n})" for t, n in aligned.unscored_types.items()],
                    "detected type(s) unknown to the reference",
                ),
            )
            if names
        ]
        if not n_files:
            found.append("No file was scored; every figure is empty.")
        unknown_length = sum(ms is None for ms in aligned.durations_ms)
        if unknown_length:
            found.append(f"{unknown_length} file(s) of unknown length are left out of false alarms per hour.")
        if self.psds_1 is not None and self.psds_1.n_files < n_files:
            found.append(f"PSDS is over {self.psds_1.n_files} of {n_files} files: the others have no scores.")
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values for JSON.

        The top level is what the HTTP API calls metrics: event-based `precision`, `recall`, `f1_score` (macro)
        and `per_class`, numbers throughout. Elsewhere None stands for what is not defined. Nothing is NaN.
        """
        alarms = self.false_alarms
        return {
            **self.event.to_dict(),
            "segment_based": self.segment.to_dict(),
            "intersection_based": self.intersection.to_dict(),
            "psds_1": None if self.psds_1 is None else self.psds_1.value,
            "psds_2": None if self.psds_2 is None else self.psds_2.value,
            "false_alarms_per_hour": alarms.per_hour,
            "clean_false_alarms_per_hour": alarms.clean_per_hour,
            "expected_calibration_error": self.calibration_error,
            "hours": alarms.hours,
            "clean_hours": alarms.clean_hours,
            "intervals": {name: None if bounds is None else list(bounds) for name, bounds in self.intervals.items()},
            "outcomes": dict(self.n_outcomes),
            "n_files": len(self.aligned.items),
            "failed_files": [{"filename": n, "error_message": why} for n, why in self.failed_files.items()],
            "missing_files": list(self.missing_files),
            "unknown_files": list(self.unknown_files),
            "unfinished_files": list(self.unfinished_files),
            "unscored_types": dict(self.aligned.unscored_types),
            "config": asdict(self.config),
        }

    def table(self) -> str:
        """Return the figures as plain text for a terminal."""
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def evaluate(
    reference: Manifest,
    results: Sequence[FileResult],
    config: EvalConfig | None = None,
    *,
    scores: Mapping[str, Scores] | None = None,
) -> Evaluation:
    """Compare results with a reference.

    Parameters
    ----------
    reference : Manifest
        Files with their annotations; a file without any is clean. Its artifact types are the ones scored.
    results : sequence of FileResult
        One per file, in any order; names are matched by :func:`pair_files`. Failed files, files without result,
        results without file and files that are still being labelled are not scored, but listed. No results at all
        give an evaluation of no files.
    config : EvalConfig, optional
    scores : mapping of file name to Scores, optional
        Frame scores, for PSDS; names are matched like those of the results. Of files that are not scored they are
        ignored.

    Returns
    -------
    Evaluation

    Raises
    ------
    ParameterError
        If there is more than one result for a file.
    """
    config = config or EvalConfig()
    aligned = align(reference, results)
    truth, found, names = aligned.annotations, aligned.detections, aligned.type_names
    events = event_counts(truth, found, names, collar_ms=config.collar_ms, offset_ratio=config.offset_ratio)
    segments = segment_counts(truth, found, names, segment_ms=config.segment_ms)
    overlaps = intersection_counts(truth, found, names, dtc=config.dtc, gtc=config.gtc)
    clean = [not spans for spans in truth]
    alarms = false_alarms_per_hour(events.fp.sum(1).tolist(), aligned.durations_ms, clean)
    psds_1 = psds_2 = None
    if scores:
        scored = scores_of(aligned, scores)
        spans, values = [truth[k] for k in scored], list(scored.values())
        psds_1, psds_2 = (psds(spans, values, names, setting) for setting in (PSDS_1, PSDS_2))
    return Evaluation(
        config,
        aligned,
        events,
        f_scores(events),
        f_scores(segments),
        f_scores(overlaps),
        alarms,
        psds_1,
        psds_2,
        _intervals(events, segments, overlaps, aligned.durations_ms, clean, config),
        tuple(list_errors(reference, results, config, hits=True)),
    )


def list_errors(
    reference: Manifest, results: Sequence[FileResult], config: EvalConfig | None = None, *, hits: bool = False
) -> list[Outcome]:
    """List what went wrong in the scored files, file by file in reference order; with `hits`, what went right too."""
    config = config or EvalConfig()
    aligned = align(reference, results)
    return [
        outcome
        for item, detections in zip(aligned.items, aligned.detections, strict=True)
        for outcome in file_outcomes(
            item.filename,
            item.annotations,
            detections,
            collar_ms=config.collar_ms,
            offset_ratio=config.offset_ratio,
        )
        if hits or outcome.kind != "hit"
    ]


def scores_of(aligned: Aligned, scores: Mapping[str, Scores]) -> dict[int, Scores]:
    """Return the scores of the aligned files that have any, by their index."""
    names = list(scores)
    pairing = pair_files([item.filename for item in aligned.items], names)
    return {i: scores[names[j]] for i, j in pairing.pairs}


def _intervals(
    events: EventCounts,
    segments: EventCounts,
    overlaps: EventCounts,
    durations_ms: Sequence[int | None],
    clean: Sequence[bool],
    config: EvalConfig,
) -> dict[str, Interval]:
    """Resample the files and return the bounds of every figure by its name."""
    if not config.n_bootstrap:
        return {}
    n, seed, level = config.n_bootstrap, config.seed, config.confidence_level
    found: dict[str, Interval] = {}
    for name, values in f_score_samples(events, n_bootstrap=n, seed=seed).items():
        if values.ndim == 1:
            found[name] = interval(values, level)
        else:
            found |= {f"{t}.{name}": interval(values[:, k], level) for k, t in enumerate(events.type_names)}
    for prefix, counts in (("segment", segments), ("intersection", overlaps)):
        samples = f_score_samples(counts, n_bootstrap=n, seed=seed)
        found |= {f"{prefix}.{name}": interval(samples[name], level) for name in ("macro_f1", "micro_f1")}
    hours = np.array([(ms or 0) / 3_600_000 for ms in durations_ms])
    false = events.fp.sum(1) * (hours > 0)
    is_clean = np.array(clean, dtype=bool)
    columns = np.stack([false, hours, false * is_clean, hours * is_clean], axis=1)
    sums = resample_sums(columns, n_bootstrap=n, seed=seed)
    for name, at in (("false_alarms_per_hour", 0), ("clean_false_alarms_per_hour", 2)):
        rate = np.divide(sums[:, at], sums[:, at + 1], out=np.full(n, np.nan), where=sums[:, at + 1] > 0)
        found[name] = interval(rate, level)
    return found
