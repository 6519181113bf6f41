"""Annotation sets and annotations, rows S1 to S5 and N1 to N5 of the contract."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relaylib.api.common import Confidence, TypeName

__all__ = [
    "AnnotationBody",
    "AnnotationSet",
    "AnnotationSetDetail",
    "CreateAnnotation",
    "CreateAnnotations",
    "CreatedAnnotations",
    "SetList",
    "SetStatus",
    "TimeMs",
    "UpdateAnnotation",
]

SetStatus = Literal["draft", "published"]
TimeMs = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""A time in a recording; the upper end is what four bytes hold (24 days)."""


class CreateAnnotation(msgspec.Struct):
    """Mark a span of a recording."""

    audio_file_id: UUID
    artifact_type: TypeName
    start_ms: TimeMs
    end_ms: TimeMs
    confidence: Confidence = 1.0
    extra_data: dict[str, Any] | None = None


class CreateAnnotations(msgspec.Struct):
    """Mark many spans, all or none."""

    annotations: Annotated[list[CreateAnnotation], Meta(min_length=1)]


class UpdateAnnotation(msgspec.Struct):
    """Change some fields of an annotation."""

    artifact_type: TypeName | UnsetType = UNSET
    start_ms: TimeMs | UnsetType = UNSET
    end_ms: TimeMs | UnsetType = UNSET
    confidence: Confidence | UnsetType = UNSET
    extra_data: dict[str, Any] | UnsetType | None = UNSET


class AnnotationBody(msgspec.Struct):
    """A span that a person drew, as the API gives it."""

    id: UUID
    annotation_set_id: UUID
    audio_file_id: UUID
    artifact_type: str
    start_ms: int
    end_ms: int
    confidence: float
    extra_data: dict[str, Any] | None
    created_at: datetime


class CreatedAnnotations(msgspec.Struct):
    """What a bulk call made."""

    created: int
    annotations: list[AnnotationBody]


class AnnotationSet(msgspec.Struct):
    """A version of a dataset's labels: a draft can change, a published set can train."""

    id: UUID
    dataset_id: UUID
    version: int
    status: SetStatus
    total_annotations: int
    total_positive_duration_ms: int
    annotations_by_type: dict[str, int]
    created_at: datetime
    published_at: datetime | None


class AnnotationSetDetail(AnnotationSet):
    """An annotation set with all its annotations."""

    annotations: list[AnnotationBody]


class SetList(msgspec.Struct):
    """The annotation sets of a dataset, newest first; complete unless a page was asked for."""

    items: list[AnnotationSet]
    total: int
