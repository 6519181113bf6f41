"""Annotation sets: rows S1 to S5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relaylib.api import AnnotationSet, AnnotationSetDetail, AudioFile, SetList
from relaylib.client.audio import Audio
from relaylib.client.datasets import Datasets
from relaylib.client.manifests import manifest_of, unique_names
from relaylib.client.parallel import each
from relaylib.client.resource import Id, PathLike, Resource, checked_id
from relaylib.types import Manifest

__all__ = ["AnnotationSets"]


class AnnotationSets(Resource):
    """Versions of a dataset's labels, as ``client.annotation_sets``."""

    def create(self, dataset_id: Id) -> AnnotationSet:
        """Begin a new version, an empty draft."""
        return self._http.post(_path(dataset_id), AnnotationSet)

    def list(self, dataset_id: Id) -> SetList:
        """Return all versions, newest first, without their annotations."""
        return self._http.get(_path(dataset_id), SetList)

    def get(self, dataset_id: Id, set_id: Id) -> AnnotationSetDetail:
        """Return a version with all its annotations."""
        return self._http.get(f"{_path(dataset_id)}/{checked_id(set_id)}", AnnotationSetDetail)

    def publish(self, dataset_id: Id, set_id: Id) -> AnnotationSet:
        """Make a draft final: it can train then, and never change again.

        Raises
        ------
        RefusedError
            If it is empty, or published already.
        """
        return self._http.post(f"{_path(dataset_id)}/{checked_id(set_id)}/publish", AnnotationSet)

    def delete(self, dataset_id: Id, set_id: Id) -> None:
        """Delete a draft.

        Raises
        ------
        RefusedError
            If it is published.
        """
        self._http.delete(f"{_path(dataset_id)}/{checked_id(set_id)}")

    def to_manifest(
        self,
        dataset_id: Id,
        set_id: Id,
        *,
        audio_root: PathLike | None = None,
        workers: int = 4,
        progress: bool = True,
    ) -> Manifest:
        """Return a version as the library's labelled material.

        It holds the files that are ready and those that are annotated. A filename that several files have gets the
        beginning of each one's id, as in ``take.1b9d6bcd.wav``. Spans without length are left out, since they mark
        nothing.

        Parameters
        ----------
        dataset_id, set_id : UUID or str
        audio_root : path, optional
            Folder into which the audio is fetched, under the filenames of the manifest.
        workers : int
            Downloads at a time.
        progress : bool
            Show a bar.

        Raises
        ------
        RelayError, OSError
            The first error of a download.
        """
        labels = self.get(dataset_id, set_id)
        audio = Audio(self._http)
        marked = {annotation.audio_file_id for annotation in labels.annotations}
        files = [f for f in audio.iterate(dataset_id) if f.processing_status == "ready" or f.id in marked][::-1]
        if audio_root is not None:
            self._fetch(dataset_id, files, Path(audio_root), workers, progress)
        return manifest_of(Datasets(self._http).get(dataset_id).artifact_types, files, labels.annotations)

    def _fetch(self, dataset_id: Id, files: Sequence[AudioFile], folder: Path, workers: int, progress: bool) -> None:
        audio, names = Audio(self._http), unique_names(files)
        results = each(
            files,
            lambda file, _: audio.download(dataset_id, file.id, folder / names[file.id]),
            workers=workers,
            what="downloading",
            progress=progress,
        )
        for result in results:
            if isinstance(result, Exception):
                raise result


def _path(dataset_id: Id) -> str:
    return f"/datasets/{checked_id(dataset_id)}/annotation-sets"
