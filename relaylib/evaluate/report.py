"""One HTML file that shows how good detections are, and lets the worst errors be seen and heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.evaluate.charts import Line, line_chart
from relaylib.evaluate.clips import make_clips
from relaylib.evaluate.curves import ThresholdCurve, curve_from_confidences, curve_from_scores
from relaylib.evaluate.evaluation import Evaluation, scores_of
from relaylib.evaluate.outcomes import Kind, Outcome, worst
from relaylib.evaluate.pairing import Aligned, align
from relaylib.evaluate.tables import class_rows, figure, headlines
from relaylib.files import utf8, write_atomic
from relaylib.types import DecodeConfig, FileResult, Manifest, Scores
from relaylib.version import __version__

__all__ = ["render_report", "write_report"]

FloatArray = npt.NDArray[np.float64]

_NOTHING = "nothing"
_KIND_TITLES: dict[Kind, str] = {
    "false_alarm": "False alarms, most confident first",
    "miss": "Misses, longest first",
    "boundary": "Right type, wrong edges, furthest off first",
    "wrong_type": "Wrong types, most confident first",
}


def write_report(
    path: str | PathLike[str],
    evaluation: Evaluation,
    reference: Manifest,
    results: Sequence[FileResult],
    *,
    audio_root: str | PathLike[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    decode_config: DecodeConfig | None = None,
    max_errors: int = 24,
) -> Path:
    """Write :func:`render_report` to `path`, whole or not at all, and return it.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    html = render_report(
        evaluation,
        reference,
        results,
        audio_root=audio_root,
        scores=scores,
        decode_config=decode_config,
        max_errors=max_errors,
    )
    write_atomic(path, utf8(html))
    return Path(path)


