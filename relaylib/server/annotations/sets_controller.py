"""Routes of annotation sets, rows S1 to S5 of the contract."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter

from relaylib.api import AnnotationSet, AnnotationSetDetail, SetList
from relaylib.server.annotations.sets import AnnotationSets
from relaylib.server.paging import PageQuery
from relaylib.server.routing import PathId, service

__all__ = ["AnnotationSetController"]

_Number = Annotated[
    int | None, QueryParameter(name="page", ge=1, le=2**31 - 1, description="Number of the page, from 1.")
]
_Size = Annotated[
    int | None, QueryParameter(name="page_size", ge=1, le=100, description="Items on a page; all, if neither is given.")
]


def _page_if_asked(page_number: _Number = None, page_size: _Size = None) -> PageQuery | None:
    if page_number is None and page_size is None:
        return None
    return PageQuery(page=page_number or 1, page_size=page_size or 20)


_SERVICES = {"sets": service(AnnotationSets)}
_PAGE_IF_ASKED = {"page": Provide(_page_if_asked, sync_to_thread=False)}


class AnnotationSetController(Controller):
    """The annotation sets of a dataset."""

    path = "/datasets/{dataset_id:str}/annotation-sets"
    tags = ("Annotation sets",)
    dependencies = _SERVICES

    @post(operation_id="create_annotation_set", summary="Create an annotation set")
    async def create(self, dataset_id: PathId, sets: NamedDependency[AnnotationSets]) -> AnnotationSet:
        """Make an empty draft with the next version number; the call has no body."""
        return await sets.create(dataset_id)

    @get(operation_id="list_annotation_sets", summary="List annotation sets", dependencies=_PAGE_IF_ASKED)
    async def list(
        self, dataset_id: PathId, sets: NamedDependency[AnnotationSets], page: NamedDependency[PageQuery | None]
    ) -> SetList:
        """Give the sets with their statistics, newest first; all of them, unless a page is asked for."""
        return await sets.list(dataset_id, page)

    @get("/{annotation_set_id:str}", operation_id="get_annotation_set", summary="Get an annotation set")
    async def get(
        self, dataset_id: PathId, annotation_set_id: PathId, sets: NamedDependency[AnnotationSets]
    ) -> AnnotationSetDetail:
        """Give one set with all its annotations."""
        return await sets.get(dataset_id, annotation_set_id)

    @post(
        "/{annotation_set_id:str}/publish",
        status_code=200,
        operation_id="publish_annotation_set",
        summary="Publish an annotation set",
    )
    async def publish(
        self, dataset_id: PathId, annotation_set_id: PathId, sets: NamedDependency[AnnotationSets]
    ) -> AnnotationSet:
        """Make a draft final: it can train from now on, and never changes again."""
        return await sets.publish(dataset_id, annotation_set_id)

    @delete("/{annotation_set_id:str}", operation_id="delete_annotation_set", summary="Delete an annotation set")
    async def delete(
        self, dataset_id: PathId, annotation_set_id: PathId, sets: NamedDependency[AnnotationSets]
    ) -> None:
        """Remove a draft with its annotations; published sets stay."""
        await sets.delete(dataset_id, annotation_set_id)
