"""How a training goes, while it goes: a bar, and curves of loss and validation F1 for each fold."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import ipywidgets
from bokeh.layouts import row
from bokeh.models import ColumnDataSource, HoverTool, LayoutDOM, Range1d
from bokeh.plotting import figure

from relaylib.models import TrainProgress
from relaylib.plot import OKABE_ITO
from relaylib.widgets.bokeh_view import BokehView

__all__ = ["TrainingCurves", "curve_series"]

_SOURCES = ("train_loss", "validation_loss", "validation_f1")
_REDRAW_EVERY_S = 0.2


def curve_series(history: Sequence[TrainProgress]) -> dict[str, dict[str, list[Any]]]:
    """Return the curves of a training so far.

    Parameters
    ----------
    history : sequence of TrainProgress
        As they came; those of other stages are passed over.

    Returns
    -------
    dict
        ``train_loss``, ``validation_loss`` and ``validation_f1``, each with a row for each fold, in their order: `xs`
        (epochs), `ys`, `fold` and `color`; and ``best`` with the epoch `x` and validation F1 `y` of each fold that its
        classifier is taken from, the first of the best.

    Examples
    --------
    >>> told = [TrainProgress("training", k, 4, 0, k, 1 / k, 2 / k, f1) for k, f1 in ((1, 0.5), (2, 0.75), (3, 0.75))]
    >>> series = curve_series(told)
    >>> series["validation_f1"]["ys"], series["best"]["x"]
    ([[0.5, 0.75, 0.75]], [2])
    """
    folds: dict[int, list[TrainProgress]] = {}
    for progress in history:
        if progress.stage == "training" and progress.fold is not None:
            folds.setdefault(progress.fold, []).append(progress)
    ordered = sorted(folds.items())
    names: dict[str, list[Any]] = {
        "fold": [fold for fold, _ in ordered],
        "color": [OKABE_ITO[fold % len(OKABE_ITO)] for fold, _ in ordered],
    }
    epochs: list[Any] = [[progress.epoch for progress in own] for _, own in ordered]
    series: dict[str, dict[str, list[Any]]] = {
        name: {"xs": epochs, "ys": [[getattr(progress, name) for progress in own] for _, own in ordered], **names}
        for name in _SOURCES
    }
    best = [max(own, key=lambda progress: progress.validation_f1 or 0.0) for _, own in ordered]
    points: dict[str, list[Any]] = {
        "x": [progress.epoch for progress in best],
        "y": [progress.validation_f1 for progress in best],
    }
    return {**series, "best": {**points, **names}}


class TrainingCurves(ipywidgets.VBox):
    """Live curves of a training: hand it to :func:`relaylib.train` as `progress`.

    Examples
    --------
    >>> curves = TrainingCurves()  # shown by a notebook; then train(manifest, progress=curves)
    >>> curves(TrainProgress("embedding", 1, 2))
    >>> curves
    TrainingCurves(embedding 1 of 2)
    >>> for epoch in (1, 2):
    ...     curves(TrainProgress("training", epoch, 2, 0, epoch, 1 / epoch, 2 / epoch, epoch / 4))
    >>> curves.finish()
    >>> curves
    TrainingCurves(trained: 1 fold, 2 epochs, best validation F1 0.50 on average)
    """

    def __init__(self) -> None:
        self.history: list[TrainProgress] = []
        self._drawn_s = float("-inf")
        self._outcome = ""
        self._bar = ipywidgets.IntProgress(0, 0, 1, layout={"width": "260px"})
        self._text = ipywidgets.HTML("waiting for the first recording")
        self._view = BokehView(_picture(), label="loss and validation F1 per fold")
        self._view.layout.display = "none"
        super().__init__([ipywidgets.HBox([self._bar, self._text]), self._view])

    def __repr__(self) -> str:
        if self._outcome:
            return f"TrainingCurves({self._outcome})"
        last = self.history[-1] if self.history else None
        return f"TrainingCurves({'nothing yet' if last is None else f'{last.stage} {last.done} of {last.total}'})"

    def __call__(self, progress: TrainProgress) -> None:
        """Take in what training tells."""
        self.history.append(progress)
        now = time.monotonic()
        if now - self._drawn_s >= _REDRAW_EVERY_S or progress.done in (1, progress.total):
            self._drawn_s = now
            self._draw()

    def finish(self) -> None:
        """Show the end: folds that stopped early do not make the bar full by themselves."""
        self._draw()
        self._bar.value = self._bar.max
        self._bar.bar_style = "success"
        epochs = [progress for progress in self.history if progress.stage == "training"]
        series = curve_series(epochs)["best"]["y"]
        best = f", best validation F1 {sum(series) / len(series):.2f} on average" if series else ""
        self._outcome = f"trained: {len(series)} fold{'s' * (len(series) != 1)}, {len(epochs)} epochs{best}"
        self._text.value = self._outcome

    def _draw(self) -> None:
        if not self.history:
            return
        last = self.history[-1]
        self._bar.max, self._bar.value = last.total, last.done
        if last.stage == "embedding":
            self._text.value = f"embedding recording {last.done} of {last.total}"
            return
        f1 = f", validation F1 {last.validation_f1:.2f}" if last.validation_f1 is not None else ""
        self._text.value = f"training: epoch {last.done} of at most {last.total} in all folds{f1}"
        self._view.layout.display = None
        series = curve_series(self.history)
        for name, columns in series.items():
            self._view.replace(name, columns)
        losses = [y for name in _SOURCES[:2] for ys in series[name]["ys"] for y in ys if math.isfinite(y)]
        self._view.assign("epochs", end=max(2, *(xs[-1] for xs in series["train_loss"]["xs"])) + 0.2)
        self._view.assign("loss", end=1.05 * max(losses, default=1.0))


def _picture() -> LayoutDOM:
    """Return two figures, loss and validation F1 against epochs, whose sources are those of :func:`curve_series`."""
    epochs = Range1d(0.8, 2.2, name="epochs")
    loss = _figure("loss (dashed: training)", x_range=epochs, y_range=Range1d(0.0, 1.0, name="loss"))
    f1 = _figure("validation event-F1 (dot: taken)", x_range=epochs, y_range=Range1d(-0.02, 1.02))
    for plot, name, dash in (
        (loss, "train_loss", "4 3"),
        (loss, "validation_loss", "solid"),
        (f1, _SOURCES[2], "solid"),
    ):
        source = ColumnDataSource({column: [] for column in ("xs", "ys", "fold", "color")}, name=name)
        lines = plot.multi_line("xs", "ys", color="color", line_dash=dash, line_width=1.8, source=source)
        plot.add_tools(
            HoverTool(renderers=[lines], tooltips=[("fold", "@fold"), ("epoch", "$x{0}"), ("", "$y{0.000}")])
        )
    best = ColumnDataSource({column: [] for column in ("x", "y", "fold", "color")}, name="best")
    f1.scatter("x", "y", color="color", size=9, source=best)
    return row(loss, f1, sizing_mode="stretch_width")


def _figure(title: str, **ranges: Any) -> Any:
    plot = figure(height=210, sizing_mode="stretch_width", toolbar_location=None, tools="", title=title, **ranges)
    plot.xaxis.axis_label = "epoch"
    plot.xaxis.ticker.min_interval = 1
    plot.axis.axis_label_text_font_style = "normal"
    plot.axis.major_label_text_font_size = "12px"
    plot.title.text_font_size = "13px"
    return plot
