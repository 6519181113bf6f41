"""Routes of annotations, rows N1 to N5 of the contract."""

from __future__ import annotations

from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from relaylib.api import (
    AnnotationBody,
    CreateAnnotation,
    CreateAnnotations,
    CreatedAnnotations,
    Page,
    UpdateAnnotation,
)
from relaylib.server.annotations.service import Annotations
from relaylib.server.errors import InvalidError
from relaylib.server.fields import text_problems
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["AnnotationController"]

_SERVICES = {"annotations": service(Annotations)}


class AnnotationController(Controller):
    """The annotations of an annotation set; they can only change while it is a draft."""

    path = "/datasets/{dataset_id:str}/annotation-sets/{annotation_set_id:str}/annotations"
    tags = ("Annotations",)
    dependencies = _SERVICES

    @post(operation_id="create_annotation", summary="Create an annotation")
    async def create(
        self,
        dataset_id: PathId,
        annotation_set_id: PathId,
        data: JSONBody[CreateAnnotation],
        annotations: NamedDependency[Annotations],
    ) -> AnnotationBody:
        """Mark a span of a recording."""
        return await annotations.create(dataset_id, annotation_set_id, data)

    @post("/bulk", operation_id="create_annotations", summary="Create many annotations")
    async def create_many(
        self,
        dataset_id: PathId,
        annotation_set_id: PathId,
        data: JSONBody[CreateAnnotations],
        annotations: NamedDependency[Annotations],
    ) -> CreatedAnnotations:
        """Mark many spans, all or none; the answer has them in the same order."""
        return await annotations.create_many(dataset_id, annotation_set_id, data.annotations)

    @get(operation_id="list_annotations", summary="List annotations")
    async def list(
        self,
        dataset_id: PathId,
        annotation_set_id: PathId,
        annotations: NamedDependency[Annotations],
        page: NamedDependency[PageQuery],
        audio_file_id: FromQuery[UUID | None] = None,
        artifact_type: FromQuery[str | None] = None,
    ) -> Page[AnnotationBody]:
        """Give a page of the annotations, newest first; of one file or one type, if these are given."""
        problems = text_problems(artifact_type, ("query", "artifact_type"))
        if problems:
            raise InvalidError(problems)
        return await annotations.list(
            dataset_id, annotation_set_id, page, audio_file_id=audio_file_id, artifact_type=artifact_type
        )

    @patch("/{annotation_id:str}", operation_id="update_annotation", summary="Change an annotation")
    async def update(
        self,
        dataset_id: PathId,
        annotation_set_id: PathId,
        annotation_id: PathId,
        data: JSONBody[UpdateAnnotation],
        annotations: NamedDependency[Annotations],
    ) -> AnnotationBody:
        """Change the fields that are sent; the rules hold for the result as a whole."""
        return await annotations.update(dataset_id, annotation_set_id, annotation_id, data)

    @delete("/{annotation_id:str}", operation_id="delete_annotation", summary="Delete an annotation")
    async def delete(
        self,
        dataset_id: PathId,
        annotation_set_id: PathId,
        annotation_id: PathId,
        annotations: NamedDependency[Annotations],
    ) -> None:
        """Remove an annotation."""
        await annotations.delete(dataset_id, annotation_set_id, annotation_id)
