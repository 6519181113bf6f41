"""Line charts as inline SVG whose text and axes take the colours of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

__all__ = ["Line", "line_chart"]

_WIDTH, _HEIGHT = 420, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 22, 10, 38


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A named curve [x, y: shape=(n,), nan breaks it] in a CSS colour; `dashes` as in SVG, `dots` marks points."""

    label: str
    color: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    dashes: str = ""
    dots: bool = False


def line_chart(lines: Sequence[Line], *, x_label: str, y_label: str, title: str, x_log: bool = False) -> str:
    """Draw curves whose y lies in 0..1, with a legend below; returns an ``<svg>`` and a legend in HTML.

    On a logarithmic axis points at 0 are drawn at the left edge. Without any finite point, a sentence says so.
    """
    xs = np.concatenate([line.x[np.isfinite(line.x) & np.isfinite(line.y)] for line in lines] or [np.zeros(0)])
    if len(xs) == 0:
        return f'<p class="quiet">{escape(title)}: nothing to draw.</p>'
    low, high, ticks = _log_axis(xs) if x_log else _linear_axis(xs)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
        *(_y_tick(value) for value in (0.0, 0.25, 0.5, 0.75, 1.0)),
        *(_x_tick(value, low, high, x_log) for value in ticks),
    ]
    parts += [_path(line, low, high, x_log) for line in lines]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 4}" text-anchor="middle">{escape(x_label)}</text>')
    parts.append(
        f'<text transform="translate(10 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y_label)}</text></svg>"
    )
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 22 8" class="swatch"><path d="M1 4H21" stroke="{line.color}" '
        f'stroke-width="2.4" stroke-dasharray="{line.dashes}"/></svg>{escape(line.label)}</span>'
        for line in lines
        if line.label
    )
    return f'{"".join(parts)}<div class="legend">{keys}</div>'


def _linear_axis(xs: npt.NDArray[np.float64]) -> tuple[float, float, list[float]]:
    low, high = float(min(0.0, xs.min())), float(max(1.0, xs.max()))
    return low, high, [low + (high - low) * k / 4 for k in range(5)]


def _log_axis(xs: npt.NDArray[np.float64]) -> tuple[float, float, list[float]]:
    positive = xs[xs > 0]
    least, most = (float(positive.min()), float(positive.max())) if len(positive) else (1.0, 10.0)
    first = int(np.floor(np.log10(least)))
    last = max(int(np.ceil(np.log10(most))), first + 1)
    return float(first), float(last), [10.0**k for k in range(first, last + 1)]


def _x(value: float, low: float, high: float, log: bool) -> float:
    at = (np.log10(value) if value > 0 else low) if log else value
    return float(_LEFT + (max(at, low) - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT))


def _y(value: float) -> float:
    return _TOP + (1.0 - value) * (_HEIGHT - _TOP - _BOTTOM)


def _y_tick(value: float) -> str:
    y = _y(value)
    return (
        f'<path class="grid" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{value:g}</text>'
    )


def _x_tick(value: float, low: float, high: float, log: bool) -> str:
    x, y = _x(value, low, high, log), _HEIGHT - _BOTTOM
    return (
        f'<path class="grid" d="M{x:.1f} {_TOP}V{y}"/>'
        f'<text x="{x:.1f}" y="{y + 14}" text-anchor="middle">{value:g}</text>'
    )


def _path(line: Line, low: float, high: float, log: bool) -> str:
    commands, points, pen_down = [], [], False
    for x, y in zip(line.x.tolist(), line.y.tolist(), strict=True):
        if not (np.isfinite(x) and np.isfinite(y)):
            pen_down = False
            continue
        at = f"{_x(x, low, high, log):.1f} {_y(y):.1f}"
        commands.append(("L" if pen_down else "M") + at)
        points.append(at.split())
        pen_down = True
    dashes = f' stroke-dasharray="{line.dashes}"' if line.dashes else ""
    path = f'<path class="line" d="{"".join(commands)}" stroke="{line.color}"{dashes}/>'
    if not line.dots:
        return path
    return path + "".join(f'<circle cx="{x}" cy="{y}" r="4" fill="{line.color}"/>' for x, y in points)
