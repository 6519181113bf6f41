"""The sound behind a view: one recording at a time, handed over in the pieces that the view asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from relaylib.widgets.aside import aside
from relaylib.widgets.snapping import snap
from relaylib.widgets.sound.recording import Recording

__all__ = ["ServedSound"]


class _Send(Protocol):
    def __call__(self, message: dict[str, Any], buffers: Sequence[bytes] = ...) -> None: ...


class ServedSound:
    """Answers a view's requests for tiles, samples and edges of the recording that is open.

    Parameters
    ----------
    name : str
        What the ids of its recordings begin with.
    send : callable
        Takes an answer and its buffers to the view.
    progressed : callable
        Called in a thread beside when there is more of the recording.

    Attributes
    ----------
    recording : Recording
        What is open; there is none before the first :meth:`open`.
    id : str
        Of what is open: answers about anything else come too late.
    """

    recording: Recording
    id: str

    def __init__(self, name: str, send: _Send, progressed: Callable[[], None]) -> None:
        self._name, self._send, self._progressed = name, send, progressed
        self._n_opened = 0
        self._answers = {"snap": self._snap, "tile": self._tile, "pcm": self._pcm}

    def open(self, path: Path) -> None:
        """Turn to another recording."""
        self.close()
        self._n_opened += 1
        self.id = opened = f"{self._name}-{self._n_opened}"
        later = aside(self._heard)
        self.recording = Recording(path, on_progress=lambda _: later(opened))

    def answer(self, message: dict[str, Any]) -> None:
        """Answer a request of the kind `snap`, `tile` or `pcm`."""
        self._answers[message["kind"]](message)

    def close(self) -> None:
        """Let go of the recording that is open, if there is one."""
        if self._n_opened:
            self.recording.close()

    def _heard(self, opened: str) -> None:
        if opened == self.id:
            self._progressed()

    def _snap(self, message: dict[str, Any]) -> None:
        ms = snap(self.recording.samples, max(0, round(message["ms"])))
        self._send({"kind": "snap", "request": message["request"], "ms": ms})

    def _tile(self, message: dict[str, Any]) -> None:
        tile = self.recording.tile(message["level"], message["index"])
        columns, bands = tile.spectrogram.shape
        answer = {key: message[key] for key in ("kind", "sound", "level", "index")}
        self._send(
            {**answer, "columns": columns, "bands": bands, "whole": tile.whole},
            [tile.peaks.tobytes(), tile.spectrogram.tobytes()],
        )

    def _pcm(self, message: dict[str, Any]) -> None:
        answer = {key: message[key] for key in ("kind", "sound", "start", "request")}
        self._send(answer, [self.recording.pcm(message["start"], message["end"])])
