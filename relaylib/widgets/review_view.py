"""A recording under review on the screen: its waveform, its annotations and detections by outcome, and its sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from relaylib.evaluate import Outcome
from relaylib.evaluate.clips import find_clip_audio
from relaylib.widgets.aside import aside
from relaylib.widgets.bokeh_view import BokehView
from relaylib.widgets.clip_player import ClipPlayer
from relaylib.widgets.listening import Sound, open_sound, outline
from relaylib.widgets.review_picture import lane_columns, lanes_height, review_picture
from relaylib.widgets.review_state import LOOKS, stretch_around

__all__ = ["ReviewView"]

_COLUMNS = 2400
_SIDES = {"annotated": "reference", "detected": "detection"}


class ReviewView:
    """The picture of one outcome at a time, with what else became of the recording.

    Parameters
    ----------
    audio_root : Path or None
        Folder that the file names are relative to; without one there is neither waveform nor sound.
    tapped : callable
        Called with the index of an outcome whose bar was tapped.
    player : ClipPlayer
        Plays the sound, and says why a recording has none.

    Attributes
    ----------
    widget : BokehView
    problem : str or None
        Why the recording on the screen has no sound.
    """

    def __init__(self, audio_root: Path | None, *, tapped: Callable[[int], None], player: ClipPlayer) -> None:
        self.problem: str | None = None
        self._audio_root = audio_root
        self._tapped, self._player = tapped, player
        self._filename: str | None = None
        self._sound: Sound | None = None
        self._outcomes: Sequence[Outcome] = ()
        self._shown_ms = (0, 0)
        self.widget = BokehView(review_picture(), label="annotations and detections by outcome")
        self.widget.on_range("time", self._move)
        self.widget.on_tap(self._tap)

    def show(self, outcomes: Sequence[Outcome], chosen: int) -> None:
        """Show one of the outcomes of all recordings with its surroundings."""
        outcome = outcomes[chosen]
        with self.widget.lock:
            self._player.clear()
            self._outcomes = outcomes
            if outcome.filename != self._filename:
                self._open(outcome.filename)
            self._mark(outcome.start_ms, outcome.end_ms)
            self._shown_ms = stretch_around(outcome)
            self.widget.assign("lanes", height=lanes_height(self._own()))
            self.widget.assign("time", start=self._shown_ms[0] / 1000, end=self._shown_ms[1] / 1000)
            self._draw()

    def clear(self) -> None:
        """Show nothing."""
        with self.widget.lock:
            self._player.clear()
            self._outcomes = ()
            self._filename = self._sound = self.problem = None
            self._mark(0, 0)
            self._draw()

    def play(self, start_ms: int, end_ms: int) -> None:
        """Play a stretch; nothing where there is no sound."""
        with self.widget.lock:
            if self._sound is not None:
                self._player.play(self._sound, start_ms, end_ms)

    def _mark(self, start_ms: int, end_ms: int) -> None:
        for name in ("chosen", "chosen_wave"):
            self.widget.assign(name, left=start_ms / 1000, right=end_ms / 1000)

    def _open(self, filename: str) -> None:
        self._filename = filename
        path = find_clip_audio(self._audio_root, filename)
        self.problem = path if isinstance(path, str) else None
        self._sound = None if isinstance(path, str) else open_sound(path, aside(self._draw_wave))

    def _own(self) -> list[Outcome]:
        """Return what became of the recording on the screen."""
        return [outcome for outcome in self._outcomes if outcome.filename == self._filename]

    def _draw(self) -> None:
        own = self._own()
        for side in _SIDES:
            self.widget.replace(side, lane_columns(own, side, self._shown_ms[0]))
        self._draw_wave()

    def _draw_wave(self, *_: object) -> None:
        with self.widget.lock:
            if self._sound is None:
                self.widget.replace("wave", {"x": [], "low": [], "high": []})
                return
            self._player.progressed(self._sound)
            start_ms, end_ms = self._shown_ms
            margin = (end_ms - start_ms) // 2
            drawn = outline(self._sound, max(0, start_ms - margin), end_ms + margin, _COLUMNS)
            self.widget.replace("wave", drawn)
            loudest = max(abs(drawn["low"]).max(initial=0.01), abs(drawn["high"]).max(initial=0.01))
            self.widget.assign("gain", start=-float(loudest), end=float(loudest))

    def _move(self, start_s: float, end_s: float) -> None:
        self._shown_ms = (max(0, round(start_s * 1000)), max(1, round(end_s * 1000)))
        self._draw()

    def _tap(self, source: str, row: dict[str, Any]) -> None:
        """Choose what was tapped, by what it is in the picture: its index may be another since."""
        if source not in _SIDES:
            return
        own = [(k, outcome) for k, outcome in enumerate(self._outcomes) if outcome.filename == self._filename]
        spans = [(k, getattr(outcome, _SIDES[source])) for k, outcome in own]
        tapped = (row["start"], row["end"], row["type"])
        found = [k for k, span in spans if span and (span.start_ms, span.end_ms, span.artifact_type) == tapped]
        if found:  # of several at one place, the one that looks like it
            self._tapped(min(found, key=lambda k: LOOKS[self._outcomes[k].kind].label != row["kind"]))
