"""What has to be there before a model can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from relaylib.api import Problem, TrainingConfig
from relaylib.server.annotations.published import is_published
from relaylib.server.database.tables import AnnotationRow, AnnotationSetRow, AudioFileRow, DatasetRow
from relaylib.server.errors import InvalidError, RefusedError

__all__ = ["MIN_AUDIO_MS", "check_config", "check_prerequisites"]

MIN_AUDIO_MS = 300_000
"""The least audio, all files together, that a model is trained on."""

_MOST_NAMES = 20  # in a message


def check_config(config: TrainingConfig, dataset: DatasetRow) -> None:
    """Check what a configuration's types alone cannot say.

    Raises
    ------
    InvalidError
        If the step exceeds the chunk, or artifact types are not the dataset's or are named twice.
    """
    problems = _type_problems(config.artifact_types, [type_["name"] for type_ in dataset.artifact_types])
    if config.stride_ms > config.chunk_size_ms:
        msg = f"must be at most chunk_size_ms, which is {config.chunk_size_ms}"
        problems.append(Problem(["body", "config", "stride_ms"], msg, "value_error"))
    if problems:
        raise InvalidError(problems)


async def check_prerequisites(
    session: AsyncSession, annotation_set: AnnotationSetRow, artifact_types: Sequence[str], now: datetime
) -> None:
    """Check, in this order: the set is published, all audio is ready, there is enough of it, each type is annotated.

    Audio that was never confirmed counts for nothing once its upload has expired; nor does audio that failed and that
    nobody can delete, since a published set refers to it.

    Raises
    ------
    RefusedError
        For the first of them that is not met, with the figures.
    """
    if annotation_set.status != "published":
        raise RefusedError(f"Annotation set v{annotation_set.version} is a draft; publish it, then train on it")
    await _check_audio(session, annotation_set.dataset_id, now)
    await _check_annotations(session, annotation_set, artifact_types)


def _type_problems(wanted: Sequence[str], known: Sequence[str]) -> list[Problem]:
    unknown = f"is no artifact type of the dataset, which has {_names(known)}"
    problems: list[Problem] = []
    fitting, seen = set(known), set[str]()
    for index, name in enumerate(wanted):
        if name in seen or name not in fitting:
            msg = "is named twice" if name in seen else unknown
            problems.append(Problem(["body", "config", "artifact_types", index], msg, "value_error"))
        seen.add(name)
    return problems


def _names(names: Sequence[str]) -> str:
    """Return names as a list to read, not all of them if they are many."""
    if len(names) > _MOST_NAMES:
        return f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
    return ", ".join(names) or "none"


async def _check_audio(session: AsyncSession, dataset_id: UUID, now: datetime) -> None:
    status = AudioFileRow.processing_status
    counted = and_(
        or_(status != "pending", AudioFileRow.upload_expires_at > now),
        or_(status != "failed", ~is_published(AudioFileRow.id)),
    )
    query = (
        select(status, func.count(), func.sum(AudioFileRow.duration_ms))
        .where(AudioFileRow.dataset_id == dataset_id, counted)
        .group_by(status)
        .order_by(status)
    )
    n_files: dict[str, int] = {}
    total_ms = 0
    for name, n, duration_ms in await session.execute(query):
        n_files[name] = int(n or 0)
        total_ms += int(duration_ms or 0)
    n_unready = sum(n for name, n in n_files.items() if name != "ready")
    if n_unready:
        states = ", ".join(f"{n} {name}" for name, n in n_files.items() if name != "ready")
        raise RefusedError(
            f"{n_unready} of {sum(n_files.values())} audio files are not ready ({states}); "
            "wait for those at work, confirm those that are pending, delete those that failed"
        )
    if total_ms < MIN_AUDIO_MS:
        raise RefusedError(
            f"The dataset has {total_ms} ms of audio; training needs at least {MIN_AUDIO_MS} ms (5 minutes), "
            f"{MIN_AUDIO_MS - total_ms} ms more"
        )


async def _check_annotations(
    session: AsyncSession, annotation_set: AnnotationSetRow, artifact_types: Sequence[str]
) -> None:
    query = select(AnnotationRow.artifact_type).where(AnnotationRow.annotation_set_id == annotation_set.id).distinct()
    annotated = set(await session.scalars(query))
    bare = [name for name in artifact_types if name not in annotated]
    if bare:
        raise RefusedError(
            f"{len(bare)} of {len(artifact_types)} artifact types have no annotation in set "
            f"v{annotation_set.version}: {_names(bare)}; each needs at least 1"
        )
