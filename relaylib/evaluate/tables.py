"""An evaluation as a small table: plain text for terminals, HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from relaylib.evaluate.evaluation import Evaluation, Interval

__all__ = ["class_rows", "figure", "headlines", "html_table", "rate", "text_table"]


def figure(value: float | None) -> str:
    """Return a share as ``0.53``, or an en dash where it is not defined."""
    return "–" if value is None or np.isnan(value) else f"{value:.2f}"


def rate(value: float | None) -> str:
    """Return a rate as ``12.3``, or an en dash where it is not defined."""
    return "–" if value is None or np.isnan(value) else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _bounds(bounds: Interval, as_rate: bool = False) -> str:
    write = rate if as_rate else figure
    return "" if bounds is None else f"{write(bounds[0])}–{write(bounds[1])}"


def headlines(evaluation: Evaluation) -> list[tuple[str, str, str, str]]:
    """Return (name, value, interval, remark) of the figures to read first."""
    event, alarms, at = evaluation.event, evaluation.false_alarms, evaluation.intervals
    config = evaluation.config
    rows = [
        (
            "Event F1, macro",
            figure(event.macro_f1),
            _bounds(at.get("macro_f1")),
            f"mean over types, collar {config.collar_ms} ms",
        ),
        ("Event F1, micro", figure(event.micro_f1), _bounds(at.get("micro_f1")), "all events alike"),
        (
            "False alarms per clean hour",
            rate(alarms.clean_per_hour),
            _bounds(at.get("clean_false_alarms_per_hour"), as_rate=True),
            f"{alarms.clean} in {alarms.clean_hours * 60:.1f} min without annotations",
        ),
        (
            "False alarms per hour",
            rate(alarms.per_hour),
            _bounds(at.get("false_alarms_per_hour"), as_rate=True),
            f"{alarms.total} in {alarms.hours * 60:.1f} min",
        ),
        (
            "Segment F1, macro",
            figure(evaluation.segment.macro_f1),
            _bounds(at.get("segment.macro_f1")),
            f"slices of {config.segment_ms} ms",
        ),
        (
            "Intersection F1, macro",
            figure(evaluation.intersection.macro_f1),
            _bounds(at.get("intersection.macro_f1")),
            f"overlap dtc {config.dtc:g}, gtc {config.gtc:g}",
        ),
        (
            "Calibration error",
            figure(evaluation.calibration_error),
            "",
            "of confidences as shares of right detections",
        ),
    ]
    for name, result, remark in (
        ("PSDS 1", evaluation.psds_1, "all thresholds, place matters"),
        ("PSDS 2", evaluation.psds_2, "all thresholds, type matters"),
    ):
        if result is not None:
            rows.append((name, figure(result.value), "", remark))
    return rows


def class_rows(evaluation: Evaluation) -> list[tuple[str, str, str, str, str, str, str]]:
    """Return (type, precision, recall, F1, interval of F1, support, detections) per type, then macro and micro."""
    event, counts, at = evaluation.event, evaluation.event_counts, evaluation.intervals
    found = (counts.tp + counts.fp).sum(0)
    rows = [
        (
            name,
            figure(event.precision[k]),
            figure(event.recall[k]),
            figure(event.f1[k]),
            _bounds(at.get(f"{name}.f1")),
            str(event.support[k]),
            str(found[k]),
        )
        for k, name in enumerate(event.type_names)
    ]
    for name, precision, recall, f1 in (
        ("macro", event.macro_precision, event.macro_recall, event.macro_f1),
        ("micro", event.micro_precision, event.micro_recall, event.micro_f1),
    ):
        total = str(event.support.sum()), str(found.sum())
        rows.append((name, figure(precision), figure(recall), figure(f1), _bounds(at.get(f"{name}_f1")), *total))
    return rows


def _header(evaluation: Evaluation) -> tuple[str, ...]:
    level = f"{evaluation.config.confidence_level:.0%}"
    return "type", "precision", "recall", "F1", f"{level} interval", "events", "detected"


def text_table(evaluation: Evaluation) -> str:
    """Return notes, the table per type and the headline figures, ready to print."""
    rows = [_header(evaluation), *class_rows(evaluation)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(zip(r, widths, strict=True))) for r in rows
    ]
    rule = "-" * len(lines[0])
    figures = headlines(evaluation)[2:]
    width, wide, far = (max(len(row[k]) for row in figures) for k in range(3))
    summary = [f"{n.ljust(width)}  {v.rjust(wide)}  {b.ljust(far)}  {r}".rstrip() for n, v, b, r in figures]
    outcomes = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in evaluation.n_outcomes.items())
    notes = [f"! {note}" for note in evaluation.notes]
    files = f"{len(evaluation.aligned.items)} files scored; {outcomes}"
    body = [lines[0], rule, *lines[1:-2], rule, *lines[-2:], "", *summary, "", files]
    return "\n".join([*notes, *([""] if notes else []), *body])


def html_table(evaluation: Evaluation) -> str:
    """Return the same as an HTML fragment without scripts."""
    cell = "style='text-align:right;font-variant-numeric:tabular-nums;padding:2px 10px'"
    first = "style='text-align:left;padding:2px 10px'"
    notes = "".join(f"<p><b>⚠ {escape(note)}</b></p>" for note in evaluation.notes)
    head = "".join(f"<th {cell if k else first}>{escape(t)}</th>" for k, t in enumerate(_header(evaluation)))
    body = "".join(
        "<tr>" + "".join(f"<td {cell if k else first}>{escape(t)}</td>" for k, t in enumerate(row)) + "</tr>"
        for row in class_rows(evaluation)
    )
    summary = "".join(
        f"<tr><td {first}>{escape(name)}</td><td {cell}><b>{value}</b></td><td {cell}>{bounds}</td>"
        f"<td {first}>{escape(remark)}</td></tr>"
        for name, value, bounds, remark in headlines(evaluation)
    )
    return (
        f"<div>{notes}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><table>{summary}</table></div>"
    )
