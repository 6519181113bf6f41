"""A Bokeh drawing in a notebook: BokehJS comes from the kernel, once per page, and nothing from the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import bokeh
import numpy as np
import numpy.typing as npt
import traitlets
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, Model, Plot
from bokeh.resources import Resources
from ipywidgets import Widget, widget_serialization

from relaylib.errors import ParameterError

__all__ = ["BokehView", "pack_columns"]

Column = npt.NDArray[Any] | list[Any]

_SENT_AS = {"f": "f4", "i": "i4", "u": "i4", "b": "i4"}


class _BokehJS(Widget):
    """Holds the script of the installed bokeh package; the views of a page share one."""

    text = traitlets.Unicode().tag(sync=True)
    version = traitlets.Unicode().tag(sync=True)

    _shared: _BokehJS | None = None

    @classmethod
    def shared(cls) -> _BokehJS:
        """Return the one of this kernel, made anew if it was closed."""
        if cls._shared is None or cls._shared.comm is None:
            (script,) = Resources(mode="absolute", components=["bokeh"]).js_files
            cls._shared = cls(text=Path(script).read_text("utf-8"), version=bokeh.__version__)
        return cls._shared


def pack_columns(columns: Mapping[str, Column]) -> dict[str, Any]:
    """Return columns as they travel: arrays of numbers as little-endian bytes, anything else as lists.

    Floats go as float32: keep times in seconds and below some hours, where that is finer than a pixel.
    """
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ParameterError(f"columns have lengths {lengths}; need the same for all of a source.")
    return {name: _pack(column) for name, column in columns.items()}


def _pack(column: Column) -> Any:
    if isinstance(column, np.ndarray) and column.dtype.kind in _SENT_AS:
        sent = _SENT_AS[column.dtype.kind]
        return {"dtype": sent, "buffer": np.ascontiguousarray(column, f"<{sent}").tobytes()}
    return list(column)


class BokehView(anywidget.AnyWidget):
    """Shows a Bokeh model; its named parts can be changed from Python, and what people do to them comes back.

    Parameters
    ----------
    root : bokeh.models.Model
        A figure or layout. Each of its ColumnDataSources has a name of its own, and so does every other model that is
        to be changed later.
    label : str
        What the picture is, for :func:`repr`.
    theme : "auto", "light" or "dark"
        Colour of text, axes and of the renderers tagged ``ink``; "auto" follows the page.

    Attributes
    ----------
    lock : threading.RLock
        Held while the picture is changed: views are heard in one thread, while another tells how decoding progresses.

    Examples
    --------
    >>> from bokeh.plotting import figure
    >>> plot = figure(height=120)
    >>> source = ColumnDataSource({"x": [0, 1], "y": [1, 0]}, name="curve")
    >>> _ = plot.line("x", "y", source=source)
    >>> view = BokehView(plot, label="a curve")
    >>> view.replace("curve", {"x": np.array([0.0, 1.0]), "y": np.array([0.5, 0.7])})
    >>> view
    BokehView(a curve)
    """

    _esm = Path(__file__).parent / "static" / "bokeh_view.js"

    item = traitlets.Dict().tag(sync=True)
    bokehjs = traitlets.Instance(Widget).tag(sync=True, **widget_serialization)
    sources = traitlets.List(traitlets.Unicode()).tag(sync=True)
    properties = traitlets.Dict().tag(sync=True)
    assigned = traitlets.Dict().tag(sync=True)
    watched = traitlets.List(traitlets.Unicode()).tag(sync=True)
    theme = traitlets.Enum(["auto", "light", "dark"], "auto").tag(sync=True)

    def __init__(self, root: Model, *, label: str = "drawing", theme: str = "auto") -> None:
        data = {source.name: dict(source.data) for source in root.select({"type": ColumnDataSource})}
        if None in data:
            raise ParameterError("a ColumnDataSource has no name; give each one, so that it can be replaced.")
        for source in root.select({"type": ColumnDataSource}):
            source.data = {name: [] for name in source.data}  # sent beside the drawing, where it can be replaced
        for plot in root.select({"type": Plot}):
            plot.background_fill_color = plot.border_fill_color = None  # the page shines through, light or dark
        self.lock = threading.RLock()
        self._label = label
        self._taps: list[Callable[[str, dict[str, Any]], None]] = []
        self._moves: dict[str, Callable[[float, float], None]] = {}
        packed = {f"data_{name}": pack_columns(columns) for name, columns in data.items()}
        self.add_traits(**{name: traitlets.Dict(columns).tag(sync=True) for name, columns in packed.items()})
        super().__init__(item=json_item(root), bokehjs=_BokehJS.shared(), sources=list(data), theme=theme)
        self.on_msg(self._hear)

    def __repr__(self) -> str:
        return f"BokehView({self._label})"

    def replace(self, source_name: str, columns: Mapping[str, Column]) -> None:
        """Give a source new columns, all of them.

        Parameters
        ----------
        source_name : str
            Name of a ColumnDataSource of the drawing.
        columns : mapping of str to np.ndarray or list
            Of equal lengths, see :func:`pack_columns`.

        Raises
        ------
        ParameterError
            If there is no such source, or the lengths differ.
        """
        if source_name not in self.sources:
            known = ", ".join(map(repr, self.sources)) or "none"
            raise ParameterError(f"source {source_name!r} is not one of {known}; use the name of a ColumnDataSource.")
        with self.lock:
            setattr(self, f"data_{source_name}", pack_columns(columns))

    def assign(self, model_name: str, **values: Any) -> None:
        """Set properties of the model of that name, also to what they were before: a person may have moved it."""
        with self.lock, self.hold_sync():
            self._remember(model_name, values)
            self.assigned = {**self.assigned, model_name: self.assigned.get(model_name, 0) + 1}

    def on_tap(self, handler: Callable[[str, dict[str, Any]], None]) -> None:
        """Call `handler` with the name of the source and its row as the picture has it, when a glyph is tapped."""
        self._taps.append(handler)

    def on_range(self, name: str, handler: Callable[[float, float], None]) -> None:
        """Call `handler` with start and end of the Range1d of that name, when it has moved; one handler for each."""
        self._moves[name] = handler
        self.watched = list(self._moves)

    def _hear(self, _: Widget, message: dict[str, Any], __: list[memoryview]) -> None:
        if message.get("kind") == "tap":
            for tapped in self._taps:
                tapped(str(message["source"]), dict(message["row"]))
        elif message.get("kind") == "range" and message["name"] in self._moves:
            start, end = float(message["start"]), float(message["end"])
            with self.lock:
                self._remember(message["name"], {"start": start, "end": end})
                self._moves[message["name"]](start, end)

    def _remember(self, model_name: str, values: Mapping[str, Any]) -> None:
        """Keep properties for views that are opened later; those that are open set what is `assigned`."""
        self.properties = {**self.properties, model_name: {**self.properties.get(model_name, {}), **values}}
