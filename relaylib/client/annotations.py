"""Annotations: rows N1 to N5."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from relaylib.api import AnnotationBody, CreateAnnotation, CreatedAnnotations, Page, UpdateAnnotation
from relaylib.client.errors import ApiError, problems_text
from relaylib.client.resource import Id, Resource, checked_id, without_none
from relaylib.errors import ParameterError

__all__ = ["Annotations"]


class Annotations(Resource):
    """Marked spans of recordings, as ``client.annotations``; they can change while their set is a draft."""

    def create(
        self,
        dataset_id: Id,
        set_id: Id,
        *,
        audio_file_id: Id,
        artifact_type: str,
        start_ms: int,
        end_ms: int,
        confidence: float = 1.0,
        extra_data: Mapping[str, Any] | None = None,
    ) -> AnnotationBody:
        """Mark the span ``[start_ms, end_ms)`` of a recording.

        Raises
        ------
        ValidationError
            If the span, the type or the file is not one of the dataset.
        RefusedError
            If the set is published.
        """
        body = without_none(
            audio_file_id=checked_id(audio_file_id),
            artifact_type=artifact_type,
            start_ms=start_ms,
            end_ms=end_ms,
            confidence=confidence,
            extra_data=extra_data,
        )
        return self._http.post(_path(dataset_id, set_id), AnnotationBody, body=body)

    def create_many(
        self, dataset_id: Id, set_id: Id, annotations: Sequence[CreateAnnotation], *, batch_size: int = 1000
    ) -> Sequence[AnnotationBody]:
        """Mark many spans, `batch_size` in a request.

        A request makes all of its annotations or none. If one fails after others were carried out, the error's
        `done` has what those made, and the places in its `problems` count from the first of `annotations`.

        Returns
        -------
        list of AnnotationBody, in the order of `annotations`; empty for none

        Raises
        ------
        ValidationError
            If a span, a type or a file is not one of the dataset.
        RefusedError
            If the set is published.
        """
        if batch_size < 1:
            raise ParameterError(f"batch_size={batch_size}: need at least one.")
        made: Sequence[AnnotationBody] = []
        for first in range(0, len(annotations), batch_size):
            batch = [without_none(**msgspec.structs.asdict(a)) for a in annotations[first : first + batch_size]]
            try:
                answer = self._http.post(
                    f"{_path(dataset_id, set_id)}/bulk", CreatedAnnotations, body={"annotations": batch}
                )
            except ApiError as exc:
                exc.done = made
                _count_from(exc, first)
                raise
            made = [*made, *answer.annotations]
        return made

    def list(
        self,
        dataset_id: Id,
        set_id: Id,
        *,
        audio_file_id: Id | None = None,
        artifact_type: str | None = None,
        page: int = 1,
        page_size: int | None = None,
    ) -> Page[AnnotationBody]:
        """Return one page of a set's annotations, newest first; only those of a file or type if one is given."""
        query = _filter(audio_file_id, artifact_type)
        return self._page(_path(dataset_id, set_id), AnnotationBody, page, page_size, query)

    def iterate(
        self, dataset_id: Id, set_id: Id, *, audio_file_id: Id | None = None, artifact_type: str | None = None
    ) -> Iterator[AnnotationBody]:
        """Yield a set's annotations, newest first; pages are fetched as they are reached."""
        return self._iterate(_path(dataset_id, set_id), AnnotationBody, _filter(audio_file_id, artifact_type))

    def update(
        self,
        dataset_id: Id,
        set_id: Id,
        annotation_id: Id,
        *,
        artifact_type: str | UnsetType = UNSET,
        start_ms: int | UnsetType = UNSET,
        end_ms: int | UnsetType = UNSET,
        confidence: float | UnsetType = UNSET,
        extra_data: dict[str, Any] | UnsetType | None = UNSET,
    ) -> AnnotationBody:
        """Change what is given.

        Raises
        ------
        RefusedError
            If the set is published.
        """
        body = UpdateAnnotation(artifact_type, start_ms, end_ms, confidence, extra_data)
        return self._http.patch(f"{_path(dataset_id, set_id)}/{checked_id(annotation_id)}", AnnotationBody, body=body)

    def delete(self, dataset_id: Id, set_id: Id, annotation_id: Id) -> None:
        """Delete an annotation.

        Raises
        ------
        RefusedError
            If the set is published.
        """
        self._http.delete(f"{_path(dataset_id, set_id)}/{checked_id(annotation_id)}")


def _path(dataset_id: Id, set_id: Id) -> str:
    return f"/datasets/{checked_id(dataset_id)}/annotation-sets/{checked_id(set_id)}/annotations"


def _filter(audio_file_id: Id | None, artifact_type: str | None) -> dict[str, Any]:
    return {
        "audio_file_id": None if audio_file_id is None else checked_id(audio_file_id),
        "artifact_type": artifact_type,
    }


def _count_from(error: ApiError, first: int) -> None:
    """Let the places of the problems of a batch count from the first batch."""
    for problem in error.problems:
        if problem.loc[:2] == ["body", "annotations"] and len(problem.loc) > 2 and isinstance(problem.loc[2], int):
            problem.loc[2] += first
    if error.problems:
        error.detail = problems_text(error.problems)
