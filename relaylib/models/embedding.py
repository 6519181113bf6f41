"""Embeddings of audio of any length, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from relaylib.errors import ParameterError, RelayError
from relaylib.models.encoder import Encoder, RecordingEncoder, WindowEncoder
from relaylib.models.given_up import stop_if_given_up
from relaylib.models.recording import AudioSource, Recording
from relaylib.models.windows import Window, together, windows
from relaylib.types import Frames, samples_to_ms

__all__ = ["embed", "embed_stream"]

FloatArray = npt.NDArray[np.float32]

_LOUD = 1e6  # times full scale; the fourth power of what is a thousand times as loud may leave float32


def embed(source: AudioSource, encoder: Encoder) -> Frames:
    """Return the embeddings of a whole recording.

    A recording that fits into one window gives exactly ``encoder.encode(samples)``. A longer one is encoded in
    windows of ``encoder.window`` samples, of which ``encoder.context`` are cropped at each inner edge: as many frames,
    at the same times, and close to what the encoder gives for the whole.

    Parameters
    ----------
    source : str, PathLike, Waveform, np.ndarray or iterable of np.ndarray
        A file (streamed, not loaded), a waveform (resampled if need be), mono samples at 16 kHz, or blocks of them.
    encoder : Encoder
        See :func:`relaylib.load_encoder`.

    Returns
    -------
    Frames
        Embeddings [shape=(n_frames, dim), float32]; frame ``i`` starts at ``i * hop``. Empty audio has no frames.

    Raises
    ------
    ParameterError
        If samples are not mono or no floats, hold NaN or infinity, or are so loud that the encoder makes these of them.
    AudioDecodeError
        If a file cannot be decoded.
    """
    recording = Recording(source)
    pieces = list(embed_stream(recording, encoder))
    embeddings = np.concatenate(pieces) if pieces else np.zeros((0, encoder.dim), np.float32)
    return Frames(embeddings, duration_ms=recording.duration_ms, hop_ms=samples_to_ms(encoder.hop))


def embed_stream(blocks: Iterable[npt.NDArray[Any]], encoder: Encoder, *, skip: int = 0) -> Iterator[FloatArray]:
    """Yield the embeddings of consecutive `blocks` piece by piece.

    Two windows of audio are held, and as many as the encoder takes at once.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n,), float32]
        Mono samples at 16 kHz, in blocks of any sizes; the sizes do not change the result. An iterator, which can
        be read once only, is read to its end (into a temporary file) before the first piece comes.
    encoder : Encoder
        See :func:`relaylib.load_encoder`.
    skip : int >= 0
        Frames at hand already: they are left out, and windows of which nothing else is kept are not encoded.

    Yields
    ------
    np.ndarray [shape=(n, dim), float32]
        Pieces in order, none empty; together they are the embeddings from frame `skip` on.

    Raises
    ------
    ParameterError
        If samples are not mono, no floats, not finite or too loud for the encoder, or the encoder's window and context
        do not fit.
    """
    recording = blocks if isinstance(blocks, Recording) else Recording(blocks)
    encode: WindowEncoder | None = None
    needed = (w for w in windows(recording, encoder) if w.n_frames is None or w.first + w.n_frames > skip)
    for group in together(needed, getattr(encoder, "at_once", 1)):
        stop_if_given_up()
        if encode is None:
            whole = group[0].n_frames is None and not group[0].first
            encode = _plain(encoder) if whole else _encode_for(recording, encoder)
        for window, rows in zip(group, _encoded(group, encode), strict=True):
            piece = _kept(rows, window, encoder)[max(0, skip - window.first) :]
            if len(piece):
                yield piece


def _encoded(group: list[Window], encode: WindowEncoder) -> Iterable[FloatArray]:
    """Return the rows of each of the windows, which are encoded together if there are several."""
    wanted = slice(group[0].kept.start, group[-1].kept.stop)  # equally long, so that those between keep no more
    if len(group) == 1:
        return [encode(group[0].samples, wanted)]
    return encode(np.stack([window.samples for window in group]), wanted)


def _encode_for(recording: Recording, encoder: Encoder | RecordingEncoder) -> WindowEncoder:
    """Return `encode` for windows of a recording; an encoder that wants to know the whole is shown it first."""
    # not by isinstance, which would ask for the fingerprint, and so read all weights
    return encoder.for_recording(recording) if _wants_recording(encoder) else _plain(encoder)


def _plain(encoder: Encoder) -> WindowEncoder:
    """Return `encode` for windows that are each taken by itself."""
    return lambda samples, wanted=slice(None): encoder.encode(samples)


def _wants_recording(encoder: Encoder) -> TypeGuard[RecordingEncoder]:
    return hasattr(encoder, "for_recording")


def _kept(rows: FloatArray, window: Window, encoder: Encoder) -> FloatArray:
    """Return the frames to keep, out of those that `encoder` returned for a window."""
    if rows.ndim != 2 or rows.shape[1] != encoder.dim:
        raise RelayError(
            f"encoder {encoder.name!r} returned shape {rows.shape}; it promised (n_frames, {encoder.dim})."
        )
    if not np.isfinite(rows).all():
        if (peak := np.abs(window.samples).max()) > _LOUD:
            raise ParameterError(
                f"samples reach {peak:.3g} times full scale, too loud for encoder {encoder.name!r}; scale them to 1."
            )
        raise RelayError(f"encoder {encoder.name!r} returned NaN or infinity; are its weights damaged?")
    kept = rows[window.kept]
    if window.n_frames is not None and len(kept) < window.n_frames:
        raise ParameterError(
            f"encoder {encoder.name!r} returned {len(rows)} frames for {len(window.samples)} samples, too few to crop "
            f"context={encoder.context}: the context must cover what a frame sees behind its start."
        )
    return kept
