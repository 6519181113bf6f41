"""Which result belongs to which file of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relaylib.errors import ParameterError

__all__ = ["Pairing", "pair_files"]


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
        If two results carry the same name.

    Examples
    --------
    >>> pair_files(["audio/a.wav", "audio/b.wav"], ["b.wav", "c.wav"])
    Pairing(pairs=((1, 0),), missing=(0,), unknown=(1,))
    """
    truth, given = [_parts(name) for name in reference], [_parts(name) for name in results]
    twice = sorted({"/".join(p) for p in given if given.count(p) > 1}) if len(set(given)) != len(given) else []
    if twice:
        raise ParameterError(f"more than one result for {', '.join(map(repr, twice))}; give one per file.")
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
