"""The drawing of the explorer: waveform, score curves and spans on one time axis, and the columns that fill it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, HoverTool, LayoutDOM, Legend, LegendItem, Range1d
from bokeh.models import Span as Rule
from bokeh.plotting import figure

from relaylib.types import DecodeConfig, Scores, Span, ms_to_frames

__all__ = ["curve_columns", "explorer_picture", "rules", "span_columns", "time_figure", "wave_figure"]

_LEFT = 92
_ROW_PIXELS = 26
_LEGEND_PIXELS, _LINE_PIXELS, _LETTER_PIXELS = 700, 44, 7  # room in a window of usual width, and what an entry takes
_LEGEND_ROW = 32
_WAVE_INK = "#7d8799"
_NO_SPANS: dict[str, list[Any]] = {
    name: [] for name in ("left", "right", "bottom", "top", "color", "type", "start", "end", "confidence")
}


def time_figure(x_range: Range1d, height: int, *, is_last: bool = False, **options: Any) -> Any:
    """Return an empty figure on the common time axis, which is labelled on the last one."""
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        x_range=x_range,
        toolbar_location=None,
        tools="xpan,xwheel_zoom,tap",
        active_scroll="xwheel_zoom",
        min_border_left=_LEFT,
        min_border_right=14,
        min_border_top=4,
        min_border_bottom=0,
        **options,
    )
    plot.xaxis.visible = is_last
    if is_last:
        plot.xaxis.axis_label = "time (s)"
        plot.xaxis.axis_label_text_font_style = "normal"
    plot.axis.major_label_text_font_size = "12px"
    plot.axis.axis_label_text_font_size = "12px"
    plot.ygrid.visible = False
    return plot


def wave_figure(x_range: Range1d, height: int = 96) -> Any:
    """Return the figure of a waveform, whose source is named ``wave``."""
    plot = time_figure(x_range, height, y_range=Range1d(-1.0, 1.0, name="gain"))
    source = ColumnDataSource({"x": [], "low": [], "high": []}, name="wave")
    plot.varea("x", "low", "high", source=source, color=_WAVE_INK)
    plot.segment("x", "low", "x", "high", source=source, color=_WAVE_INK)  # columns of one sample have no area
    plot.yaxis.visible = False
    return plot


def explorer_picture(
    types: Sequence[str], colors: dict[str, str], duration_s: float, *, with_audio: bool, with_reference: bool
) -> LayoutDOM:
    """Return the layout with empty sources ``wave``, ``curves``, ``found`` and ``annotated``.

    The common range is named ``time``; the rules across the curves are ``threshold`` and ``low_threshold``.
    """
    x_range = Range1d(0.0, duration_s, bounds=(0.0, duration_s), min_interval=0.05, name="time")
    plots = [wave_figure(x_range)] if with_audio else []
    return column(
        *plots,
        _curve_figure(types, colors, x_range),
        _span_figure(types, x_range, with_reference=with_reference),
        sizing_mode="stretch_width",
        spacing=2,
    )


def _curve_figure(types: Sequence[str], colors: dict[str, str], x_range: Range1d) -> Any:
    n_columns = _legend_columns(types)
    below_first = max(0, -(-len(types) // n_columns) - 1)
    plot = time_figure(x_range, 190 + _LEGEND_ROW * below_first, y_range=Range1d(-0.02, 1.04))
    names = [f"y{k}" for k in range(len(types))]
    source = ColumnDataSource({name: [] for name in ("x", *names)}, name="curves")
    lines = [
        plot.line("x", name, source=source, color=colors[kind], line_width=1.8)
        for name, kind in zip(names, types, strict=True)
    ]
    legend = Legend(
        items=[LegendItem(label=kind, renderers=[line]) for kind, line in zip(types, lines, strict=True)],
        orientation="horizontal",
        ncols=n_columns,
        click_policy="hide",
        label_text_font_size="12px",
        padding=2,
        spacing=12,
        margin=2,
        location="left",
    )
    plot.add_layout(legend, "above")
    plot.add_layout(Rule(dimension="width", name="threshold", location=0.5, line_dash=[6, 3]))
    plot.add_layout(Rule(dimension="width", name="low_threshold", location=0.0, line_dash=[2, 4], visible=False))
    plot.yaxis.ticker = [0.0, 0.5, 1.0]
    plot.yaxis.axis_label = "score"
    plot.yaxis.axis_label_text_font_style = "normal"
    return plot


def _legend_columns(types: Sequence[str]) -> int:
    """Return how many entries of a legend lie side by side: all that there is room for, the same number in each row."""
    widths = [_LINE_PIXELS + _LETTER_PIXELS * len(name) for name in types]
    if sum(widths) <= _LEGEND_PIXELS:
        return max(len(types), 1)
    return max(1, _LEGEND_PIXELS // max(widths))


def _span_figure(types: Sequence[str], x_range: Range1d, *, with_reference: bool) -> Any:
    height = 48 + (_ROW_PIXELS + 8 * with_reference) * len(types)
    plot = time_figure(x_range, height, is_last=True, y_range=Range1d(len(types), 0))
    found = plot.quad(source=ColumnDataSource(dict(_NO_SPANS), name="found"), color="color")
    hover = HoverTool(
        renderers=[found], tooltips=[("", "@type"), ("ms", "@start to @end"), ("confidence", "@confidence{0.00}")]
    )
    plot.add_tools(hover)
    if with_reference:
        annotated = plot.quad(
            source=ColumnDataSource(dict(_NO_SPANS), name="annotated"),
            line_color="color",
            fill_color="color",
            fill_alpha=0.15,
            line_width=1.5,
        )
        plot.add_tools(HoverTool(renderers=[annotated], tooltips=[("annotated", "@type"), ("ms", "@start to @end")]))
    plot.yaxis.ticker = [k + 0.5 for k in range(len(types))]
    plot.yaxis.major_label_overrides = {k + 0.5: name for k, name in enumerate(types)}
    plot.yaxis.major_tick_line_color = None
    plot.ygrid.visible = False
    return plot


def curve_columns(scores: Scores, start_ms: int, end_ms: int, n_columns: int) -> dict[str, npt.NDArray[Any]]:
    """Return the score curves of a stretch: the largest score in each of at most `n_columns`, so no peak is lost.

    Parameters
    ----------
    scores : Scores
    start_ms, end_ms : int
    n_columns : int > 0

    Returns
    -------
    dict with `x` in seconds, the middle of each column, and `y0`, `y1` … per type [each: shape=(n,)]

    Examples
    --------
    >>> scores = Scores(np.array([[0.0], [0.75], [0.25], [0.5]], np.float32), ("click",), 80)
    >>> {name: values.round(2).tolist() for name, values in curve_columns(scores, 0, 80, 2).items()}
    {'x': [0.02, 0.06], 'y0': [0.75, 0.5]}
    """
    first, last = ms_to_frames(start_ms, end_ms, scores.hop_ms)
    values = scores.values[first:last]
    step = max(1, -(-len(values) // n_columns))
    starts = np.arange(0, len(values), step)
    peaks = np.maximum.reduceat(values, starts, axis=0) if len(starts) else values
    x = (first + starts + step / 2) * scores.hop_ms / 1000
    return {"x": x, **{f"y{k}": peaks[:, k] for k in range(peaks.shape[1])}}


def span_columns(
    spans: Sequence[Span], types: Sequence[str], colors: dict[str, str], *, part: tuple[float, float] = (0.1, 0.9)
) -> dict[str, Any]:
    """Return bars for spans, one row per type; `part` is the share of the row, from its top, that they fill."""
    row = {name: k for k, name in enumerate(types)}
    shown = [span for span in spans if span.artifact_type in row]
    starts, ends = (np.array([getattr(span, name) for span in shown], int) for name in ("start_ms", "end_ms"))
    rows = np.array([row[span.artifact_type] for span in shown], float)
    return {
        "left": starts / 1000,
        "right": ends / 1000,
        "top": rows + part[0],
        "bottom": rows + part[1],
        "color": [colors[span.artifact_type] for span in shown],
        "type": [span.artifact_type for span in shown],
        "start": starts,
        "end": ends,
        "confidence": np.array([span.confidence for span in shown], float),
    }


def rules(config: DecodeConfig) -> dict[str, dict[str, Any]]:
    """Return the properties of the rules across the curves, by their names."""
    low = config.low_threshold
    return {
        "threshold": {"location": config.threshold},
        "low_threshold": {"location": low or 0.0, "visible": low is not None},
    }
