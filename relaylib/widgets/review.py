"""Errors of a detector to look at, to hear, and to put right where the label is what is wrong."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ipywidgets
import traitlets

from relaylib.errors import ParameterError
from relaylib.evaluate import EvalConfig, Outcome
from relaylib.formats import read_manifest
from relaylib.types import Detection, FileResult, Manifest
from relaylib.widgets.clip_player import ClipPlayer
from relaylib.widgets.review_list import ReviewList
from relaylib.widgets.review_state import (
    CONTEXT_MS,
    LOOKS,
    DetectionsGiven,
    Listing,
    SortKey,
    akin,
    in_words,
    kind_counts,
    nearest,
    outcomes_of,
    place_after,
    results_given,
    row_of,
    rows_of,
    stretch_around,
)
from relaylib.widgets.review_view import ReviewView

if TYPE_CHECKING:
    from relaylib.widgets.annotator import Annotator

__all__ = ["Review", "review"]

_MOST_ROWS = 500


def review(
    reference: Manifest | str | os.PathLike[str],
    detections: DetectionsGiven,
    *,
    audio_root: str | os.PathLike[str] | None = None,
    collar_ms: int = 200,
) -> Review:
    """Show what became of every annotation and detection, worst first, to be seen and heard.

    Parameters
    ----------
    reference : Manifest or path
        What was annotated. Of a file, corrected labels are kept in it.
    detections : sequence of FileResult, mapping of str to sequence of Detection, or path
        What was found: results of :func:`relaylib.detect_files`, detections by file name, or a detections file.
    audio_root : path, optional
        Folder that the file names are relative to. Default: where the reference lies, if it is a file; otherwise
        there is no waveform and no sound.
    collar_ms : int >= 0
        What counts as a hit, as in :class:`relaylib.evaluate.EvalConfig`.

    Returns
    -------
    Review

    Raises
    ------
    ParameterError
        If detections are neither, or there is more than one result for a file.
    FormatError
        If a file cannot be read.
    """
    path = None if isinstance(reference, Manifest) else Path(reference)
    root = Path(audio_root) if audio_root is not None else None if path is None else path.parent
    manifest = reference if isinstance(reference, Manifest) else read_manifest(reference)
    config = EvalConfig(collar_ms=collar_ms, n_bootstrap=0)
    return Review(manifest, results_given(detections), root, config, kept_in=path)


class Review(ipywidgets.VBox):
    """A list of outcomes over a picture of the chosen one; made by :func:`review`.

    Attributes
    ----------
    reference : Manifest
        The annotations, with what was corrected since.
    outcomes : tuple of Outcome
        Of every annotation and detection, file by file.
    listing : Listing
        What the list shows; set it to show something else.
    selected : int or None
        Which of the outcomes is in the picture.
    annotator : Annotator or None
        Where a label was last put right.
    """

    listing = traitlets.Instance(Listing)
    selected = traitlets.Int(None, allow_none=True)

    def __init__(
        self,
        reference: Manifest,
        results: Sequence[FileResult],
        audio_root: Path | None,
        config: EvalConfig,
        *,
        kept_in: Path | None = None,
    ) -> None:
        self.reference = reference
        self.outcomes: tuple[Outcome, ...] = ()
        self.annotator: Annotator | None = None
        self._results = results
        self._audio_root = audio_root
        self._config = config
        self._kept_in = kept_in
        self._first_id = 0  # of the rows: each comparison has its own, so that orders given on an older list are known
        self._rows: list[int] = []
        self._at = -0.5  # where `step` goes on from: a row, or between two where the chosen one has left the list
        self._list = ReviewList(types=list(reference.type_names))
        self._list.on_msg(lambda _, content, __: self._choose_and_play(self._index_of(content["id"])))
        self._player = ClipPlayer()
        self._view = ReviewView(audio_root, tapped=self._choose_and_play, player=self._player)
        self._title, self._status = ipywidgets.HTML(), ipywidgets.HTML()
        self._place = ipywidgets.VBox()
        bar = ipywidgets.HBox(
            [
                _button("previous", "chevron-left", lambda: self.step(-1)),
                _button("next", "chevron-right", lambda: self.step(1)),
                _button("play", "play", self.play),
                _button("fix the label", "pencil", self.fix),
                self._player,
            ],
            layout={"flex_flow": "row wrap", "align_items": "center", "min_height": "54px"},
        )
        super().__init__([self._status, self._list, bar, self._title, self._view.widget, self._place])
        self._compare()
        self.listing = Listing()
        for name in ("shown", "artifact_type", "sort_by", "descending"):
            self._list.observe(self._list_changed, name)
        self._list.observe(self._row_chosen, "selected")
        self.step(1)

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {LOOKS[kind].label}" for kind, n in kind_counts(self.outcomes).items())
        return f"Review({counts})"

    def step(self, by: int) -> None:
        """Choose the next row of the list, or the one `by` rows on; from nothing, the first.

        What was corrected may have left the list: it then goes on from where that was.
        """
        if not self._rows:
            self.selected = None
            return
        at = (math.floor(self._at) if by > 0 else math.ceil(self._at)) + by
        self.selected = self._rows[min(max(at, 0), len(self._rows) - 1)]

    def play(self) -> None:
        """Play what is chosen, with a second before and after."""
        if self.selected is not None:
            outcome = self.outcomes[self.selected]
            self._view.play(outcome.start_ms - CONTEXT_MS, outcome.end_ms + CONTEXT_MS)

    def fix(self) -> None:
        """Open the annotator at what is chosen; what is corrected there is compared anew at once.

        Detections that are no hits are suggestions there: a false alarm that is none is accepted with a key.
        """
        if self.selected is None:
            return
        outcome = self.outcomes[self.selected]
        annotator = self.annotator or self._open_annotator()
        names = [file["filename"] for file in annotator.files]
        annotator.go_to(names.index(outcome.filename))
        start_ms, end_ms = stretch_around(outcome)
        annotator.view_ms = (float(start_ms), float(end_ms))
        span = outcome.reference or outcome.detection
        assert span is not None
        wanted = {"start_ms": span.start_ms, "end_ms": span.end_ms, "artifact_type": span.artifact_type}
        annotator.selected = next((mark["id"] for mark in annotator.marks if wanted.items() <= mark.items()), None)

    def _open_annotator(self) -> Annotator:
        from relaylib.widgets.annotate import annotate

        errors: dict[str, list[Detection]] = {}
        for outcome in self.outcomes:
            if outcome.kind != "hit" and isinstance(outcome.detection, Detection):
                errors.setdefault(outcome.filename, []).append(outcome.detection)
        suggest = [FileResult(name, None, "completed", tuple(found)) for name, found in errors.items()]
        annotator = annotate(self._kept_in or self.reference, suggest=suggest, audio_root=self._audio_root)
        annotator.observe(self._relabelled, "annotations")
        self.annotator = annotator
        self._place.children = (annotator,)
        return annotator

    @traitlets.validate("selected")
    def _one_of_them(self, proposal: dict[str, Any]) -> int | None:
        index: int | None = proposal["value"]
        if index is not None and not 0 <= index < len(self.outcomes):
            raise ParameterError(f"selected={index} is none of the {len(self.outcomes)} outcomes; they count from 0.")
        return index

    @traitlets.observe("listing")
    def _listed(self, _: object) -> None:
        self._list_rows()
        row = self._row()
        self._at = -0.5 if row is None else row

    def _list_rows(self) -> None:
        listing = self.listing
        rows = rows_of(self.outcomes, listing)
        self._rows = rows[:_MOST_ROWS]
        counts = kind_counts(self.outcomes, listing.artifact_type)
        with self._list.hold_sync():
            self._list.kinds = [
                {"kind": kind, "label": look.label, "sign": look.sign, "color": look.color, "n": counts[kind]}
                for kind, look in LOOKS.items()
            ]
            self._list.shown = list(listing.kinds)
            self._list.artifact_type = listing.artifact_type or ""
            self._list.sort_by, self._list.descending = listing.sort_by, listing.descending
            self._list.n_rows = len(rows)
            self._list.rows = [row_of(self.outcomes[k], self._first_id + k) for k in self._rows]

    def _list_changed(self, _: object) -> None:
        of = self._list
        kinds = tuple(kind for kind in LOOKS if kind in of.shown)
        self.listing = Listing(kinds, of.artifact_type or None, cast(SortKey, of.sort_by), of.descending)

    def _row_chosen(self, _: object) -> None:
        """Follow the list, or put it right: a row of an older list may be another outcome now."""
        index = self._index_of(self._list.selected)
        if index is None:
            self._list.selected = self._id_of(self.selected)
        else:
            self.selected = index

    def _index_of(self, row_id: int | None) -> int | None:
        """Return which outcome a row of the list is, None for one of an older list."""
        index = -1 if row_id is None else row_id - self._first_id
        return index if 0 <= index < len(self.outcomes) else None

    def _id_of(self, index: int | None) -> int | None:
        return None if index is None else self._first_id + index

    def _row(self) -> int | None:
        """Return where in the list the chosen outcome is, None if it is not there."""
        return self._rows.index(self.selected) if self.selected in self._rows else None

    @traitlets.observe("selected")
    def _chosen(self, _: object) -> None:
        row = self._row()
        self._at = self._at if row is None else row
        self._show_chosen()

    def _show_chosen(self) -> None:
        self._list.selected = self._id_of(self.selected)
        if self.selected is None:
            self._view.clear()
            self._title.value = ""
            return
        outcome = self.outcomes[self.selected]
        self._view.show(self.outcomes, self.selected)
        look, problem = LOOKS[outcome.kind], self._view.problem
        self._title.value = (
            f'<span style="background:{look.color};color:#000;padding:1px 6px;border-radius:3px">{look.sign} '
            f"{look.label}</span> {escape(in_words(outcome))} in <b>{escape(outcome.filename)}</b>"
            f"{'' if problem is None else f' · {escape(problem)}'}"
        )

    def _choose_and_play(self, index: int | None) -> None:
        if index is not None:
            self.selected = index
            self.play()

    def _relabelled(self, _: object) -> None:
        assert self.annotator is not None
        now = self.annotator.annotations_by_file
        items = [replace(item, annotations=now.get(item.filename, item.annotations)) for item in self.reference]
        reference = replace(self.reference, audio=tuple(items))
        if reference == self.reference:  # another file is on the annotator's screen
            return
        self.reference = reference
        chosen = None if self.selected is None else self.outcomes[self.selected]
        row, at = self._row(), self._at
        with self._list.hold_sync():
            self._compare()
            self._list_rows()
            index = None if chosen is None else nearest(self.outcomes, chosen)
            if index == self.selected:
                self._show_chosen()
            else:
                self.selected = index
        stayed = chosen is not None and index is not None and akin(self.outcomes[index], chosen)
        self._at = place_after(at, row, self._row() if stayed else None)

    def _compare(self) -> None:
        self._first_id += len(self.outcomes)
        aligned, found = outcomes_of(self.reference, self._results, self._config)
        self.outcomes = tuple(found)
        left_out = [
            f"{len(names)} {what}"
            for names, what in (
                (aligned.failed_files, "failed"),
                (aligned.missing_files, "without a result"),
                (aligned.unknown_files, "not in the reference"),
                (aligned.unfinished_files, "still being labelled"),
            )
            if names
        ]
        note = f"; left out: {', '.join(left_out)}" if left_out else ""
        self._status.value = f"{len(aligned.items)} files compared, collar {self._config.collar_ms} ms{note}"


def _button(label: str, icon: str, act: Any) -> Any:
    button = ipywidgets.Button(description=label, icon=icon, layout={"width": "auto"})
    button.on_click(lambda _: act())
    return button
