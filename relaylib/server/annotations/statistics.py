"""What annotation sets hold, counted by the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.server.database.tables import AnnotationRow

__all__ = ["SetStatistics", "count_sets"]

_CHUNK = 10_000  # ids in one statement


class SetStatistics(msgspec.Struct, frozen=True):
    """The numbers of an annotation set; spans that overlap count in full each."""

    total_annotations: int = 0
    total_positive_duration_ms: int = 0
    annotations_by_type: dict[str, int] = {}


async def count_sets(session: AsyncSession, tenant_id: UUID, set_ids: Sequence[UUID]) -> Mapping[UUID, SetStatistics]:
    """Return the statistics of annotation sets; one without annotations has zeros."""
    duration_ms = func.sum(AnnotationRow.end_ms - AnnotationRow.start_ms)
    types: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    durations_ms: defaultdict[UUID, int] = defaultdict(int)
    for start in range(0, len(set_ids), _CHUNK):
        grouped = await session.execute(
            select(AnnotationRow.annotation_set_id, AnnotationRow.artifact_type, func.count(), duration_ms)
            .where(
                AnnotationRow.tenant_id == tenant_id,
                AnnotationRow.annotation_set_id.in_(set_ids[start : start + _CHUNK]),
            )
            .group_by(AnnotationRow.annotation_set_id, AnnotationRow.artifact_type)
        )
        for set_id, artifact_type, count, total_ms in grouped:
            types[set_id][artifact_type] = count
            durations_ms[set_id] += int(total_ms)  # PostgreSQL adds up to a Decimal
    return {
        set_id: SetStatistics(
            total_annotations=sum(types[set_id].values()),
            total_positive_duration_ms=durations_ms[set_id],
            annotations_by_type=dict(sorted(types[set_id].items())),
        )
        for set_id in set_ids
    }
