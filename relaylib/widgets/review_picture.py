"""The drawing of the review: a recording with the lanes of its annotations and detections, coloured by outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import BoxAnnotation, ColumnDataSource, HoverTool, LayoutDOM, Range1d

from relaylib.evaluate import Outcome
from relaylib.types import Span
from relaylib.widgets.explore_picture import time_figure, wave_figure
from relaylib.widgets.lanes import lanes
from relaylib.widgets.review_state import LOOKS

__all__ = ["lane_columns", "lanes_height", "review_picture"]

_COLUMNS = ("left", "right", "bottom", "top", "label_x", "color", "text", "type", "kind", "start", "end", "confidence")
_SIDES = ("annotated", "detected")
_PAD, _BAR = 0.08, 0.6  # where a bar begins and ends in its lane; its name is below
_AXIS_PIXELS, _SIDE_PIXELS, _LANE_PIXELS, _MOST_LANES = 50, 60, 30, 8


def review_picture() -> LayoutDOM:
    """Return the layout with empty sources ``wave``, ``annotated`` and ``detected``.

    The range is named ``time``, the figure of the bars ``lanes``, the band around the chosen outcome ``chosen_wave``
    and ``chosen``.
    """
    x_range = Range1d(0.0, 1.0, min_interval=0.05, name="time")
    wave, spans = (
        wave_figure(x_range, 110),
        time_figure(x_range, lanes_height(), is_last=True, y_range=Range1d(2.0, 0.0)),
    )
    spans.name = "lanes"
    for plot, name in ((wave, "chosen_wave"), (spans, "chosen")):
        plot.add_layout(
            BoxAnnotation(left=0.0, right=0.0, fill_color="#888888", fill_alpha=0.22, line_color=None, name=name)
        )
    for side in _SIDES:
        source = ColumnDataSource({name: [] for name in _COLUMNS}, name=side)
        bars = spans.quad(source=source, fill_color="color", line_color="color", fill_alpha=0.85)
        label = spans.text("label_x", "bottom", text="text", source=source, text_baseline="top", text_font_size="12px")
        label.tags = ["ink"]  # beside the bar, not in it: short bars have names too
        tooltips = [("", "@kind: @type"), ("ms", "@start to @end"), ("confidence", "@confidence{0.00}")]
        spans.add_tools(HoverTool(renderers=[bars], tooltips=tooltips))
    spans.yaxis.ticker = [0.5, 1.5]
    spans.yaxis.major_label_overrides = {k + 0.5: side for k, side in enumerate(_SIDES)}
    spans.yaxis.major_tick_line_color = None
    return column(wave, spans, sizing_mode="stretch_width", spacing=2)


def lanes_height(outcomes: Sequence[Outcome] = ()) -> int:
    """Return how high the figure of the bars of a file is, in pixels, so that their names have room between them."""
    sides = [[span for one in outcomes if (span := _span(one, side)) is not None] for side in _SIDES]
    n_lanes = 1 + max(max(lanes(spans), default=0) for spans in sides)
    return _AXIS_PIXELS + 2 * max(_SIDE_PIXELS, _LANE_PIXELS * min(n_lanes, _MOST_LANES))


def lane_columns(outcomes: Sequence[Outcome], side: str, from_ms: int = 0) -> dict[str, Any]:
    """Return the bars of one side of a file, those that overlap one above the other.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Of one file.
    side : "annotated" or "detected"
        The annotations lie in the row from 0 to 1, the detections in that from 1 to 2.
    from_ms : int
        Where the picture begins: bars that reach into it from before have their names there.
    """
    pairs = [(outcome, span) for outcome in outcomes if (span := _span(outcome, side)) is not None]
    spans = [span for _, span in pairs]
    lane = np.array(lanes(spans), float)
    n_lanes = int(lane.max(initial=0)) + 1
    top = _SIDES.index(side) + (lane + _PAD) / n_lanes
    bottom = _SIDES.index(side) + (lane + _BAR) / n_lanes
    return {
        "left": np.array([span.start_ms for span in spans]) / 1000,
        "right": np.array([span.end_ms for span in spans]) / 1000,
        "top": top,
        "bottom": bottom,
        "label_x": np.array([max(s.start_ms, from_ms) if s.end_ms > from_ms else s.start_ms for s in spans]) / 1000,
        "color": [LOOKS[outcome.kind].color for outcome, _ in pairs],
        "text": [f"{LOOKS[outcome.kind].sign} {span.artifact_type}" for outcome, span in pairs],
        "type": [span.artifact_type for span in spans],
        "kind": [LOOKS[outcome.kind].label for outcome, _ in pairs],
        "start": np.array([span.start_ms for span in spans], int),
        "end": np.array([span.end_ms for span in spans], int),
        "confidence": np.array([span.confidence for span in spans], float),
    }


def _span(outcome: Outcome, side: str) -> Span | None:
    return outcome.reference if side == "annotated" else outcome.detection
