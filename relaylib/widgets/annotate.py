"""What people label, as an annotator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from relaylib.errors import ParameterError
from relaylib.types import ArtifactType
from relaylib.widgets.annotator import Annotator
from relaylib.widgets.review_state import DetectionsGiven
from relaylib.widgets.session import Session
from relaylib.widgets.sources import Given, Marked, PathLike, opened, types_of
from relaylib.widgets.suggestions import Detects, Suggestions
from relaylib.widgets.suggestions import suggest as suggested_by

__all__ = ["annotate"]

_LEAST_HEIGHT = 100


def annotate(
    source: Given,
    *,
    artifact_types: Iterable[str | ArtifactType] | None = None,
    annotations: Marked | None = None,
    suggest: DetectionsGiven | Detects | None = None,
    manifest: PathLike | None = None,
    audio_root: PathLike | None = None,
    height: int = 300,
    theme: Literal["auto", "light", "dark"] = "auto",
) -> Annotator:
    """Label recordings in a notebook: hear them, see them, mark spans.

    Parameters
    ----------
    source : path, sequence of paths, Manifest, or (Client, dataset id)
        What to label: an audio file, several, a folder of them, a manifest, or a dataset of the REST API. Labels of a
        manifest file are kept in it, those of a dataset in its draft annotation set.
    artifact_types : iterable of str or ArtifactType, optional
        What may be marked, in the order of the number keys. Default: the types of `source`, `annotations` and
        `suggest`, or a single one.
    annotations : mapping of str to Annotations, iterable of Annotation, or Manifest, optional
        What is marked already, by filename; for a single recording its annotations alone do. Where `manifest` has a
        recording already, what stands there counts.
    suggest : sequence of FileResult, mapping of str to sequence of Detection, path, or Detector, optional
        What a detector suggests, to be accepted, corrected or rejected: results, detections by file name, a detections
        JSON, or a detector, which is asked when a recording is opened.
    manifest : path, optional
        A JSON manifest in which every change is kept at once; made where it is missing. Without it, labels of audio
        files live in memory.
    audio_root : path, optional
        What the filenames of a manifest are relative to. Default: its folder.
    height : int >= 100
        Of the picture, in pixels.
    theme : "auto", "light" or "dark"
        "auto" follows the page.

    Returns
    -------
    Annotator
        Show it by returning it from a cell. ``.annotations`` are at any time those of the recording on the screen,
        ``.to_manifest()`` is everything.

    Raises
    ------
    ParameterError
        If `source` is none of these, or has no recordings, or another argument is none of what it may be.
    FormatError
        If a manifest or a detections file breaks its format.

    Examples
    --------
    >>> from relaylib.demo import example_audio
    >>> annotator = annotate(example_audio(), artifact_types=["glitch", "long pause"])
    >>> annotator.annotations
    ()
    """
    if theme not in ("auto", "light", "dark"):
        raise ParameterError(f"theme={theme!r}: need 'auto', 'light' or 'dark'.")
    if height < _LEAST_HEIGHT:
        raise ParameterError(
            f"height={height}: need at least {_LEAST_HEIGHT} pixels, for waveform, spectrogram and spans."
        )
    opened_ = opened(
        source,
        artifact_types=artifact_types,
        annotations=annotations,
        manifest=manifest,
        audio_root=audio_root,
    )
    found = Suggestions({}) if suggest is None else suggested_by(suggest, opened_.filenames)
    known = opened_.keeper.manifest().type_names
    seen = dict.fromkeys(span.artifact_type for spans in found.known.values() for span in spans)
    new = types_of([name for name in seen if name not in known], len(known))
    session = Session(opened_.keeper, opened_.locate, filenames=opened_.filenames, artifact_types=new)
    return Annotator(session, found, height=height, theme=theme)
