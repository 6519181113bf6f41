"""A file being decoded in the background: its canonical samples, and the extremes for its picture."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable

from relaylib.audio import probe, stream
from relaylib.errors import RelayError
from relaylib.types import SAMPLE_RATE, samples_to_ms
from relaylib.widgets.sound.pcm import PcmFile, to_int16
from relaylib.widgets.sound.pyramid import Pyramid

__all__ = ["Decoding"]

log = logging.getLogger(__name__)

_BLOCK = SAMPLE_RATE // 2
_TELL_EVERY_S = 0.1


class Decoding:
    """The samples of a file at 16 kHz, as far as they are decoded.

    :meth:`start` begins a thread that goes on until the end, or :meth:`close`.

    Attributes
    ----------
    pcm : PcmFile
    pyramid : Pyramid
    done : threading.Event
        Set when nothing more comes, after a failure too.
    error : str or None
        Why decoding ended before the file did.

    Parameters
    ----------
    path : str or PathLike
        An audio file.
    folder : str or PathLike, optional
        Where decoded samples are kept meanwhile. Default: where temporary files go.
    """

    def __init__(self, path: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None) -> None:
        self.path = os.fspath(path)
        self.pcm = PcmFile(folder)
        self.pyramid = Pyramid()
        self.done = threading.Event()
        self.error: str | None = None
        self._n_decoded = 0
        self._promised_ms = 0
        self._listeners: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"decoding {self.path}", daemon=True)
        try:
            self._promised_ms = probe(path).duration_ms or 0
        except RelayError as exc:
            self.error = str(exc)
            self.done.set()

    @property
    def n_decoded(self) -> int:
        """Samples that `pcm` and `pyramid` both have."""
        return self._n_decoded

    @property
    def duration_ms(self) -> int:
        """What the header says, or what is decoded if that is more; at a good end, what was decoded."""
        decoded_ms = samples_to_ms(self._n_decoded)
        if self.done.is_set() and self.error is None:
            return decoded_ms
        return max(self._promised_ms, decoded_ms)

    def start(self) -> None:
        """Begin to decode, unless that was done before or the header alone shows that it cannot be."""
        with self._lock:
            if self._thread.ident is None and not self.done.is_set():
                self._thread.start()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called in the decoding thread, at most 10 times a second, and at the end."""
        self._listeners.append(listener)

    def ignore(self, listener: Callable[[], None]) -> None:
        """Call `listener` no more."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(listener)

    def close(self) -> None:
        """Stop decoding and remove the samples; a second time does nothing."""
        self._stop.set()
        if self._thread is threading.current_thread():
            return  # a listener, or a finalizer that runs here: the thread cleans up when it ends
        if self._thread.is_alive():
            self._thread.join()
        self.pcm.close()

    def _run(self) -> None:
        try:
            self._decode()
        except RelayError as exc:
            self.error = str(exc)
        except OSError as exc:
            self.error = f"{self.path}: decoding broke off: {exc.strerror or exc}; is the disk for its sound full?"
        except Exception as exc:
            log.exception("%s: decoding broke off.", self.path)
            self.error = f"{self.path}: decoding broke off: {exc!r}."
        self.done.set()
        if not self._stop.is_set():
            self._tell()
        if self._stop.is_set():
            self.pcm.close()

    def _decode(self) -> None:
        told_s = float("-inf")
        for block in stream(self.path, block_samples=_BLOCK):
            if self._stop.is_set():
                return
            samples = to_int16(block)
            self.pcm.append(samples)
            self.pyramid.append(samples)
            self._n_decoded += len(samples)
            if time.monotonic() - told_s >= _TELL_EVERY_S:
                self._tell()
                told_s = time.monotonic()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            self._tell_one(listener)

    def _tell_one(self, listener: Callable[[], None]) -> None:
        try:
            listener()
        except Exception:  # whoever listens may have gone, as a page does; the sound is still wanted
            log.exception("%s: the progress of decoding could not be told.", self.path)
