"""The player beside a picture: a stretch of its sound, as soon as that is decoded."""

from __future__ import annotations

from html import escape

import ipywidgets

from relaylib.widgets.listening import Sound, player

__all__ = ["ClipPlayer"]


class ClipPlayer(ipywidgets.HTML):
    """Plays what is asked for; of a recording that is still being decoded, once the stretch is there."""

    def __init__(self) -> None:
        super().__init__()
        self._awaited: tuple[Sound, int, int] | None = None

    def play(self, sound: Sound, start_ms: int, end_ms: int) -> None:
        """Play a stretch; what is beyond the ends of the recording, or of what can be decoded, is left out."""
        if sound.error is None and sound.decoded_ms < min(end_ms, sound.duration_ms):
            self._awaited = (sound, start_ms, end_ms)
            self.value = "<i>This stretch is still being decoded; it plays when it is there.</i>"
        else:
            self._awaited = None
            self.value = player(sound, start_ms, end_ms)

    def progressed(self, sound: Sound) -> None:
        """Take note that more of a recording is decoded, or that no more of it can be."""
        if sound.error is None:
            if self._awaited is not None and self._awaited[0] is sound:
                self.play(*self._awaited)
        elif self._awaited is not None or not self.value:  # a clip of what came before plays on
            self._awaited = None
            self.value = f"<b>{escape(sound.error)}</b>"

    def clear(self) -> None:
        """Play nothing."""
        self._awaited = None
        self.value = ""