def render_report(
    evaluation: Evaluation,
    reference: Manifest,
    results: Sequence[FileResult],
    *,
    audio_root: str | PathLike[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    decode_config: DecodeConfig | None = None,
    max_errors: int = 24,
) -> str:
    """Return a self-contained HTML page: figures, curves, confusions, and the worst errors with picture and sound.

    Parameters
    ----------
    evaluation : Evaluation
        Of just this `reference` and these `results`, see :func:`relaylib.evaluate.evaluate`.
    reference : Manifest
    results : sequence of FileResult
    audio_root : path, optional
        Folder that the reference's file names are relative to. Without it errors are listed only.
    scores : mapping of file name to Scores, optional
        Curves then come from decoding these at many thresholds, as `decode_config` says (the default decoding when
        left out), if every scored file has some; else from the confidences of the detections. Error pictures
        show them.
    decode_config : DecodeConfig, optional
    max_errors : int >= 0
        Number of errors shown, shared between the kinds; together they stay below 5 MB.

    Returns
    -------
    str
        A page that loads nothing from anywhere.

    Raises
    ------
    ParameterError
        If `evaluation` is of other files.
    """
    import jinja2
    from markupsafe import Markup

    from relaylib.plot import type_colors

    aligned = align(reference, results)
    known = {item.filename for item in aligned.items}
    if other := next((o.filename for o in evaluation.outcomes if o.filename not in known), None):
        raise ParameterError(f"the evaluation is of {other!r}, too, which has no result here; give what was evaluated.")
    colors = type_colors(aligned.type_names)
    found = scores_of(aligned, scores) if scores else {}
    curve = _curve(evaluation, aligned, found, decode_config)
    clips = make_clips(
        worst(evaluation.outcomes, max_errors),
        aligned,
        audio_root=None if audio_root is None else Path(audio_root),
        colors=colors,
        scores=found,
    )
    template = files("relaylib.evaluate").joinpath("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(template).render(
        version=__version__,
        evaluation=evaluation,
        n_files=len(aligned.items),
        n_clean=sum(not item.annotations for item in aligned.items),
        n_errors=sum(outcome.kind != "hit" for outcome in evaluation.outcomes),
        tiles=headlines(evaluation),
        rows=class_rows(evaluation),
        whiskers=[Markup(whisker) for whisker in _whiskers(evaluation)],
        colors=colors,
        charts=[Markup(chart) for chart in _charts(evaluation, curve, colors)],
        curve_source=curve.source,
        confusion=_confusion(evaluation.outcomes, aligned.type_names),
        groups=[
            (title, [clip for clip in clips if clip.outcome.kind == kind], evaluation.n_outcomes[kind])
            for kind, title in _KIND_TITLES.items()
        ],
        seconds=_seconds,
    )


def _seconds(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest / 1000:06.3f}"


def _curve(
    evaluation: Evaluation, aligned: Aligned, scores: Mapping[int, Scores], decode_config: DecodeConfig | None
) -> ThresholdCurve:
    config = evaluation.config
    collar_ms, offset_ratio = config.collar_ms, config.offset_ratio
    truth, names = aligned.annotations, aligned.type_names
    if scores and len(scores) == len(aligned.items):
        n = 49 if sum(map(len, scores.values())) < 400_000 else 19  # hours of audio: keep it to seconds
        at = np.linspace(0, 1, n + 2)[1:-1].round(4).tolist()
        values = [scores[k] for k in range(len(aligned.items))]
        return curve_from_scores(
            truth,
            values,
            names,
            thresholds=at,
            decode_config=decode_config,
            collar_ms=collar_ms,
            offset_ratio=offset_ratio,
        )
    found = aligned.detections
    lowest = min((d.confidence for file in found for d in file), default=0.0)
    at = [t for t in np.linspace(0, 1, 51).round(4).tolist() if t >= lowest - 0.02]
    lengths = aligned.durations_ms
    duration_ms = 0 if None in lengths else sum(ms or 0 for ms in lengths)
    return curve_from_confidences(
        truth,
        found,
        names,
        thresholds=at,
        duration_ms=duration_ms,
        collar_ms=collar_ms,
        offset_ratio=offset_ratio,
    )


def _charts(evaluation: Evaluation, curve: ThresholdCurve, colors: Mapping[str, str]) -> list[str]:
    at = curve.thresholds
    event, alarms = evaluation.event, evaluation.false_alarms
    here = np.array([alarms.per_hour if alarms.per_hour is not None else np.nan])
    charts = [
        line_chart(
            [
                Line("precision", "var(--blue)", at, curve.precision, dashes="7 3"),
                Line("recall", "var(--orange)", at, curve.recall, dashes="2 3"),
                Line("F1", "var(--ink)", at, curve.f1),
            ],
            x_label="threshold",
            y_label="macro average",
            title="Precision, recall and F1 against the threshold",
        ),
        line_chart(
            [
                Line("F1", "var(--ink)", curve.per_hour, curve.f1),
                Line("recall", "var(--orange)", curve.per_hour, curve.recall, dashes="2 3"),
                Line("these results (F1)", "var(--blue)", here, np.array([event.macro_f1]), dots=True),
            ],
            x_label="false alarms per hour of audio",
            y_label="macro average",
            title="F1 and recall against false alarms per hour",
            x_log=True,
        ),
        line_chart(
            [
                Line(name, colors[name], at, curve.f1_per_type[:, k])
                for k, name in enumerate(event.type_names)
                if event.support[k]
            ],
            x_label="threshold",
            y_label="F1",
            title="F1 of each type against the threshold",
        ),
    ]
    areas = [
        Line(label, color, result.efpr, result.etpr, dashes=dashes)
        for label, color, dashes, result in (
            ("PSDS 1", "var(--blue)", "", evaluation.psds_1),
            ("PSDS 2", "var(--orange)", "7 3", evaluation.psds_2),
        )
        if result is not None
    ]
    if areas:
        charts.append(
            line_chart(
                [Line(a.label, a.color, *_staircase(a), dashes=a.dashes) for a in areas],
                x_label="effective false alarms per hour",
                y_label="effective found ratio",
                title="The curves under which PSDS is the area",
            )
        )
    return charts


def _staircase(line: Line) -> tuple[FloatArray, FloatArray]:
    """Return the corners of a step function that is given by its left edges, up to 100 per hour."""
    x, y = np.repeat(np.append(line.x, 100.0), 2)[1:], np.repeat(np.append(line.y, line.y[-1]), 2)[:-1]
    return x, y


def _whiskers(evaluation: Evaluation) -> list[str]:
    """Return F1 of each row of :func:`class_rows` as a picture."""
    event, at = evaluation.event, evaluation.intervals
    values = (*event.f1, event.macro_f1, event.micro_f1)
    names = (*(f"{name}.f1" for name in event.type_names), "macro_f1", "micro_f1")
    return [_whisker(float(value), at.get(name)) for value, name in zip(values, names, strict=True)]


def _whisker(value: float, bounds: tuple[float, float] | None) -> str:
    """Return an SVG of F1 as a bar with its interval as a line."""
    if np.isnan(value):
        return ""
    line = "" if bounds is None else f'<path class="ci" d="M{100 * bounds[0]:.1f} 6H{100 * bounds[1]:.1f}"/>'
    label = f"F1 {figure(value)}"
    return (
        f'<svg viewBox="0 0 100 12" class="bar" role="img" aria-label="{label}"><rect class="all" width="100" '
        f'height="12" rx="2"/><rect class="part" width="{100 * value:.1f}" height="12" rx="2"/>{line}</svg>'
    )


@dataclass(frozen=True, slots=True)
class _Confusion:
    """Rows are what was annotated, columns what was detected; cells are (count, share of the row 0..1, right)."""

    columns: list[str]
    rows: list[tuple[str, list[tuple[int, float, bool]]]]


def _confusion(outcomes: Sequence[Outcome], type_names: Sequence[str]) -> _Confusion:
    names = [*type_names, _NOTHING]
    at = {name: k for k, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=int)
    for outcome in outcomes:
        truth = at[outcome.reference.artifact_type if outcome.reference else _NOTHING]
        table[truth, at[outcome.detection.artifact_type if outcome.detection else _NOTHING]] += 1
    totals = np.maximum(table.sum(1), 1)
    rows = [
        (name, [(int(n), float(n / totals[i]), i == j) for j, n in enumerate(table[i])]) for i, name in enumerate(names)
    ]
    return _Confusion(names, rows)
