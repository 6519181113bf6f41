"""Where recordings to label come from, with what is marked in them already, and what keeps their labels."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from relaylib.audio import find_audio
from relaylib.errors import ParameterError
from relaylib.plot import OKABE_ITO
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest
from relaylib.widgets.keeping import Keeper, ManifestKeeper, MemoryKeeper

if TYPE_CHECKING:
    from relaylib.client import Client

__all__ = ["ANY_TYPE", "Given", "Marked", "PathLike", "Source", "opened", "types_of"]

PathLike: TypeAlias = "str | os.PathLike[str]"
Marked: TypeAlias = "Mapping[str, Iterable[Annotation]] | Iterable[Annotation] | Manifest"
Given: TypeAlias = "PathLike | Sequence[PathLike] | Manifest | tuple[Client, UUID | str]"

ANY_TYPE = "artifact"
"""What is marked where nobody says what."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Recordings by filename, where they are, and what keeps their labels."""

    filenames: tuple[str, ...]
    locate: Callable[[str], Path]
    keeper: Keeper


def types_of(given: Iterable[str | ArtifactType], n_before: int = 0) -> tuple[ArtifactType, ...]:
    """Return artifact types; those given by name get colours that stay apart for colour-blind readers.

    Parameters
    ----------
    given : iterable of str or ArtifactType
    n_before : int
        How many types come before them, so that colours go on from there.
    """
    return tuple(
        type_ if isinstance(type_, ArtifactType) else ArtifactType(type_, color=OKABE_ITO[k % len(OKABE_ITO)])
        for k, type_ in enumerate(given, start=n_before)
    )


def opened(
    source: Given,
    *,
    artifact_types: Iterable[str | ArtifactType] | None = None,
    annotations: Marked | None = None,
    manifest: PathLike | None = None,
    audio_root: PathLike | None = None,
) -> Source:
    """Return the recordings of `source`, see :func:`relaylib.widgets.annotate.annotate`.

    Raises
    ------
    ParameterError
        If `source` is none of what it may be, has no recordings, or `annotations` do not belong to them.
    FormatError
        If a manifest breaks its format.
    """
    if isinstance(artifact_types, str):
        raise ParameterError(
            f"artifact_types={artifact_types!r} is one text; give a list of names: [{artifact_types!r}]."
        )
    types = () if artifact_types is None else types_of(artifact_types)
    if isinstance(source, Manifest):
        return _of_manifest(source, types, annotations, manifest, Path(audio_root or "."))
    dataset = _dataset(source)
    if dataset is not None:
        if annotations is not None or manifest is not None:
            raise ParameterError(
                "labels of a dataset are kept in its draft annotation set; leave `annotations` and `manifest` out."
            )
        return _of_dataset(*dataset)
    place = _manifest_path(source)
    if place is None:
        return _of_audio(source, types, annotations, manifest)
    if annotations is not None or (manifest is not None and Path(manifest) != place):
        raise ParameterError(
            f"the labels of {place.name!r} are kept in itself; leave `annotations` and `manifest` out, or read it with "
            "relaylib.read_manifest and give that."
        )
    if not place.exists():
        raise ParameterError(f"{os.fspath(place)!r}: there is no such manifest; give audio files to begin one.")
    keeper = ManifestKeeper(place)
    kept = keeper.manifest()
    keeper.begin_with(_started(kept, types, None))
    root = place.parent if audio_root is None else Path(audio_root)
    return Source(tuple(item.filename for item in kept), root.joinpath, keeper)


def _manifest_path(source: object) -> Path | None:
    """Return the path of the manifest that `source` is, None if it is something else."""
    if not isinstance(source, (str, os.PathLike)) or Path(source).suffix.lower() != ".json":
        return None
    return Path(source)


def _dataset(source: object) -> tuple[Client, UUID | str] | None:
    """Return the client and the id of the dataset that `source` is, None if it is something else."""
    if not isinstance(source, tuple) or len(source) != 2:
        return None
    from relaylib.client import Client

    client, dataset_id = source
    return (client, dataset_id) if isinstance(client, Client) else None


def _of_dataset(client: Client, dataset_id: UUID | str) -> Source:
    """Return the recordings of a dataset; each is downloaded when it is opened, for as long as it is in use."""
    from relaylib.widgets.keeping.rest import RestKeeper

    keeper = RestKeeper(client, dataset_id)
    folder = tempfile.TemporaryDirectory(prefix="relaylib-")
    names = tuple(item.filename for item in keeper.manifest())
    return Source(names, lambda name: keeper.fetch(name, Path(folder.name)), keeper)


def _of_audio(
    source: object, types: tuple[ArtifactType, ...], annotations: Marked | None, manifest: PathLike | None
) -> Source:
    given = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(given, Sequence) or not all(isinstance(path, (str, os.PathLike)) for path in given):
        raise ParameterError(
            f"source is a {type(source).__name__}; give an audio file, a list of them, a folder, a manifest, or "
            "(client, dataset_id) for a dataset of the REST API."
        )
    files = find_audio(given)
    if missing := [os.fspath(file.path) for file in files if not file.path.exists()]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise ParameterError(f"there is no {', '.join(map(repr, islice(missing, 3)))}{more}; check the path.")
    if not files:
        raise ParameterError(f"{source!r} has no audio files; give a folder or files that are audio.")
    paths = {file.name: file.path for file in files}
    start = _started(Manifest((), tuple(AudioItem(name) for name in paths)), types, annotations)
    keeper: Keeper = MemoryKeeper(start) if manifest is None else ManifestKeeper(manifest, start)
    return Source(tuple(paths), paths.__getitem__, keeper)


def _of_manifest(
    kept: Manifest,
    types: tuple[ArtifactType, ...],
    annotations: Marked | None,
    place: PathLike | None,
    root: Path,
) -> Source:
    start = _started(kept, types, annotations)
    keeper: Keeper = MemoryKeeper(start) if place is None else ManifestKeeper(place, start)
    return Source(tuple(item.filename for item in kept), root.joinpath, keeper)


def _started(kept: Manifest, types: tuple[ArtifactType, ...], annotations: Marked | None) -> Manifest:
    """Return the manifest with more types and annotations; with a type, if nobody names one."""
    names = [item.filename for item in kept]
    marked = _by_file(annotations, names)
    more = annotations.artifact_types if isinstance(annotations, Manifest) else ()
    known = {type_.name: type_ for type_ in (*types, *kept.artifact_types, *more)}
    seen = dict.fromkeys(span.artifact_type for spans in marked.values() for span in spans)
    unnamed = [name for name in seen if name not in known]
    all_types = (*known.values(), *types_of(unnamed, len(known))) or types_of([ANY_TYPE])
    items = tuple(replace(item, annotations=marked.get(item.filename, item.annotations)) for item in kept)
    return Manifest(all_types, items)


def _by_file(annotations: Marked | None, names: Sequence[str]) -> dict[str, tuple[Annotation, ...]]:
    if annotations is None:
        return {}
    if isinstance(annotations, Manifest):
        return {item.filename: item.annotations for item in annotations if item.filename in names}
    if isinstance(annotations, Mapping):
        if unknown := [name for name in annotations if name not in names]:
            raise ParameterError(
                f"annotations are given for {unknown[0]!r}, which is not among the recordings; these are "
                f"{', '.join(map(repr, islice(names, 5)))}{' …' if len(names) > 5 else ''}."
            )
        return {name: tuple(spans) for name, spans in annotations.items()}
    if len(names) != 1:
        raise ParameterError(f"annotations without filenames, for {len(names)} recordings; give {{filename: [...]}}.")
    return {names[0]: tuple(annotations)}
