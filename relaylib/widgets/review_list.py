"""The list beside the picture of the review: kinds with their numbers, and a row for each outcome."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

__all__ = ["ReviewList"]

_STATIC = Path(__file__).parent / "static"


class ReviewList(anywidget.AnyWidget):
    """Rows to choose from; what is shown and in which order is decided by :mod:`relaylib.widgets.review_state`.

    `kinds` holds kind, label, sign, color and number of each kind; `shown`, `artifact_type` ("" for all), `sort_by`,
    `descending` and `selected` (the `id` of a row) are set by either side. Enter, or a double click on a row, sends
    ``{"kind": "play", "id": id}``: that the row was chosen may come later, while the kernel is busy.
    """

    _esm = _STATIC / "review_list.js"
    _css = _STATIC / "review_list.css"

    kinds = traitlets.List(traitlets.Dict()).tag(sync=True)
    types = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List(traitlets.Dict()).tag(sync=True)
    n_rows = traitlets.Int(0).tag(sync=True)
    shown = traitlets.List(traitlets.Unicode()).tag(sync=True)
    artifact_type = traitlets.Unicode("").tag(sync=True)
    sort_by = traitlets.Unicode("confidence").tag(sync=True)
    descending = traitlets.Bool(True).tag(sync=True)
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)

    def __repr__(self) -> str:
        return f"ReviewList({self.n_rows} rows)"
