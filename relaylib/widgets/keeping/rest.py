"""Labels in a dataset of the REST API: every change goes to its draft annotation set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import msgspec

from relaylib.api import AnnotationBody, AnnotationSet, CreateAnnotation, UpdateAnnotation
from relaylib.client import Client, RefusedError
from relaylib.client.manifests import annotation_of, manifest_of, spans_to_send, unique_names
from relaylib.errors import ParameterError, RelayError
from relaylib.types import Annotation, AudioItem, Manifest
from relaylib.widgets.keeping.difference import difference, same
from relaylib.widgets.keeping.keeper import ConflictError
from relaylib.widgets.keeping.labels import Labels

__all__ = ["RestKeeper"]

_NO_AUDIO = ("pending", "failed")
_BATCH = 10_000
"""Annotations in a request when a version is copied: mostly all, so that it is copied whole or not at all."""


class RestKeeper:
    """Keeps labels in the draft annotation set of a dataset.

    The newest version counts. If it is published, or a draft in which nothing is yet, the labels begin with the newest
    published ones, which the first change copies into a draft. Suggestions and done flags live in memory; a session
    begins with those files done that have annotations.

    Parameters
    ----------
    client : Client
        It is not closed with this.
    dataset_id : UUID or str

    Raises
    ------
    RelayError
        If the dataset cannot be read.
    """

    def __init__(self, client: Client, dataset_id: UUID | str) -> None:
        self._client = client
        self._dataset_id = dataset_id
        self._base: UUID | None = None
        self._draft: UUID | None = None
        self._labels: dict[str, Labels] = {}
        self._broken: set[str] = set()
        dataset = client.datasets.get(dataset_id)
        base = self._look()
        bodies = [] if base is None else client.annotation_sets.get(dataset_id, base).annotations
        marked = {body.audio_file_id for body in bodies}
        listed = client.audio.iterate(dataset_id)
        files = [f for f in listed if f.processing_status not in _NO_AUDIO or f.id in marked][::-1]
        names = unique_names(files)
        self._files = {names[file.id]: file for file in files}
        manifest = manifest_of(dataset.artifact_types, files, bodies)
        self._types = manifest.artifact_types
        for item in manifest:
            self._labels[item.filename] = Labels(item.annotations, done=bool(item.annotations))

    @property
    def can_publish(self) -> bool:
        """Whether there is a draft with something in it."""
        return (
            self._base is not None
            and self._base == self._draft
            and any(labels.annotations for labels in self._labels.values())
        )

    def manifest(self) -> Manifest:
        """Return all types and recordings with their annotations, as they were read or kept last."""
        items = (
            AudioItem(name, self._files[name].duration_ms, annotations=labels.annotations, done=labels.done)
            for name, labels in self._labels.items()
        )
        return Manifest(self._types, tuple(items))

    def all_labels(self) -> dict[str, Labels]:
        """Return the labels of every recording, as they were read or kept last."""
        return dict(self._labels)

    def labels(self, filename: str) -> Labels:
        """Return the labels of a recording as the server has them now; what is kept next is a change of these."""
        base = self._look()
        found = {} if base is None else self._of_file(base, filename)
        self._know(filename, found.values())
        self._broken.discard(filename)
        return self._labels[filename]

    def keep(self, filename: str, labels: Labels) -> None:
        """Bring the annotations of a recording to the server; without a change in them nothing is sent.

        Raises
        ------
        ConflictError
            If the server has other annotations of it than those that were read or kept here last.
        ParameterError
            If the dataset has no such recording.
        RelayError
            If the server refuses them or cannot be reached. The next call completes what this one has begun.
        """
        known = self._labels[self._checked(filename)]
        if filename in self._broken or not same(known.annotations, labels.annotations):
            self._send(filename, known, labels)
        self._labels[filename] = replace(labels, annotations=self._labels[filename].annotations)

    def publish(self) -> AnnotationSet:
        """Make the draft final, so that it can train; the next change begins a new one.

        Raises
        ------
        ParameterError
            If there is no draft with something in it.
        RefusedError
            If it was published elsewhere.
        """
        if self._draft is None or not self.can_publish:
            raise ParameterError("there is nothing to publish; label something first, and a draft begins with it.")
        published = self._client.annotation_sets.publish(self._dataset_id, self._draft)
        self._draft = None
        return published

    def fetch(self, filename: str, folder: Path) -> Path:
        """Return where the audio of a recording lies in `folder`, downloaded if it is not there yet.

        Raises
        ------
        ParameterError
            If the dataset has no such recording.
        RelayError, OSError
            If it cannot be downloaded.
        """
        file, path = self._files[self._checked(filename)], folder / filename
        return path if path.is_file() else self._client.audio.download(self._dataset_id, file.id, path)

    def close(self) -> None:
        """Hold nothing back: all is at the server."""

    def _checked(self, filename: str) -> str:
        if filename not in self._files:
            raise ParameterError(
                f"{filename!r} is not a recording of the dataset; upload it first, see Client.audio.upload."
            )
        return filename

    def _look(self) -> UUID | None:
        """Find the version that the labels are in now, and the draft, which is the same once it has begun."""
        versions = self._client.annotation_sets.list(self._dataset_id).items
        newest = versions[0] if versions else None
        published = next((version for version in versions if version.status == "published"), None)
        base = published
        if newest is not None and newest.status == "draft":
            # one that this session has emptied stays the one, as long as the session lives
            begun = newest.total_annotations > 0 or published is None or newest.id == self._base
            base = newest if begun else published
        self._draft = newest.id if newest is not None and newest.status == "draft" else None
        self._base = None if base is None else base.id
        return self._base

    def _begin_draft(self) -> UUID:
        """Return the draft; where there is none, begin one with what is published."""
        if self._draft is None or self._draft != self._base:
            self._look()  # somebody else may have begun one
        if self._draft is not None and self._draft == self._base:
            return self._draft
        draft = self._draft or self._client.annotation_sets.create(self._dataset_id).id
        if self._base is not None:
            self._copy(self._base, draft)
        self._base = self._draft = draft
        return draft

    def _copy(self, source: UUID, target: UUID) -> None:
        bodies = self._client.annotation_sets.get(self._dataset_id, source).annotations
        spans = [
            CreateAnnotation(b.audio_file_id, b.artifact_type, b.start_ms, b.end_ms, b.confidence, b.extra_data)
            for b in bodies
            if annotation_of(b)
        ]
        try:
            self._client.annotations.create_many(self._dataset_id, target, spans, batch_size=_BATCH)
        except RelayError:
            self._client.annotation_sets.delete(self._dataset_id, target)  # a part would pass for the whole
            raise

    def _of_file(self, set_id: UUID, filename: str) -> dict[UUID, Annotation]:
        file_id = self._files[self._checked(filename)].id
        found = self._client.annotations.iterate(self._dataset_id, set_id, audio_file_id=file_id)
        return _by_id(body for body in found if body.audio_file_id == file_id)

    def _know(self, filename: str, annotations: Iterable[Annotation]) -> None:
        self._labels[filename] = replace(self._labels[filename], annotations=tuple(sorted(annotations)))

    def _send(self, filename: str, known: Labels, labels: Labels) -> None:
        draft = self._begin_draft()
        theirs = self._of_file(draft, filename)
        if filename not in self._broken and not same(theirs.values(), known.annotations):
            there = replace(known, annotations=tuple(sorted(theirs.values())))
            raise ConflictError(filename, "the draft of the dataset", there)
        self._broken.add(filename)
        try:
            now = self._carry_out(draft, filename, theirs, labels.annotations)
        except RefusedError:
            self._draft = None  # it may have been published elsewhere: the next change looks again
            raise
        self._broken.discard(filename)
        self._know(filename, now)

    def _carry_out(
        self, draft: UUID, filename: str, theirs: dict[UUID, Annotation], wanted: Sequence[Annotation]
    ) -> list[Annotation]:
        """Change the annotations of a recording, new ones first so that a break loses none; return what is there."""
        steps, annotations, dataset_id = difference(theirs, wanted), self._client.annotations, self._dataset_id
        new = Manifest(self._types, (AudioItem(filename, annotations=steps.create),))
        bodies = [*annotations.create_many(dataset_id, draft, spans_to_send(new, self._files))]
        for id_, span in steps.update.items():
            fields = UpdateAnnotation(
                span.artifact_type,
                span.start_ms,
                span.end_ms,
                span.confidence,
                None if span.extra_data is None else dict(span.extra_data),
            )
            bodies.append(annotations.update(dataset_id, draft, id_, **msgspec.structs.asdict(fields)))
        for id_ in steps.delete:
            annotations.delete(dataset_id, draft, id_)
        gone = {*steps.update, *steps.delete}
        return [*(span for id_, span in theirs.items() if id_ not in gone), *_by_id(bodies).values()]


def _by_id(bodies: Iterable[AnnotationBody]) -> dict[UUID, Annotation]:
    found = ((body.id, annotation_of(body)) for body in bodies)
    return {id_: span for id_, span in found if span is not None}
