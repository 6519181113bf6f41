"""What an annotation has to fulfil beyond its types."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import Problem
from relaylib.server.database.tables import AudioFileRow, DatasetRow

__all__ = ["Location", "Markable", "find_problems", "known_durations"]

Location = tuple[str | int, ...]
_CHUNK = 10_000  # ids in one statement


class Markable(Protocol):
    """A span of a recording: a request for an annotation, or the row of one."""

    audio_file_id: UUID
    artifact_type: str
    start_ms: int
    end_ms: int


async def known_durations(
    session: AsyncSession, dataset: DatasetRow, audio_ids: Collection[UUID]
) -> dict[UUID, int | None]:
    """Return the durations of those of `audio_ids` that are files of the dataset, None for those not yet decoded.

    The files cannot be deleted before the transaction ends.
    """
    ids = sorted(audio_ids)
    found: dict[UUID, int | None] = {}
    for start in range(0, len(ids), _CHUNK):
        rows = await session.execute(
            select(AudioFileRow.id, AudioFileRow.duration_ms)
            .where(
                AudioFileRow.tenant_id == dataset.tenant_id,
                AudioFileRow.dataset_id == dataset.id,
                AudioFileRow.id.in_(ids[start : start + _CHUNK]),
            )
            .order_by(AudioFileRow.id)
            .with_for_update(read=True, key_share=True)
        )
        found.update(rows.all())
    return found


def find_problems(
    given: Sequence[tuple[Location, Markable]], dataset: DatasetRow, durations_ms: Mapping[UUID, int | None]
) -> list[Problem]:
    """Return every field of every span that breaks a rule, each below the location that comes with its span."""
    types = [str(artifact_type["name"]) for artifact_type in dataset.artifact_types]
    listed = ", ".join(map(repr, types[:20])) + (", …" if len(types) > 20 else "") if types else "none"
    known = set(types)
    problems: list[Problem] = []

    def add(loc: Location, field: str, msg: str) -> None:
        problems.append(Problem([*loc, field], msg, "value_error"))

    for loc, span in given:
        if span.audio_file_id not in durations_ms:
            add(loc, "audio_file_id", "is not an audio file of the dataset")
        if span.artifact_type not in known:
            add(loc, "artifact_type", f"is not an artifact type of the dataset; it has {listed}")
        duration_ms = durations_ms.get(span.audio_file_id)
        if span.end_ms <= span.start_ms:
            add(loc, "end_ms", f"must be greater than start_ms, which is {span.start_ms}")
        elif duration_ms is not None and span.end_ms > duration_ms:
            add(loc, "end_ms", f"must be at most the file's duration of {duration_ms} ms")
    return problems
