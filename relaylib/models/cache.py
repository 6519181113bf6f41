"""Embeddings kept on disk, so that a recording is encoded once."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
import platformdirs

from relaylib import audio as _audio
from relaylib.errors import AudioDecodeError, ParameterError, RelayError
from relaylib.lock import exclusive
from relaylib.models.encoder import Encoder
from relaylib.models.entry import Entry
from relaylib.models.windows import check_windows
from relaylib.types import Frames, Waveform

__all__ = ["EmbeddingCache"]

_LAYOUT = 1  # raise it when entries of before must not be read any more


class EmbeddingCache:
    """Embeddings of recordings by encoder, in a folder that processes and threads may share.

    An entry is found by the content of the audio (not its name), the decoder's version, the encoder's fingerprint, its
    window and context, and its precision if it has a choice of them. It is written as it is computed: what a killed
    run has done is not done again, neither whole files nor the windows of a long one. Two who want the same entry
    compute it once, the other waits. A damaged entry is noticed when it is first read, and computed again.

    Values are rounded to float16 (11 bits: a relative error of at most 0.05 %), half the size of float32; a recording
    with a value beyond 65504 is kept as float32. What is returned the first time is rounded as well.

    Parameters
    ----------
    folder : str, PathLike or None
        Where entries are kept; created on first use. None is the user's cache folder.

    Examples
    --------
    >>> cache = EmbeddingCache()                                # doctest: +SKIP
    >>> frames = cache.frames("speech.wav", load_encoder("spectral"))  # doctest: +SKIP
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(platformdirs.user_cache_dir("relaylib")) / "embeddings" if folder is None else Path(folder)
        self._verified: set[tuple[Path, int, int]] = set()

    def frames(self, source: str | os.PathLike[str] | Waveform, encoder: Encoder) -> Frames:
        """Return the embeddings of `source`, computed unless they are at hand.

        Parameters
        ----------
        source : str, PathLike or Waveform
            A file or a waveform, of any rate.
        encoder : Encoder
            See :func:`relaylib.load_encoder`.

        Returns
        -------
        Frames
            Embeddings [shape=(n_frames, dim), float16 or float32], a memory map of the entry; what is written to it
            stays with its holder. They equal those of :func:`relaylib.embed` but for the rounding.

        Raises
        ------
        ParameterError
            If a waveform holds integers, NaN or infinity, or the encoder's window and context do not fit.
        AudioDecodeError
            If a file cannot be decoded, or changes while it is read.
        RelayError
            If the folder cannot be written to.
        """
        check_windows(encoder)
        before = _state(source)  # before the content is read for the key, so that what is stored is of that content
        entry = self._entry(source, encoder)
        frames = self._hit(entry)
        if frames is not None:
            return frames
        try:
            entry.stem.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(entry.lock):
                frames = self._hit(entry)  # another may have been faster
                if frames is None:
                    entry.write(source, encoder)
                    if _state(source) != before:
                        entry.remove()
                        raise AudioDecodeError(f"{source} changed while it was read; try again when it is complete.")
                    frames = entry.read(verify=False)
        except RelayError:
            raise
        except OSError as exc:
            raise RelayError(
                f"the embedding cache in {self.folder} cannot be used: {exc}. Choose another folder."
            ) from exc
        if frames is None:
            raise RelayError(f"the embedding cache in {self.folder} lost an entry; was it cleared meanwhile?")
        return frames

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*/*.json"))

    def size_bytes(self) -> int:
        """Size of all entries, those included that an interrupted run left unfinished."""
        return sum(entry.size_bytes() for entry in self._entries())

    def clear(self) -> None:
        """Delete all entries but those that are being written."""
        self.prune(max_bytes=0)

    def prune(self, *, max_bytes: int) -> int:
        """Delete the entries that were not used for longest until at most `max_bytes` are left; return how many went.

        An entry that is being written stays.

        Raises
        ------
        ParameterError
            If `max_bytes` is negative.
        """
        if max_bytes < 0:
            raise ParameterError(f"max_bytes={max_bytes}: need max_bytes >= 0.")
        entries = sorted(self._entries(), key=_last_use)
        excess = sum(entry.size_bytes() for entry in entries) - max_bytes
        n_removed = 0
        for entry in entries:
            if excess <= 0:
                break
            with exclusive(entry.lock, wait=False) as held:
                if held:
                    excess -= entry.size_bytes()
                    entry.remove()
                    n_removed += 1
        return n_removed

    def _entry(self, source: str | os.PathLike[str] | Waveform, encoder: Encoder) -> Entry:
        parts = (_LAYOUT, _content(source), encoder.fingerprint, encoder.window, encoder.context, *_precision(encoder))
        key = hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()
        return Entry(self.folder / key[:2] / key)

    def _entries(self) -> list[Entry]:
        stems = {p.with_suffix("") for p in self.folder.glob("*/*") if p.suffix in (".npy", ".json", ".partial")}
        return [Entry(stem) for stem in stems]

    def _hit(self, entry: Entry) -> Frames | None:
        try:
            state = entry.array.stat()
        except OSError:  # absent; or what cannot be looked at, which says so when it is to be made
            return None
        seen = (entry.stem, state.st_mtime_ns, state.st_size)
        frames = entry.read(verify=seen not in self._verified)
        if frames is not None:
            self._verified.add(seen)
            with contextlib.suppress(OSError):  # pruned meanwhile, or a folder that is only read
                os.utime(entry.sidecar)  # when it was used last, for prune
        return frames


def _content(source: str | os.PathLike[str] | Waveform) -> str:
    """Return what identifies the audio: the bytes of a file, or the samples and rate of a waveform."""
    if not isinstance(source, Waveform):
        return f"file {_audio.content_digest(source)} {_audio.DECODER_VERSION}"
    samples = np.ascontiguousarray(source.samples, "<f4")
    return f"waveform {hashlib.sha256(samples.data).hexdigest()} {source.sample_rate} {_audio.DECODER_VERSION}"


def _precision(encoder: Encoder) -> tuple[str, ...]:
    """Return what the key says of it: of "reference", as of an encoder without a choice, nothing, as it always was."""
    precision = getattr(encoder, "precision", None)
    return () if precision in (None, "reference") else (precision,)


def _state(source: str | os.PathLike[str] | Waveform) -> tuple[int, int, int] | None:
    """Return what changes when a file does; None of a waveform, or where there is no file."""
    if isinstance(source, Waveform):
        return None
    try:
        state = os.stat(source)
    except (OSError, ValueError):  # ValueError: a null byte in the path
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size


def _last_use(entry: Entry) -> int:
    used = 0
    for path in (entry.sidecar, entry.partial):
        with contextlib.suppress(FileNotFoundError):
            used = max(used, path.stat().st_mtime_ns)
    return used
