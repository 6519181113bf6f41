"""Pictures of sound with what was found in it: waveform, spectrogram, scores, annotations and detections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError
from relaylib.files import utf8
from relaylib.types import Detection, Scores, Span, Waveform, ms_to_frames, ms_to_samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["OKABE_ITO", "plot_detections", "type_colors"]

OKABE_ITO = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F5FC4", "#8C6D31")
"""Colours that stay apart for colour-blind readers, on white and on black (Okabe and Ito, without yellow and black)."""

_DYNAMIC_RANGE_DB = 75.0
_ROW_INCHES = 0.27
_LEFT, _RIGHT = 0.86, 0.14  # inches beside the picture
_KEY_ROW, _KEY, _KEY_LETTER, _TITLE_LETTER = 0.17, 0.27, 0.055, 0.083  # inches that the keys and the title take


def type_colors(names: Iterable[str]) -> dict[str, str]:
    """Give each artifact type a colour, in order; after the eighth they repeat."""
    return {name: OKABE_ITO[k % len(OKABE_ITO)] for k, name in enumerate(dict.fromkeys(names))}


def plot_detections(
    waveform: Waveform,
    *,
    reference: Sequence[Span] = (),
    detections: Sequence[Span] = (),
    scores: Scores | None = None,
    colors: Mapping[str, str] | None = None,
    start_ms: int = 0,
    end_ms: int | None = None,
    threshold: float | None = 0.5,
    title: str | None = None,
    width_inches: float = 9.0,
    ink: str = "#3c3c43",
    paper: str = "white",
) -> Figure:
    """Draw a stretch of sound with its annotations and detections on one time axis.

    From the top: the waveform, shaded where an annotation or, without any, a detection lies; the spectrogram; the score
    curves if given; a lane with the annotations and one with the detections and their confidences.

    Parameters
    ----------
    waveform : Waveform
    reference, detections : sequence of Annotation or Detection
        Spans to draw; what lies outside the stretch is left out. A lane without spans is drawn
        empty when the other has some, and no lanes are drawn without any.
    scores : Scores, optional
        Of the same recording.
    colors : mapping of str to str, optional
        Colour per artifact type, ``#RRGGBB`` or any that matplotlib knows. Default:
        :func:`type_colors` of the types in sight, by name.
    start_ms, end_ms : int, optional
        The stretch to draw. Default: all of it.
    threshold : float, optional
        Dotted line across the score curves.
    title : str, optional
    width_inches : float > 1
        Width of the figure, of which 1 is beside the picture; the height follows from what is drawn.
    ink, paper : str
        Colours of text and background, for dark pages; ``"none"`` leaves the background transparent.

    Returns
    -------
    matplotlib.figure.Figure
        Not tied to pyplot: show it by returning it from a notebook cell, or call its ``savefig``.

    Raises
    ------
    ParameterError
        If the stretch is empty or starts before 0, the width leaves no room, or samples are not finite.
    """
    from matplotlib.figure import Figure

    if not width_inches > _LEFT + _RIGHT:
        raise ParameterError(f"width_inches={width_inches}: need more than {_LEFT + _RIGHT:g}, which lies beside it.")
    end = waveform.duration_ms if end_ms is None else min(end_ms, waveform.duration_ms)
    if not 0 <= start_ms < end:
        raise ParameterError(f"start_ms={start_ms}, end_ms={end}: need 0 <= start_ms < end_ms within the recording.")
    truth = [s for s in reference if s.end_ms > start_ms and s.start_ms < end]
    found = [s for s in detections if s.end_ms > start_ms and s.start_ms < end]
    names = sorted({s.artifact_type for s in (*truth, *found)} | set(scores.artifact_types if scores else ()))
    palette = {**type_colors(names), **(colors or {})}
    lanes = [("annotated", _stack(truth)), ("detected", _stack(found))] if truth or found else []

    heights = [0.85, 1.35] + ([0.8] if scores else [])
    rows = sum(max(1, len(lane)) for _, lane in lanes)
    heights += [_ROW_INCHES * rows + 0.1] if lanes else []
    keys = _in_sight(scores, names, (*truth, *found), (start_ms, end)) if scores else []
    n_columns, n_below = _key_table(keys, title, width_inches - _LEFT - _RIGHT)
    head = 0.26 if title or keys else 0.0
    top, bottom, left, right, gap = 0.12 + head + _KEY_ROW * n_below, 0.46, _LEFT, _RIGHT, 0.07
    total = top + bottom + sum(heights) + gap * (len(heights) - 1)
    figure = Figure(figsize=(width_inches, total), facecolor=paper)
    axes, y = [], total - top
    for height in heights:
        box = (left / width_inches, (y - height) / total, 1 - (left + right) / width_inches, height / total)
        axes.append(figure.add_axes(box, facecolor="none"))
        y -= height + gap

    first, last = (ms_to_samples(ms, waveform.sample_rate) for ms in (start_ms, end))
    samples = waveform.samples[first:last]
    if not np.isfinite(samples).all():
        raise ParameterError("samples are NaN or infinite; repair the waveform first.")
    _draw_waveform(axes[0], samples, start_ms, end, ink, width_inches)
    _draw_spectrogram(axes[1], waveform, first, last)
    pixels_per_ms = (width_inches - left - right) * 100 / (end - start_ms)
    for span in truth or found:
        until = max(span.end_ms, span.start_ms + 3 / pixels_per_ms)
        axes[0].axvspan(span.start_ms / 1000, until / 1000, color=palette[span.artifact_type], alpha=0.25, lw=0)
    if scores:
        _draw_scores(axes[2], scores, palette, (start_ms, end), threshold, ink)
    if lanes:
        _draw_lanes(axes[-1], lanes, palette, (start_ms, end), pixels_per_ms, ink)
    for axis in axes:
        _dress(axis, start_ms / 1000, end / 1000, ink, is_last=axis is axes[-1])
        axis.yaxis.set_label_coords(-0.42 / (width_inches - left - right), 0.5)
    if title:
        at = left / width_inches, 1 - 0.09 / total
        figure.text(*at, utf8(title), color=ink, size=10, weight="bold", va="top", parse_math=False)
    if keys:
        first_row = 0.11 + (head if title and n_below else 0.0)
        _draw_keys(figure, keys, palette, ink, (1 - right / width_inches, 1 - first_row / total), n_columns)
    return figure


def _key_table(keys: Sequence[str], title: str | None, inches: float) -> tuple[int, int]:
    """Return in how many columns the keys stand, and how many rows they need below that of the title."""
    widths = [_KEY + _KEY_LETTER * len(name) for name in keys]
    if sum(widths) + _TITLE_LETTER * len(title or "") <= inches:
        return len(keys), 0
    n_columns = min(max(1, int(inches / max(widths, default=inches))), max(len(keys), 1))
    n_rows = -(-len(keys) // n_columns)
    return n_columns, n_rows if title else n_rows - 1


def _in_sight(scores: Scores, names: Sequence[str], spans: Sequence[Span], stretch: tuple[int, int]) -> list[str]:
    """Return the types of `spans` and those whose score reaches 0.5 inside the stretch."""
    first, last = ms_to_frames(*stretch, scores.hop_ms)
    peaks = scores.values[first:last].max(axis=0, initial=0.0)
    high = {name for name, peak in zip(scores.artifact_types, peaks, strict=True) if peak >= 0.5}
    return [name for name in names if name in high or any(s.artifact_type == name for s in spans)]


def _draw_keys(
    figure: Figure,
    names: Sequence[str],
    palette: Mapping[str, str],
    ink: str,
    corner: tuple[float, float],
    n_columns: int,
) -> None:
    """Write the types with a spot of their colour, with their upper right corner at `corner`, above the picture."""
    from matplotlib.patches import Patch

    handles = [Patch(color=palette[name], label=name) for name in names]
    legend = figure.legend(
        handles=handles,
        loc="upper right",
        bbox_to_anchor=corner,
        ncols=n_columns,
        frameon=False,
        fontsize=7.5,
        labelcolor=ink,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0,
        borderpad=0,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _dress(axis: Axes, start_s: float, end_s: float, ink: str, *, is_last: bool) -> None:
    axis.set_xlim(start_s, end_s)
    axis.tick_params(colors=ink, labelsize=8, length=2.5, width=0.6, labelbottom=is_last, bottom=is_last)
    for side, spine in axis.spines.items():
        spine.set_visible(side == "bottom" and is_last)
        spine.set_color(ink)
        spine.set_linewidth(0.6)
    axis.yaxis.label.set_color(ink)
    if is_last:
        axis.set_xlabel("time (s)", size=8, color=ink, labelpad=2)


def _draw_waveform(
    axis: Axes, samples: npt.NDArray[np.float32], start_ms: int, end_ms: int, ink: str, width_inches: float
) -> None:
    """Draw every sample of a short stretch, else the extremes per pixel column, so that no click is lost."""
    n_columns = int(width_inches * 150)
    peak = max(float(np.abs(samples).max()) if len(samples) else 0.0, 1e-3)
    if len(samples) <= 4 * n_columns:
        times = np.linspace(start_ms, end_ms, len(samples), endpoint=False) / 1000
        axis.plot(times, samples, color=ink, lw=0.7)
    else:
        bounds = np.linspace(0, len(samples), n_columns + 1).astype(int)[:-1]
        low, high = np.minimum.reduceat(samples, bounds), np.maximum.reduceat(samples, bounds)
        times = (start_ms + bounds * (end_ms - start_ms) / len(samples)) / 1000
        thin = peak * 0.008
        axis.fill_between(times, low - thin, high + thin, color=ink, lw=0, step="post")
    axis.set_ylim(-1.08 * peak, 1.08 * peak)
    axis.set_yticks([])
    axis.set_ylabel("wave", size=8, rotation=0, ha="right", va="center")


def _draw_spectrogram(axis: Axes, waveform: Waveform, first: int, last: int) -> None:
    """Draw the level of samples ``[first, last)`` in dB below the loudest point, windows of 20 ms."""
    rate, n = waveform.sample_rate, last - first
    window = max(16, int(rate * 0.020))
    hop = max(1, n // 3000, min(window // 4, n // 500))
    before, after = min(first, window // 2), min(len(waveform.samples) - last, window)  # real sound beyond the edges
    samples = waveform.samples[first - before : last + after].astype(np.float64)
    padded = np.pad(samples, (window // 2 - before, window - after))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[: n + 1 : hop]
    n_fft = 1 << (2 * window - 1).bit_length()
    power = np.abs(np.fft.rfft(frames * np.hanning(window), n_fft).T) ** 2
    level = 10 * np.log10(power + 1e-12)
    top = max(float(level.max()), -20.0)
    extent = ((first - hop / 2) / rate, (first + (frames.shape[0] - 0.5) * hop) / rate, 0.0, rate / 2000)
    image: dict[str, Any] = {"origin": "lower", "aspect": "auto", "extent": extent, "interpolation": "bilinear"}
    axis.imshow(level, cmap="magma", vmin=top - _DYNAMIC_RANGE_DB, vmax=top, **image)
    axis.set_ylim(0, rate / 2000)
    axis.set_yticks([0, rate / 4000, rate / 2000], ["0", f"{rate / 4000:g}", f"{rate / 2000:g}"])
    axis.set_ylabel("kHz", size=8, rotation=0, ha="right", va="center")


def _draw_scores(
    axis: Axes,
    scores: Scores,
    palette: Mapping[str, str],
    stretch: tuple[int, int],
    threshold: float | None,
    ink: str,
) -> None:
    """Draw a curve per type, faint where it stays below the threshold in sight."""
    first, last = ms_to_frames(*stretch, scores.hop_ms)
    first = max(first - 1, 0)
    shown = scores.values[first : last + 1]
    times = (first + np.arange(len(shown)) + 0.5) * scores.hop_ms / 1000
    for k, name in enumerate(scores.artifact_types):
        values = shown[:, k]
        low = threshold is not None and float(values.max(initial=0.0)) < threshold
        axis.fill_between(times, 0, values, color=palette[name], alpha=0.06 if low else 0.18, lw=0)
        axis.plot(times, values, color=palette[name], lw=0.8 if low else 1.2, alpha=0.5 if low else 1.0)
    if threshold is not None:
        axis.axhline(threshold, color=ink, lw=0.7, ls=(0, (2, 3)))
    axis.set_ylim(-0.02, 1.05)
    axis.set_yticks([0, 1] if threshold is None else sorted({0.0, threshold, 1.0}))
    axis.set_yticklabels([f"{t:g}" for t in axis.get_yticks()])
    axis.set_ylabel("scores", size=8, rotation=0, ha="right", va="center")


def _stack(spans: Sequence[Span]) -> list[list[Span]]:
    """Put spans into as few rows as keep those of a row from overlapping."""
    rows: list[list[Span]] = []
    for span in sorted(spans, key=lambda s: (s.start_ms, s.end_ms)):
        row = next((r for r in rows if r[-1].end_ms <= span.start_ms), None)
        if row is None:
            rows.append([span])
        else:
            row.append(span)
    return rows


def _draw_lanes(
    axis: Axes,
    lanes: Sequence[tuple[str, list[list[Span]]]],
    palette: Mapping[str, str],
    stretch: tuple[int, int],
    pixels_per_ms: float,
    ink: str,
) -> None:
    """Draw rows of bars, top down, with the type inside the bar where it fits, else beside it."""
    y, ticks = 0.0, []
    for label, lane in lanes:
        n_rows = max(1, len(lane))
        ticks.append((y + n_rows / 2, label))
        axis.axhspan(y + 0.06, y + n_rows - 0.06, color=ink, alpha=0.07, lw=0)
        for k, row in enumerate(lane):
            _draw_row(axis, row, y + k, palette, stretch, pixels_per_ms, ink)
        y += n_rows
    axis.set_ylim(y, 0)
    axis.set_yticks([at for at, _ in ticks], [label for _, label in ticks])
    axis.tick_params(axis="y", length=0)


def _draw_row(
    axis: Axes,
    row: Sequence[Span],
    y: float,
    palette: Mapping[str, str],
    stretch: tuple[int, int],
    pixels_per_ms: float,
    ink: str,
) -> None:
    start_ms, end_ms = stretch
    for k, span in enumerate(row):
        color = palette[span.artifact_type]
        first, last = max(span.start_ms, start_ms), min(span.end_ms, end_ms)
        thinnest = 3 / pixels_per_ms
        shown = max(last - first, thinnest)
        axis.barh(y + 0.5, shown / 1000, left=first / 1000, height=0.74, color=color, lw=0)
        after = row[k + 1].start_ms if k + 1 < len(row) else end_ms
        before = row[k - 1].end_ms if k else start_ms
        labels = [span.artifact_type]
        if isinstance(span, Detection):
            labels.insert(0, f"{span.artifact_type} {span.confidence:.2f}")
        for label in labels:
            needed = (5.0 * len(label) + 8) / pixels_per_ms
            aside = 4 / pixels_per_ms
            if shown >= needed:
                x, anchor, shade = first + shown / 2, "center", _on(color)
            elif after - (first + shown) >= needed:
                x, anchor, shade = first + shown + aside, "left", ink
            elif first - before >= 2 * needed:
                x, anchor, shade = first - aside, "right", ink
            else:
                continue
            axis.text(x / 1000, y + 0.52, label, size=7.5, color=shade, ha=anchor, va="center", parse_math=False)
            break


def _on(color: str) -> str:
    """Return the text colour, black or white, that reads better on `color`."""
    from matplotlib.colors import to_rgb

    red, green, blue = (part**2.2 for part in to_rgb(color))
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.3 else "white"
