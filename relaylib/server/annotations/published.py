"""What published annotation sets hold fast."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow

__all__ = ["is_published", "published_versions"]


def published_versions(audio_id: UUID | InstrumentedAttribute[UUID]) -> Select[Any]:
    """Return the query for the versions of published sets that refer to an audio file, which therefore has to stay."""
    return (
        select(AnnotationSetRow.version)
        .join(AnnotationRow, AnnotationRow.annotation_set_id == AnnotationSetRow.id)
        .where(AnnotationSetRow.status == "published", AnnotationRow.audio_file_id == audio_id)
    )


def is_published(audio_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Return the condition that there is such a set."""
    return published_versions(audio_id).exists()
