"""What a setting of the sliders amounts to: the detections, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relaylib.errors import ParameterError
from relaylib.evaluate import event_counts, f_scores, false_alarms_per_hour, pair_files
from relaylib.postprocess import decode
from relaylib.types import Annotation, DecodeConfig, Detection, Manifest, Scores

__all__ = ["EventFigures", "Explored", "explore_scores", "reference_of"]


@dataclass(frozen=True, slots=True)
class EventFigures:
    """Event-based figures of one recording: means over the types with annotations, nan without any.

    `false_alarms_per_hour` is None for a recording of no length. `rows` holds (type, precision, recall, F1, number of
    annotations, number of detections).
    """

    precision: float
    recall: float
    f1: float
    false_alarms_per_hour: float | None
    rows: tuple[tuple[str, float, float, float, int, int], ...]


@dataclass(frozen=True, slots=True)
class Explored:
    """A configuration with its detections, and their figures where there is a reference."""

    config: DecodeConfig
    detections: tuple[Detection, ...]
    figures: EventFigures | None = None


def explore_scores(
    scores: Scores, config: DecodeConfig, reference: Sequence[Annotation] | None = None, *, collar_ms: int = 200
) -> Explored:
    """Decode the scores of a recording, and compare with its annotations if there are any given.

    Parameters
    ----------
    scores : Scores
    config : DecodeConfig
    reference : sequence of Annotation, optional
        Those of types without scores are left out: no threshold finds them. An empty one means clean.
    collar_ms : int >= 0
        See :func:`relaylib.evaluate.match_events`.

    Examples
    --------
    >>> import numpy as np
    >>> scores = Scores(np.array([[0.1], [0.9], [0.8], [0.7], [0.2]], np.float32), ("click",), 100)
    >>> explore_scores(scores, DecodeConfig(), [Annotation(20, 80, "click")]).figures.f1
    1.0
    """
    found = tuple(decode(scores, config))
    if reference is None:
        return Explored(config, found)
    names = scores.artifact_types
    truth = [span for span in reference if span.artifact_type in names]
    counts = event_counts([truth], [found], names, collar_ms=collar_ms)
    event = f_scores(counts)
    alarms = false_alarms_per_hour([int(counts.fp.sum())], [scores.duration_ms], [not truth])
    n_found = (counts.tp + counts.fp).sum(0)
    rows = zip(names, event.precision, event.recall, event.f1, event.support, n_found, strict=True)
    figures = EventFigures(
        event.macro_precision,
        event.macro_recall,
        event.macro_f1,
        alarms.per_hour,
        tuple((name, float(p), float(r), float(f), int(n), int(m)) for name, p, r, f, n, m in rows),
    )
    return Explored(config, found, figures)


def reference_of(
    reference: Sequence[Annotation] | Manifest | None, filename: str | None
) -> tuple[Annotation, ...] | None:
    """Return the annotations of the file that is explored.

    Parameters
    ----------
    reference : sequence of Annotation, Manifest or None
        Of a manifest, the recording of that name is taken, see :func:`relaylib.evaluate.pair_files`, or the only one.
    filename : str or None
        Name of the file, where it is known.

    Raises
    ------
    ParameterError
        If a manifest does not have the file.
    """
    if not isinstance(reference, Manifest):
        return None if reference is None else tuple(reference)
    names = [item.filename for item in reference]
    pairs = pair_files(names, [filename]).pairs if filename is not None else ()
    if pairs:
        return reference.audio[pairs[0][0]].annotations
    if len(names) == 1 and filename is None:
        return reference.audio[0].annotations
    raise ParameterError(
        f"audio {filename!r} is not one of the {len(names)} recordings of the reference; give its annotations instead."
    )
