"""What has to be done to annotations that a server has, so that it has those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from relaylib.types import Annotation

__all__ = ["Difference", "difference", "same"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Annotations to make, to change and to take away; what is not named here stays as it is."""

    create: tuple[Annotation, ...]
    update: Mapping[UUID, Annotation]
    delete: tuple[UUID, ...]


def same(some: Iterable[Annotation], others: Iterable[Annotation]) -> bool:
    """Return whether both hold equal annotations, notes included, in any order."""
    return sorted(map(_content, some)) == sorted(map(_content, others))


def difference(known: Mapping[UUID, Annotation], wanted: Iterable[Annotation]) -> Difference:
    """Return what turns the `known` annotations into those that are `wanted`, with as few steps as can be.

    Of those that differ, the ones that resemble each other most are taken for the same annotation, changed: of one
    type, then with the nearest times.
    """
    ids: dict[bytes, list[UUID]] = {}
    for id_, span in known.items():
        ids.setdefault(_content(span), []).append(id_)
    new = [span for span in wanted if not _take(ids, _content(span))]
    old = {id_: known[id_] for same_ones in ids.values() for id_ in same_ones}
    update: dict[UUID, Annotation] = {}
    while new and old:
        _, id_, n = min(
            (_distance(before, after), id_, n) for id_, before in old.items() for n, after in enumerate(new)
        )
        update[id_] = new.pop(n)
        del old[id_]
    return Difference(tuple(new), update, tuple(old))


def _content(span: Annotation) -> bytes:
    return msgspec.json.encode(span, order="deterministic")


def _take(ids: dict[bytes, list[UUID]], content: bytes) -> bool:
    if not ids.get(content):
        return False
    ids[content].pop()
    return True


def _distance(before: Annotation, after: Annotation) -> tuple[bool, int]:
    apart_ms = abs(before.start_ms - after.start_ms) + abs(before.end_ms - after.end_ms)
    return before.artifact_type != after.artifact_type, apart_ms
