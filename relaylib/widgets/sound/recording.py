"""One recording on the screen: its picture in tiles and its sound in pieces, while it is still being decoded."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError, RelayError
from relaylib.types import SAMPLE_RATE, samples_to_ms
from relaylib.widgets.sound.decoding import Decoding
from relaylib.widgets.sound.pyramid import check_level
from relaylib.widgets.sound.shelf import SHELF
from relaylib.widgets.sound.spectrogram import MARGIN, spectrogram
from relaylib.widgets.sound.tiles import TILE_COLUMNS, Tile, tile_end

__all__ = ["MAX_PIECE", "Recording"]

MAX_PIECE = 10 * SAMPLE_RATE
"""The most samples that :meth:`Recording.pcm` gives at once."""


class Recording:
    """A file of any audio format, opened at once and decoded to 16 kHz mono in the background.

    Sample `n` is ``n / 16000`` s into the recording, as for detections. Decoded samples lie on disk, and
    stay for a while after :meth:`close`: a file opened again, or by two widgets, is decoded once. A file that
    cannot be decoded has an `error` instead of raising one.

    Parameters
    ----------
    path : str or PathLike
        An audio file.
    cache_dir : str or PathLike, optional
        Where decoded samples are kept while this process lives, 115 MB for an hour. Default: where temporary files go.
    on_progress : callable, optional
        Called with the recording, in the thread that decodes, at most 10 times a second and at the end. Never called
        if all is decoded already.

    Raises
    ------
    OSError
        If there is no place for decoded samples.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        cache_dir: str | os.PathLike[str] | None = None,
        *,
        on_progress: Callable[[Recording], None] | None = None,
    ) -> None:
        self.path = os.fspath(path)
        listener = None if on_progress is None else _listener(weakref.ref(self), on_progress)
        self._decoding = SHELF.take(path, cache_dir)
        # also if it is forgotten, and when Python ends
        self._release = weakref.finalize(self, _release, self._decoding, listener)
        if listener is not None:
            self._decoding.listen(listener)
        self._decoding.start()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def duration_ms(self) -> int:
        """The length: what the header says, or what is decoded if that is more; exact once all is decoded."""
        return self._decoding.duration_ms

    @property
    def decoded_ms(self) -> int:
        """How far the recording is decoded."""
        return samples_to_ms(self._decoding.n_decoded)

    @property
    def n_decoded(self) -> int:
        """The same in samples."""
        return self._decoding.n_decoded

    @property
    def error(self) -> str | None:
        """Why decoding failed, None if it did not; what was decoded before is there."""
        return self._decoding.error

    @property
    def done(self) -> threading.Event:
        """Set when nothing more will be decoded, whether all is or it failed."""
        return self._decoding.done

    def tile(self, level: int, index: int) -> Tile:
        """Return the picture of columns ``[256 * index, 256 * (index + 1))`` as far as it is decoded.

        Parameters
        ----------
        level : int, 0 to 20
            A column covers ``64 * 2**level`` samples: 4 ms at level 0, 8 ms at level 1 ...
        index : int >= 0
            Beyond the end of the recording tiles are silent.

        Raises
        ------
        ParameterError
            If there is no such level or index.
        RelayError
            If the recording is closed.
        """
        if index < 0:
            raise ParameterError(f"index={index}: need index >= 0, tiles start at 0 ms.")
        check_level(level)
        decoding = self._open()
        # asked before the data are read: what comes in meanwhile does not make a tile whole that lacks it
        whole = decoding.done.is_set() or decoding.n_decoded >= tile_end(level, index) + MARGIN
        first = index * TILE_COLUMNS
        return Tile(
            peaks=decoding.pyramid.peaks(level, first, TILE_COLUMNS),
            spectrogram=spectrogram(decoding.pcm.read, level, first, TILE_COLUMNS),
            whole=whole,
        )

    def peaks(self, level: int, first: int, n_columns: int) -> npt.NDArray[np.int8]:
        """Return the extremes of columns ``[first, first + n_columns)``, as in a tile, without a spectrogram.

        Raises
        ------
        ParameterError
            If there is no such level.
        RelayError
            If the recording is closed.
        """
        return self._open().pyramid.peaks(level, first, n_columns)

    def samples(self, start: int, end: int) -> npt.NDArray[np.int16]:
        """Return what is decoded of the samples ``[start, end)`` [shape=(n,), int16].

        Raises
        ------
        ParameterError
            If not 0 <= start <= end.
        RelayError
            If the recording is closed.
        """
        if not 0 <= start <= end:
            raise ParameterError(f"start={start}, end={end}: need 0 <= start <= end, in samples at 16 kHz.")
        decoding = self._open()
        return decoding.pcm.read(start, min(end, decoding.n_decoded))

    def pcm(self, start: int, end: int) -> bytes:
        """Return the samples ``[start, end)`` as 16 bits, little endian, without waiting for any.

        It is shorter where less is decoded, and at most :data:`MAX_PIECE` samples (10 s): ask again for the rest.

        Raises
        ------
        ParameterError
            If not 0 <= start <= end.
        RelayError
            If the recording is closed.
        """
        return self.samples(start, min(end, start + MAX_PIECE)).tobytes()

    def close(self) -> None:
        """Let go of the file; the last to do so stops its decoding. A second time does nothing."""
        self._release()

    def _open(self) -> Decoding:
        if not self._release.alive:
            raise RelayError(f"{self.path}: the recording is closed; open it again.")
        return self._decoding


def _listener(reference: weakref.ref[Recording], on_progress: Callable[[Recording], None]) -> Callable[[], None]:
    """Return a listener that does not keep the recording alive."""

    def tell() -> None:
        recording = reference()
        if recording is not None:
            on_progress(recording)

    return tell


def _release(decoding: Decoding, listener: Callable[[], None] | None) -> None:
    if listener is not None:
        decoding.ignore(listener)
    SHELF.give_back(decoding)
