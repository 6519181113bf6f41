"""Which result belongs to which file of the reference, and what is left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relaylib.errors import ParameterError
from relaylib.types import Annotation, AudioItem, Detection, FileResult, Manifest

__all__ = ["Aligned", "Pairing", "align", "pair_files"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Index pairs (reference, result), in reference order, and the indices that stayed alone on either side."""

    pairs: tuple[tuple[int, int], ...]
    missing: tuple[int, ...]
    unknown: tuple[int, ...]


def pair_files(reference: Sequence[str], results: Sequence[str]) -> Pairing:
    r"""Pair file names: equal ones first, then those of which one ends with the other, by whole path parts.

    ``audio/u1.flac`` and ``u1.flac`` pair, in either role, as long as neither has a second candidate; names
    with more than one stay alone. ``\`` counts as ``/``, and a leading ``./`` or ``/`` is not looked at.

    Raises
    ------
    ParameterError
        If a name occurs twice on one side.

    Examples
    --------
    >>> pair_files(["audio/a.wav", "audio/b.wav"], ["b.wav", "c.wav"])
    Pairing(pairs=((1, 0),), missing=(0,), unknown=(1,))
    """
    truth, given = [_parts(name) for name in reference], [_parts(name) for name in results]
    for what, names in (("reference", truth), ("result", given)):
        twice = sorted("/".join(parts) for parts, n in Counter(names).items() if n > 1)
        if twice:
            raise ParameterError(f"more than one {what} for {', '.join(map(repr, twice))}; give one per file.")
    at = {parts: j for j, parts in enumerate(given)}
    pairs = [(i, at[parts]) for i, parts in enumerate(truth) if parts in at]
    seen_i, seen_j = {i for i, _ in pairs}, {j for _, j in pairs}
    alone_i = {truth[i]: i for i in range(len(truth)) if i not in seen_i}
    alone_j = {given[j]: j for j in range(len(given)) if j not in seen_j}
    candidates = {(alone_i[tail], j) for parts, j in alone_j.items() for tail in _tails(parts) if tail in alone_i}
    candidates |= {(i, alone_j[tail]) for parts, i in alone_i.items() for tail in _tails(parts) if tail in alone_j}
    n_i, n_j = [0] * len(truth), [0] * len(given)
    for i, j in candidates:
        n_i[i] += 1
        n_j[j] += 1
    pairs = sorted(pairs + [(i, j) for i, j in candidates if n_i[i] == n_j[j] == 1])
    done_i, done_j = {i for i, _ in pairs}, {j for _, j in pairs}
    return Pairing(
        tuple(pairs),
        tuple(i for i in range(len(truth)) if i not in done_i),
        tuple(j for j in range(len(given)) if j not in done_j),
    )


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _tails(parts: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [parts[k:] for k in range(1, len(parts))]


@dataclass(frozen=True, slots=True)
class Aligned:
    """The files that can be scored, in reference order, and everything that cannot.

    ``items[k]`` and ``results[k]`` are one file. `failed_files` maps names to error messages, of files that were not
    judged or whose annotations lie past the end of what was; `missing_files` have no
    result, `unknown_files` are results without reference, `unfinished_files` are still being labelled and so are
    nothing to compare with; `unscored_types` counts detections of types that the
    reference does not name.
    """

    type_names: tuple[str, ...]
    items: tuple[AudioItem, ...]
    results: tuple[FileResult, ...]
    failed_files: Mapping[str, str]
    missing_files: tuple[str, ...]
    unknown_files: tuple[str, ...]
    unfinished_files: tuple[str, ...]
    unscored_types: Mapping[str, int]

    @property
    def annotations(self) -> list[tuple[Annotation, ...]]:
        """Annotations per file."""
        return [item.annotations for item in self.items]

    @property
    def detections(self) -> list[tuple[Detection, ...]]:
        """Detections per file, of the types that the reference names."""
        return [self.detections_of(k) for k in range(len(self.results))]

    def detections_of(self, k: int) -> tuple[Detection, ...]:
        """Return the detections of file `k`, of the types that the reference names."""
        return tuple(d for d in self.results[k].detections if d.artifact_type in self.type_names)

    @property
    def durations_ms(self) -> list[int | None]:
        """Length per file, as the reference gives it or else the result."""
        return [
            result.duration_ms if item.duration_ms is None else item.duration_ms
            for item, result in zip(self.items, self.results, strict=True)
        ]


def align(reference: Manifest, results: Sequence[FileResult]) -> Aligned:
    """Bring reference and results together by file name, see :func:`pair_files`.

    Raises
    ------
    ParameterError
        If there is more than one result for a name.
    """
    items = reference.audio
    pairing = pair_files([item.filename for item in items], [result.original_filename for result in results])
    pairs = [(items[i], results[j]) for i, j in pairing.pairs if items[i].done is not False]
    why_not = [_why_not(item, result) for item, result in pairs]
    scored = [pair for pair, why in zip(pairs, why_not, strict=True) if why is None]
    known = set(reference.type_names)
    others = Counter(d.artifact_type for _, r in scored for d in r.detections if d.artifact_type not in known)
    return Aligned(
        type_names=reference.type_names,
        items=tuple(item for item, _ in scored),
        results=tuple(result for _, result in scored),
        failed_files={item.filename: why for (item, _), why in zip(pairs, why_not, strict=True) if why is not None},
        missing_files=tuple(items[i].filename for i in pairing.missing if items[i].done is not False),
        unknown_files=tuple(results[j].original_filename for j in pairing.unknown),
        unfinished_files=tuple(item.filename for item in items if item.done is False),
        unscored_types=dict(sorted(others.items())),
    )


def _why_not(item: AudioItem, result: FileResult) -> str | None:
    """Return why a file cannot be scored, None if it can."""
    if result.status == "failed":
        return result.error_message or "failed"
    if result.duration_ms is None:
        return None
    try:
        item.check_length(result.duration_ms)
    except ParameterError as exc:
        return str(exc)
    return None
