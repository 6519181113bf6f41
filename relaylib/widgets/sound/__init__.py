"""Sound and pictures of recordings, without a browser.

A file goes ``decoding`` (a thread) -> ``pcm`` (samples on disk) and ``pyramid`` (extremes) -> ``recording``, which
gives ``tiles`` with peaks and ``spectrogram``, and the samples in pieces. ``shelf`` keeps the last few. ``served`` is
what a view talks to.
"""

from relaylib.widgets.sound.recording import MAX_PIECE, Recording
from relaylib.widgets.sound.served import ServedSound
from relaylib.widgets.sound.spectrogram import N_BANDS, bands_hz
from relaylib.widgets.sound.tiles import TILE_COLUMNS, Tile

__all__ = ["MAX_PIECE", "N_BANDS", "TILE_COLUMNS", "Recording", "ServedSound", "Tile", "bands_hz"]
