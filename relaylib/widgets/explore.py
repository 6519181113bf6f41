"""Score curves under the waveform, and sliders that decode them anew."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from relaylib.errors import ParameterError
from relaylib.evaluate.tables import figure, rate
from relaylib.plot import type_colors
from relaylib.types import Annotation, DecodeConfig, Detection, Manifest, Scores
from relaylib.widgets.aside import aside
from relaylib.widgets.bokeh_view import BokehView
from relaylib.widgets.clip_player import ClipPlayer
from relaylib.widgets.explore_picture import curve_columns, explorer_picture, rules, span_columns
from relaylib.widgets.explore_state import EventFigures, Explored, explore_scores, reference_of
from relaylib.widgets.listening import AudioGiven, Sound, open_sound, outline

if TYPE_CHECKING:
    from relaylib.models import Detector

__all__ = ["Explorer", "explore", "figures_html"]

_COLUMNS = 2400
_CONTEXT_MS = 1000


def explore(
    scores: Scores | Detector,
    audio: AudioGiven | None = None,
    *,
    reference: Sequence[Annotation] | Manifest | None = None,
    config: DecodeConfig | None = None,
    collar_ms: int = 200,
) -> Explorer:
    """Show score curves under the waveform, with sliders that decode them anew while they move.

    Parameters
    ----------
    scores : Scores or Detector
        Scores of a recording, or a detector, which then scores `audio`.
    audio : path, Waveform or np.ndarray [shape=(n_samples,), floating point, 16 kHz], optional
        The recording, to be drawn and heard; a detector needs it.
    reference : sequence of Annotation or Manifest, optional
        Annotations of the recording, to show how good the detections are; of a manifest those of `audio` by its name.
    config : DecodeConfig, optional
        What the sliders start from.
    collar_ms : int >= 0
        What counts as a hit, see :func:`relaylib.evaluate.match_events`.

    Returns
    -------
    Explorer
        Shown by a notebook; its `config` and `detections` are always those of the sliders.

    Raises
    ------
    ParameterError
        If `scores` is neither, a detector comes without audio, or a manifest does not have the recording.
    AudioDecodeError
        If a detector is to score audio that cannot be decoded.
    """
    filename = os.fspath(audio) if isinstance(audio, (str, os.PathLike)) else None
    truth = reference_of(reference, filename)
    if not isinstance(scores, Scores):
        if audio is None:
            raise ParameterError("audio is None: a detector needs a recording to score; give its file or samples.")
        if not hasattr(scores, "score"):
            raise ParameterError(
                f"scores is a {type(scores).__name__}; give Scores, or a detector as Detector.load gives it."
            )
        scores = scores.score(audio)
    return Explorer(scores, audio, reference=truth, config=config or DecodeConfig(), collar_ms=collar_ms)


class Explorer(ipywidgets.VBox):
    """Sliders over score curves; made by :func:`explore`.

    Attributes
    ----------
    config : DecodeConfig
        What the sliders say; set it to move them.
    detections : list of Detection
        What the core's ``decode`` makes of the scores with it.
    figures : EventFigures or None
        How good these are, where there is a reference.
    """

    config = traitlets.Instance(DecodeConfig)
    detections = traitlets.List(traitlets.Instance(Detection))
    figures = traitlets.Instance(EventFigures, allow_none=True)

    def __init__(
        self,
        scores: Scores,
        audio: AudioGiven | None,
        *,
        reference: tuple[Annotation, ...] | None,
        config: DecodeConfig,
        collar_ms: int,
    ) -> None:
        self._scores = scores
        self._reference = reference
        self._collar_ms = collar_ms
        self._telling = False  # the sliders are being moved to a new configuration, not by a person
        self._colors = type_colors(scores.artifact_types)
        self._shown_ms = (0, scores.duration_ms)
        picture = explorer_picture(
            scores.artifact_types,
            self._colors,
            max(scores.duration_ms, 1) / 1000,
            with_audio=audio is not None,
            with_reference=reference is not None,
        )
        self._view = BokehView(picture, label="waveform, scores and detections")
        self._view.on_range("time", self._move)
        self._view.on_tap(self._tap)
        self._sliders = _sliders()
        self._low = ipywidgets.Checkbox(description="low threshold", indent=False, layout={"width": "120px"})
        self._status = ipywidgets.HTML()
        self._player = ClipPlayer()
        whole = ipywidgets.Button(description="whole recording", layout={"width": "130px"})
        whole.on_click(lambda _: self.show(0, scores.duration_ms))
        threshold, low, merge, shortest = self._sliders.values()
        rows = [
            ipywidgets.HBox([threshold, merge, shortest], layout={"flex_flow": "row wrap"}),
            ipywidgets.HBox([self._low, low, whole, self._player], layout={"flex_flow": "row wrap"}),
        ]
        super().__init__([*rows, self._view, self._status])
        self._sound: Sound | None = None
        if audio is not None:
            self._sound = open_sound(audio, aside(self._draw_wave))
        self._draw_stretch()
        if reference is not None:
            bars = span_columns(reference, scores.artifact_types, self._colors, part=(0.08, 0.42))
            self._view.replace("annotated", bars)
        self.config = config
        for control in (*self._sliders.values(), self._low):
            control.observe(self._slid, "value")

    def __repr__(self) -> str:
        return f"Explorer({len(self.detections)} detections at {self.config})"

    def show(self, start_ms: int, end_ms: int) -> None:
        """Bring a stretch of the recording into view."""
        with self._view.lock:
            self._view.assign("time", start=start_ms / 1000, end=end_ms / 1000)
            self._move(start_ms / 1000, end_ms / 1000)

    @traitlets.observe("config")
    def _configured(self, _: object) -> None:
        self._tell_sliders(self.config)
        explored = explore_scores(self._scores, self.config, self._reference, collar_ms=self._collar_ms)
        self._draw_found(explored)
        self.detections = list(explored.detections)
        self.figures = explored.figures

    def _slid(self, _: object) -> None:
        """Take the configuration from the sliders; a low threshold above the other follows it."""
        if self._telling:
            return
        values = {name: slider.value for name, slider in self._sliders.items()}
        low = min(values["low_threshold"], values["threshold"]) if self._low.value else None
        self.config = DecodeConfig(**{**values, "low_threshold": low})

    def _tell_sliders(self, config: DecodeConfig) -> None:
        self._telling = True
        for name, slider in self._sliders.items():
            value = getattr(config, name)
            if value is not None:
                slider.max = max(slider.max, value)
                slider.value = value
        self._low.value = config.low_threshold is not None
        self._sliders["low_threshold"].disabled = config.low_threshold is None
        self._telling = False

    def _draw_found(self, explored: Explored) -> None:
        part = (0.1, 0.9) if self._reference is None else (0.5, 0.92)
        bars = span_columns(explored.detections, self._scores.artifact_types, self._colors, part=part)
        self._view.replace("found", bars)
        for name, values in rules(explored.config).items():
            self._view.assign(name, **values)
        n_found = len(explored.detections)
        self._status.value = figures_html(explored.figures, n_found)

    def _move(self, start_s: float, end_s: float) -> None:
        self._shown_ms = (round(start_s * 1000), round(end_s * 1000))
        self._draw_stretch()

    def _tap(self, source: str, row: dict[str, Any]) -> None:
        """Play what was tapped, also if the sliders have moved it since."""
        if self._sound is not None and source in ("found", "annotated"):
            with self._view.lock:
                self._player.play(self._sound, int(row["start"]) - _CONTEXT_MS, int(row["end"]) + _CONTEXT_MS)

    def _stretch(self) -> tuple[int, int]:
        """Return what is drawn: what is in view, and half as much again on each side to pan into."""
        start_ms, end_ms = self._shown_ms
        margin = (end_ms - start_ms) // 2
        return max(0, start_ms - margin), min(end_ms + margin, self._scores.duration_ms)

    def _draw_stretch(self) -> None:
        self._view.replace("curves", curve_columns(self._scores, *self._stretch(), _COLUMNS))
        self._draw_wave()

    def _draw_wave(self, *_: object) -> None:
        if self._sound is None:
            return
        with self._view.lock:
            self._player.progressed(self._sound)
            drawn = outline(self._sound, *self._stretch(), _COLUMNS)
            self._view.replace("wave", drawn)
            loudest = max((float(abs(side).max(initial=0.0)) for side in (drawn["low"], drawn["high"])), default=0.0)
            self._view.assign("gain", start=-max(loudest, 0.01), end=max(loudest, 0.01))


def _sliders() -> dict[str, Any]:
    """Return the sliders by the names of the configuration, with its ranges."""
    style, layout = {"description_width": "initial"}, {"flex": "1 1 270px", "max_width": "400px"}
    share = {"min": 0.0, "max": 1.0, "step": 0.01, "readout_format": ".2f", "layout": layout, "style": style}
    whole = {"min": 0, "step": 10, "layout": layout, "style": style}
    return {
        "threshold": ipywidgets.FloatSlider(0.5, description="threshold", **share),
        "low_threshold": ipywidgets.FloatSlider(0.3, disabled=True, **{**share, "layout": {"width": "180px"}}),
        "merge_window_ms": ipywidgets.IntSlider(200, max=1000, description="merge window (ms)", **whole),
        "min_duration_ms": ipywidgets.IntSlider(50, max=500, description="minimum duration (ms)", **whole),
    }


def figures_html(figures: EventFigures | None, n_found: int) -> str:
    """Return the line of figures and the table per type under the picture."""
    if figures is None:
        return f"<b>{n_found}</b> detections"
    heads = (
        ("event-F1", figure(figures.f1)),
        ("precision", figure(figures.precision)),
        ("recall", figure(figures.recall)),
        ("false alarms per hour", rate(figures.false_alarms_per_hour)),
        ("detections", str(n_found)),
    )
    key = "outlined: annotated, filled: detected"
    line = " ".join(
        f'<span style="margin-right:26px;white-space:nowrap"><b style="font-size:18px">{value}</b> {name}</span>'
        for name, value in heads
    )
    cell = 'style="text-align:right;padding:0 12px 0 0"'
    head = "".join(f"<th {cell}>{t}</th>" for t in ("type", "precision", "recall", "F1", "annotated", "detected"))
    body = "".join(
        f"<tr><td {cell}>{escape(name)}</td><td {cell}>{figure(p)}</td><td {cell}>{figure(r)}</td>"
        f"<td {cell}>{figure(f)}</td><td {cell}>{n}</td><td {cell}>{m}</td></tr>"
        for name, p, r, f, n, m in figures.rows
    )
    return f'<div style="line-height:1.5">{line} {key}<table style="font-size:12px"><tr>{head}</tr>{body}</table></div>'
