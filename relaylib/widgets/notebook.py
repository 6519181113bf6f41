"""Whether a notebook is there, and how it shows our values; light, for it is looked at on every import."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

__all__ = ["in_notebook", "register_reprs"]

_SHOWN = {
    ("relaylib.types", "Waveform"): "waveform_html",
    ("relaylib.types", "FileResult"): "result_html",
    ("relaylib.types", "Manifest"): "manifest_html",
    ("relaylib.models.detector", "Detector"): "detector_html",
}

_FIGURE = ("matplotlib.figure", "Figure")


def in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this; nothing is imported to find out."""
    return hasattr(_shell(), "kernel")


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def register_reprs(shell: Any = None) -> None:
    """Have IPython show our values as HTML and our pictures, in `shell` or in the one that runs this, if there is one.

    The values themselves import nothing, so they cannot say how they are drawn; IPython asks here, by the names of
    their types, and what draws them is loaded when the first one is shown.
    """
    shell = _shell() if shell is None else shell
    if shell is None:
        return
    formatter = shell.display_formatter.formatters["text/html"]
    for (module, name), function in _SHOWN.items():
        formatter.for_type_by_name(module, name, partial(_shown, function))
    if list not in formatter.type_printers:
        formatter.for_type(list, partial(_shown, "list_html"))
    pictures = shell.display_formatter.formatters["image/png"]
    try:
        pictures.lookup_by_type(".".join(_FIGURE))
    except KeyError:  # pyplot, or %matplotlib, may come later: it then draws them its way
        pictures.for_type_by_name(*_FIGURE, partial(_shown, "figure_png"))


def _shown(function: str, value: Any) -> str | bytes | None:
    import relaylib.widgets.reprs as reprs

    show: Callable[[Any], str | bytes | None] = getattr(reprs, function)
    return show(value)
