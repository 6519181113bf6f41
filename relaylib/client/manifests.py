"""Between the labelled material of a server and the library's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from uuid import UUID

from relaylib.api import AnnotationBody, AnnotationSet, ArtifactTypeBody, AudioFile, CreateAnnotation, Dataset
from relaylib.client.names import sent_name
from relaylib.client.resource import PathLike
from relaylib.errors import ParameterError
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest

__all__ = [
    "UploadedManifest",
    "annotation_of",
    "audio_paths",
    "check_finished",
    "manifest_of",
    "spans_to_send",
    "unique_names",
]

_MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class UploadedManifest:
    """What became of a manifest at the server: `audio` goes by the filenames of the manifest."""

    dataset: Dataset
    annotation_set: AnnotationSet
    audio: Mapping[str, AudioFile]


def unique_names(files: Sequence[AudioFile]) -> dict[UUID, str]:
    """Return a name for each file, free of folders; one that is taken twice gets the beginning of the file's id."""
    plain = {file.id: _plain_name(file) for file in files}
    taken = Counter(name.casefold() for name in plain.values())  # as folders of some systems see them
    short = {i: name if taken[name.casefold()] == 1 else _with_id(name, str(i)[:8]) for i, name in plain.items()}
    taken = Counter(name.casefold() for name in short.values())
    return {i: name if taken[name.casefold()] == 1 else _with_id(plain[i], str(i)) for i, name in short.items()}


def manifest_of(
    types: Iterable[ArtifactTypeBody], files: Sequence[AudioFile], annotations: Iterable[AnnotationBody]
) -> Manifest:
    """Return files and their annotations as a manifest; types that only annotations name come last."""
    names = unique_names(files)
    spans: dict[UUID, list[Annotation]] = {file.id: [] for file in files}
    known = {body.name: ArtifactType(body.name, body.description, body.color) for body in types}
    for body in annotations:
        span = annotation_of(body)
        if body.audio_file_id in spans and span is not None:
            spans[body.audio_file_id].append(span)
            known.setdefault(body.artifact_type, ArtifactType(body.artifact_type))
    items = (AudioItem(names[file.id], file.duration_ms, annotations=tuple(sorted(spans[file.id]))) for file in files)
    return Manifest(tuple(known.values()), tuple(items))


def annotation_of(body: AnnotationBody) -> Annotation | None:
    """Return an annotation of a server as one of the library; None if it has no length, and so marks nothing."""
    if not 0 <= body.start_ms < body.end_ms:
        return None
    confidence = 1.0 if body.confidence is None else body.confidence
    return Annotation(body.start_ms, body.end_ms, body.artifact_type, confidence, body.extra_data)


def audio_paths(manifest: Manifest, audio_root: PathLike) -> list[Path]:
    """Return where each recording of a manifest is.

    Raises
    ------
    ParameterError
        If some are not there; before anything was sent.
    """
    paths = [Path(audio_root) / item.filename for item in manifest]
    missing = [item.filename for item, path in zip(manifest, paths, strict=True) if not path.is_file()]
    if missing:
        more = ", …" if len(missing) > _MOST_NAMED else ""
        raise ParameterError(
            f"{len(missing)} of {len(paths)} recordings are not in {audio_root}: "
            f"{', '.join(missing[:_MOST_NAMED])}{more}."
        )
    return paths


def check_finished(manifest: Manifest) -> None:
    """Raise if recordings are still being labelled: a published annotation set cannot say so.

    Raises
    ------
    ParameterError
        If some are; the message says how many, and names the first.
    """
    unfinished = [item.filename for item in manifest if item.done is False]
    if unfinished:
        raise ParameterError(
            f"{len(unfinished)} of {len(manifest)} recordings are still being labelled (done is false), "
            f"{unfinished[0]!r} first; published, what is not marked in them would pass for clean. Leave them out, or "
            "give publish=False and finish them there."
        )


def spans_to_send(manifest: Manifest, audio: Mapping[str, AudioFile]) -> list[CreateAnnotation]:
    """Return the annotations of a manifest as a server takes them."""
    return [
        CreateAnnotation(
            audio[item.filename].id,
            span.artifact_type,
            span.start_ms,
            span.end_ms,
            span.confidence,
            None if span.extra_data is None else dict(span.extra_data),
        )
        for item in manifest
        for span in item.annotations
    ]


def _plain_name(file: AudioFile) -> str:
    name = sent_name(file.original_filename.replace("\\", "/"))
    return name if name.strip(".") else str(file.id)


def _with_id(name: str, part: str) -> str:
    path = PurePath(name)
    return f"{path.stem}.{part}{path.suffix}"
