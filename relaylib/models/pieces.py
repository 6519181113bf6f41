"""One recording as several, so that part of it can be held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from relaylib.errors import TrainingError
from relaylib.models.example import Example
from relaylib.types import Annotation, ms_to_frames

__all__ = ["cut_alike", "cut_example"]

LEAST_MS = 2_000
"""A shorter piece would hold too little speech to judge anything by."""


def cut_example(example: Example, n_pieces: int, *, hop_ms: int) -> list[Example]:
    """Cut a recording into consecutive pieces of about equal length, each annotation whole in one of them.

    Parameters
    ----------
    example : Example
    n_pieces : int >= 2
        Fewer are made where annotations leave no room for a cut, or pieces would be shorter than two seconds.
    hop_ms : int
        Length of a frame of its embeddings.

    Returns
    -------
    list of Example
        Two or more, named after the recording and their time in it.

    Raises
    ------
    TrainingError
        If there is no place to cut.
    """
    item = example.item
    end_ms = len(example.embeddings) * hop_ms
    n_pieces = min(n_pieces, end_ms // LEAST_MS)
    wanted = [end_ms * k // n_pieces for k in range(1, n_pieces)]
    cuts = sorted({_free(cut, item.annotations, hop_ms) for cut in wanted})
    edges = [0, *(cut for cut in cuts if LEAST_MS <= cut <= end_ms - LEAST_MS), end_ms]
    if len(edges) < 3:
        raise TrainingError(
            f"{item.filename!r} is the only recording and cannot be cut in two, so that one part is learned and the "
            "other held out: it is too short, or annotations cover it all. Add recordings."
        )
    return [_piece(example, start, end, hop_ms) for start, end in pairwise(edges)]


def cut_alike(example: Example, pieces: Sequence[Example], *, hop_ms: int) -> list[Example]:
    """Cut the same recording at another speed where `pieces` of it were cut."""
    ends = list(accumulate(piece.item.duration_ms or 0 for piece in pieces))
    scale = len(example.embeddings) / ends[-1]
    edges = [0, *(round(end * scale) * hop_ms for end in ends)]
    return [_piece(example, start, end, hop_ms) for start, end in pairwise(edges)]


def _free(cut_ms: int, annotations: Sequence[Annotation], hop_ms: int) -> int:
    """Return the frame edge at or after `cut_ms` that lies inside no annotation."""
    cut_ms = ms_to_frames(0, cut_ms, hop_ms)[1] * hop_ms
    for span in sorted(annotations):
        if span.start_ms < cut_ms < span.end_ms:
            cut_ms = ms_to_frames(0, span.end_ms, hop_ms)[1] * hop_ms
    return cut_ms


def _piece(example: Example, start_ms: int, end_ms: int, hop_ms: int) -> Example:
    item = example.item
    inside = tuple(
        replace(span, start_ms=span.start_ms - start_ms, end_ms=span.end_ms - start_ms)
        for span in item.annotations
        if start_ms <= span.start_ms < end_ms
    )
    name = f"{item.filename} [{start_ms / 1000:g}-{end_ms / 1000:g} s]"
    part = replace(item, filename=name, duration_ms=end_ms - start_ms, annotations=inside)
    return Example(part, example.embeddings[start_ms // hop_ms : end_ms // hop_ms], example.judges)
