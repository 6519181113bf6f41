"""Errors to see and hear: a picture and a short sound of each, as data URIs."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from relaylib.errors import RelayError
from relaylib.evaluate.outcomes import Outcome
from relaylib.evaluate.pairing import Aligned
from relaylib.types import Scores, Waveform, ms_to_samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Clip", "find_clip_audio", "make_clips", "picture_uri", "png_of", "sound_uri"]

_CONTEXT_MS = 500
_LONGEST_MS = 6000
_FADE_MS = 4
_DPI = 120
_BUDGET_BYTES = 4_500_000


@dataclass(frozen=True, slots=True)
class Clip:
    """An error with its picture and its sound (data URIs), or the reason why there are none."""

    outcome: Outcome
    start_ms: int
    end_ms: int
    picture: str | None = None
    sound: str | None = None
    problem: str | None = None


def make_clips(
    errors: Sequence[Outcome],
    aligned: Aligned,
    *,
    audio_root: Path | None,
    colors: Mapping[str, str],
    scores: Mapping[int, Scores] | None = None,
) -> list[Clip]:
    """Draw and cut each error with half a second around it, at most six seconds in all.

    Parameters
    ----------
    errors : sequence of Outcome
        In the order of the answer; each file is decoded once.
    aligned : Aligned
        Where the files, and the other spans in view, are looked up.
    audio_root : Path or None
        Folder that the file names are relative to; a file that is not there by its whole name is tried by
        its last part. None gives clips without picture and sound.
    colors : mapping of str to str
        Colour per artifact type.
    scores : mapping of int to Scores, optional
        By index of the aligned file.

    Returns
    -------
    list of Clip, as long as `errors`
        A file that cannot be decoded leaves its clips with a `problem`, never fails the whole. Pictures and
        sounds beyond 4.5 MB in all are left out, later errors first; the clip says so.
    """
    index = {item.filename: k for k, item in enumerate(aligned.items)}
    clips: dict[int, Clip] = {}
    loaded: tuple[str, Waveform | str] = ("", "")
    for at in sorted(range(len(errors)), key=lambda k: errors[k].filename):
        outcome = errors[at]
        if loaded[0] != outcome.filename:
            loaded = (outcome.filename, _load(audio_root, outcome.filename))
        k = index[outcome.filename]
        clips[at] = _clip(outcome, loaded[1], aligned, k, colors, (scores or {}).get(k))
    ordered, used = [], 0
    for at in range(len(errors)):
        clip = clips[at]
        size = len(clip.picture or "") + len(clip.sound or "")
        if used + size > _BUDGET_BYTES:
            clip = Clip(clip.outcome, clip.start_ms, clip.end_ms, problem="Left out to keep the report small.")
        else:
            used += size
        ordered.append(clip)
    return ordered


def find_clip_audio(audio_root: Path | None, filename: str) -> Path | str:
    """Return where a file of the reference lies, by its whole name or else by its last part; or why it is not there."""
    if audio_root is None:
        return "No audio folder was given."
    places = [audio_root / filename, audio_root / PurePosixPath(filename.replace("\\", "/")).name]
    path = next((p for p in places if p.is_file()), None)
    return path or f"The file is not in {audio_root.name or 'the audio folder'}."


def _load(audio_root: Path | None, filename: str) -> Waveform | str:
    """Return the sound, or why there is none."""
    path = find_clip_audio(audio_root, filename)
    if isinstance(path, str):
        return path
    from relaylib.audio import load

    try:
        return load(path)
    except (RelayError, OSError) as error:
        return f"The file cannot be read: {error}"


def _clip(
    outcome: Outcome,
    sound: Waveform | str,
    aligned: Aligned,
    k: int,
    colors: Mapping[str, str],
    scores: Scores | None,
) -> Clip:
    start_ms = max(0, outcome.start_ms - _CONTEXT_MS)
    end_ms = min(outcome.end_ms + _CONTEXT_MS, start_ms + _LONGEST_MS)
    if isinstance(sound, str):
        return Clip(outcome, start_ms, end_ms, problem=sound)
    end_ms = min(end_ms, sound.duration_ms)
    if start_ms >= end_ms:
        return Clip(outcome, start_ms, max(end_ms, start_ms), problem="The span lies beyond the end of the audio.")
    from relaylib.plot import plot_detections

    figure = plot_detections(
        sound,
        reference=aligned.items[k].annotations,
        detections=aligned.detections_of(k),
        scores=scores,
        colors=colors,
        start_ms=start_ms,
        end_ms=end_ms,
        width_inches=7.6,
        ink="#7d7d85",
        paper="none",
    )
    return Clip(outcome, start_ms, end_ms, picture=picture_uri(figure), sound=sound_uri(sound, start_ms, end_ms))


def png_of(figure: Figure, *, dpi: int = _DPI) -> bytes:
    """Return a figure as PNG."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=dpi)
    return drawn.getvalue()


def picture_uri(figure: Figure, *, dpi: int = _DPI) -> str:
    """Return a figure as PNG with a palette of 255 colours: a third of the bytes, no difference to the eye."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(png_of(figure, dpi=dpi))) as image:
        small = image.convert("RGBA").quantize(255, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(out, format="PNG", optimize=True)
    return _data_uri("image/png", out.getvalue())


def sound_uri(sound: Waveform, start_ms: int, end_ms: int) -> str:
    """Return the stretch as 16 bit FLAC, faded for 4 ms so that the cut itself does not click."""
    import soundfile

    first, last = (ms_to_samples(ms, sound.sample_rate) for ms in (start_ms, end_ms))
    samples = np.clip(sound.samples[first:last], -1.0, 1.0)
    n = min(ms_to_samples(_FADE_MS, sound.sample_rate), len(samples) // 2)
    ramp = np.linspace(0.0, 1.0, n, endpoint=False, dtype=np.float32)
    if first > 0:
        samples[:n] *= ramp
    if last < len(sound.samples):
        samples[len(samples) - n :] *= ramp[::-1]
    out = io.BytesIO()
    soundfile.write(out, samples, sound.sample_rate, format="FLAC", subtype="PCM_16")
    return _data_uri("audio/flac", out.getvalue())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
