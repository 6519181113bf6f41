"""What a detector is measured by on its validation part, spelled as the HTTP API spells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from relaylib.evaluate import event_counts, f_scores, false_alarms_per_hour, segment_counts
from relaylib.evaluate.calibration import expected_calibration_error, judged_confidences
from relaylib.models.held_out import Labelled
from relaylib.models.operating_point import OperatingPoint, apply_points
from relaylib.postprocess import decode
from relaylib.types import Scores

__all__ = ["validation_metrics"]


def validation_metrics(
    validation: Sequence[Labelled], artifact_types: Sequence[str], points: Sequence[OperatingPoint], *, segment_ms: int
) -> dict[str, Any]:
    """Detect in the validation recordings with the tuned points and the default decoding, and compare.

    Parameters
    ----------
    validation : sequence of Labelled
    artifact_types : sequence of str
    points : sequence of OperatingPoint, one for each type
    segment_ms : int > 0
        Length of the slices that the API's figures count: that of a training crop.

    Returns
    -------
    dict
        On top the API's `precision`, `recall`, `f1_score` and `per_class` over slices of time, where
        `support` is the number of slices with the type; under `events` the same for whole events within a
        collar of 200 ms; then `false_alarms_per_hour` of clean audio (None where no validation recording is
        clean), and the `expected_calibration_error` of the detections (None without any). A type without
        validation examples has zeros.
    """
    found = [
        decode(Scores(apply_points(item.logits, points), tuple(artifact_types), item.duration_ms))
        for item in validation
    ]
    known = set(artifact_types)
    reference = [[span for span in item.annotations if span.artifact_type in known] for item in validation]
    events = event_counts(reference, found, artifact_types)
    alarms = false_alarms_per_hour(
        events.fp.sum(axis=1).tolist(),
        [item.duration_ms for item in validation],
        [not item.annotations for item in validation],
    )
    return {
        **f_scores(segment_counts(reference, found, artifact_types, segment_ms=segment_ms)).to_dict(),
        "segment_ms": segment_ms,
        "events": f_scores(events).to_dict(),
        "false_alarms_per_hour": alarms.clean_per_hour,
        "expected_calibration_error": expected_calibration_error(*judged_confidences(reference, found)),
    }
