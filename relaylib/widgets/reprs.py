"""Our values as a notebook shows them: small fragments of HTML with everything inside, without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from relaylib.evaluate.clips import picture_uri, png_of, sound_uri
from relaylib.evaluate.tables import figure, rate
from relaylib.plot import plot_detections, type_colors
from relaylib.types import Annotation, Detection, FileResult, Manifest, Span, Waveform, ms_to_samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from relaylib.models import Detector

__all__ = ["detector_html", "figure_png", "list_html", "manifest_html", "result_html", "waveform_html"]

_DPI = 100
_LONGEST_MS = 30_000
_MOST_ROWS = 20
_MUTED = "#7d7d85"


def figure_png(figure: Figure) -> bytes:
    """Return a figure as PNG, where no other part of the notebook draws figures."""
    return png_of(figure, dpi=_DPI)


def waveform_html(waveform: Waveform) -> str:
    """Return a player and a picture of a waveform: of its first 30 s, where it is longer."""
    end_ms = min(waveform.duration_ms, _LONGEST_MS)
    about = f"{_length(waveform.duration_ms)}, {waveform.sample_rate} Hz"
    if not end_ms:
        return f"<div><b>Waveform</b> {about}</div>"
    n_samples = ms_to_samples(end_ms, waveform.sample_rate)
    part = Waveform(waveform.samples[:n_samples], waveform.sample_rate)
    if end_ms < waveform.duration_ms:
        about += f"; the first {_length(end_ms)} of it"
    picture = picture_uri(plot_detections(part, width_inches=8.0, ink=_MUTED, paper="none"), dpi=_DPI)
    return (
        f"<div><b>Waveform</b> {about}<br>"
        f'<audio controls style="height:32px" src="{sound_uri(part, 0, end_ms)}"></audio><br>'
        f'<img alt="waveform and spectrogram" style="max-width:100%" src="{picture}"></div>'
    )


def result_html(result: FileResult) -> str:
    """Return what was found in a file, as a strip and a table; or why nothing could be."""
    name = f"<b>{escape(result.original_filename)}</b>"
    if result.status == "failed":
        return f"<div>{name} failed: {escape(result.error_message or '')}</div>"
    length = "" if result.duration_ms is None else f", {_length(result.duration_ms)}"
    spans = _spans_html(result.detections, result.duration_ms)
    return f"<div>{name}{length}, {_n(len(result.detections), 'detection')}{spans}</div>"


def list_html(values: list[Any]) -> str | None:
    """Return a list of spans, or of results, as a table; None for any other, which IPython then shows as ever."""
    if values and all(isinstance(value, (Annotation, Detection)) for value in values):
        what = "detection" if all(isinstance(value, Detection) for value in values) else "annotation"
        return f"<div>{_n(len(values), what)}{_spans_html(values, None)}</div>"
    if values and all(isinstance(value, FileResult) for value in values):
        return _results_html(values)
    return None


def manifest_html(manifest: Manifest) -> str:
    """Return the types of a manifest with their numbers, and its first recordings."""
    spans = [span for item in manifest for span in item.annotations]
    count = Counter(span.artifact_type for span in spans)
    length = Counter[str]()
    for span in spans:
        length[span.artifact_type] += span.end_ms - span.start_ms
    known = [item.duration_ms for item in manifest if item.duration_ms is not None]
    length_known = f", {_length(sum(known))}" if known else ""
    if 0 < len(known) < len(manifest):
        length_known += f" in {len(known)} of them"
    n_clean = sum(not item.annotations for item in manifest)
    about = f"{_n(len(manifest), 'recording')}{length_known}, {_n(len(spans), 'annotation')}, {n_clean} clean"
    types = [
        (_swatch(kind.color) + escape(kind.name), count[kind.name], _length(length[kind.name]), kind.description or "")
        for kind in manifest.artifact_types
    ]
    files = [
        (
            escape(item.filename),
            "" if item.duration_ms is None else _length(item.duration_ms),
            item.group or "",
            len(item.annotations),
        )
        for item in manifest
    ]
    head = ("type", "annotations", "length", "description")
    rows = [(name, str(n), total, escape(text)) for name, n, total, text in types]
    listed = [(name, ms, escape(group), str(n)) for name, ms, group, n in files]
    return (
        f"<div><b>Manifest</b> {about}{_table(head, rows)}"
        f"{_table(('recording', 'length', 'group', 'annotations'), listed)}</div>"
    )


def detector_html(detector: Detector) -> str:
    """Return what a detector finds, how well it did on held-out speech, and what it is made of."""
    events = detector.metrics.get("events", {})
    per_type = events.get("per_class", {})
    colors = type_colors(detector.artifact_types)
    rows = []
    for name in detector.artifact_types:
        values = per_type.get(name)
        label = _swatch(colors[name]) + escape(name)
        if values is None or not values["support"]:
            rows.append((label, *["–"] * 3, "0", ""))
            continue
        shares = [figure(values[key]) for key in ("precision", "recall", "f1_score")]
        rows.append((label, *shares, str(values["support"]), _meter(values["f1_score"], colors[name])))
    kind = detector.config.get("head", "")
    alarms = rate(detector.metrics.get("false_alarms_per_hour"))
    about = f"{_n(len(rows), 'type')}, {escape(str(kind))} head on <b>{escape(detector.encoder.name)}</b>"
    f1 = figure(events.get("f1_score"))
    held_out = f"On held-out speech: event-F1 {f1}, {alarms} false alarms per hour of clean speech."
    head = ("type", "precision", "recall", "F1", "events", "")
    return f"<div><b>Detector</b> {about}{_table(head, rows)}{held_out}</div>"


def _results_html(results: Sequence[FileResult]) -> str:
    failed = sum(result.status == "failed" for result in results)
    found = sum(len(result.detections) for result in results)
    rows = []
    for result in results:
        count = Counter(span.artifact_type for span in result.detections)
        told = ", ".join(f"{n} {name}" for name, n in count.most_common()) or "nothing found"
        if result.status == "failed":
            told = f"failed: {result.error_message}"
        length = "" if result.duration_ms is None else _length(result.duration_ms)
        rows.append((escape(result.original_filename), length, escape(told)))
    about = f"{_n(len(results), 'file')}, {_n(found, 'detection')}" + (f", {failed} failed" if failed else "")
    return f"<div>{about}{_table(('file', 'length', 'detections'), rows)}</div>"


def _spans_html(spans: Sequence[Span], duration_ms: int | None) -> str:
    if not spans:
        return ""
    colors = type_colors(sorted({span.artifact_type for span in spans}))
    end_ms = max([duration_ms or 0, *(span.end_ms for span in spans)])
    bars = "".join(
        f'<rect x="{1000 * span.start_ms / end_ms:.1f}" width="{max(2.0, 1000 * span_ms / end_ms):.1f}" height="16" '
        f'fill="{colors[span.artifact_type]}" fill-opacity="0.8"><title>{escape(span.artifact_type)}</title></rect>'
        for span in spans
        if (span_ms := span.end_ms - span.start_ms)
    )
    strip = (
        f'<svg viewBox="0 0 1000 16" preserveAspectRatio="none" role="img" aria-label="where they are, of '
        f'{_length(end_ms)}" style="display:block;width:100%;height:14px;background:#8882;margin:4px 0">{bars}</svg>'
    )
    rows = [
        (
            _swatch(colors[span.artifact_type]) + escape(span.artifact_type),
            str(span.start_ms),
            str(span.end_ms),
            f"{span.confidence:.2f}",
        )
        for span in spans
    ]
    return strip + _table(("type", "start ms", "end ms", "confidence"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return cells, which are HTML already, as a table; numbers flush right."""
    if not rows:
        return ""
    shown = rows[:_MOST_ROWS]
    right = [all(_is_number(row[k]) for row in shown) for k in range(len(head))]
    lines = "".join(f"<tr>{_cells('td', row, right)}</tr>" for row in shown)
    more = f"<div>… and {len(rows) - len(shown)} more</div>" if len(rows) > len(shown) else ""
    return f'<table style="margin:4px 0"><tr>{_cells("th", head, right)}</tr>{lines}</table>{more}'


def _cells(tag: str, texts: Iterable[str], right: Sequence[bool]) -> str:
    sides = ("left", "right")
    return "".join(
        f'<{tag} style="text-align:{sides[flush]};padding:1px 10px">{text}</{tag}>'
        for text, flush in zip(texts, right, strict=True)
    )


def _is_number(text: str) -> bool:
    return text == "–" or text.replace(".", "", 1).isdigit()


def _swatch(color: str) -> str:
    style = f"display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px;background:{escape(color)}"
    return f'<span style="{style}"></span>'


def _meter(share: float, color: str) -> str:
    inner = f'<div style="width:{100 * share:.0f}%;height:8px;background:{color}"></div>'
    return f'<div style="width:90px;background:#8883">{inner}</div>'


def _length(ms: int) -> str:
    """Return a length as ``5.4 s``, ``3:07 min`` or ``1:02:05 h``."""
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(ms // 1000, 60)
    return f"{minutes}:{seconds:02d} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d} h"


def _n(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
