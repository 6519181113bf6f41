"""What published annotation sets hold fast."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import InstrumentedAttribute

from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow

__all__ = ["is_published"]


def is_published(audio_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Return the condition that a published set has an annotation of an audio file, which therefore has to stay."""
    return exists().where(
        AnnotationRow.audio_file_id == audio_id,
        AnnotationSetRow.id == AnnotationRow.annotation_set_id,
        AnnotationSetRow.status == "published",
    )
