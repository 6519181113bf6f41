import json

import numpy as np
import pytest

from relaylib.models.held_out import Labelled
from relaylib.models.metrics import validation_metrics
from relaylib.models.operating_point import OperatingPoint
from relaylib.types import Annotation

POINTS = [OperatingPoint(), OperatingPoint()]


def labelled(found, annotations, seconds=10):
    """Return a recording in which (start_ms, end_ms, column) are `found` with certainty."""
    logits = np.full((seconds * 50, 2), -9.0, np.float32)
    for start, end, column in found:
        logits[start // 20 : end // 20, column] = 9.0
    return Labelled(logits, tuple(annotations), seconds * 1000)


def test_metrics_worked_by_hand():
    """One hit, one miss and one false alarm of echo; a hit of click.

    Slices of 1 s: echo is in slices 1 and 5, found in 1 and 8; click is in 3, found in 3.
    """
    item = labelled(
        [(1000, 1500, 0), (8000, 8500, 0), (3000, 3200, 1)],
        [Annotation(1000, 1500, "echo"), Annotation(5000, 5500, "echo"), Annotation(3000, 3200, "click")],
    )
    metrics = validation_metrics([item], ["echo", "click"], POINTS, segment_ms=1000)
    for block in (metrics, metrics["events"]):
        assert block["per_class"]["echo"] == {"precision": 0.5, "recall": 0.5, "f1_score": 0.5, "support": 2}
        assert block["per_class"]["click"] == {"precision": 1.0, "recall": 1.0, "f1_score": 1.0, "support": 1}
        assert block["f1_score"] == pytest.approx(0.75)
    assert metrics["segment_ms"] == 1000
    assert metrics["false_alarms_per_hour"] is None  # nothing of it is clean


def test_perfect_detections_score_one():
    spans = [Annotation(1000, 1500, "echo"), Annotation(3000, 3200, "click")]
    item = labelled([(1000, 1500, 0), (3000, 3200, 1)], spans)
    metrics = validation_metrics([item, labelled([], [])], ["echo", "click"], POINTS, segment_ms=500)
    assert metrics["precision"] == metrics["recall"] == metrics["f1_score"] == 1.0
    assert metrics["events"]["f1_score"] == 1.0
    assert metrics["false_alarms_per_hour"] == 0.0


def test_false_alarms_are_counted_per_hour_of_clean_audio():
    """Two in 10 s of clean audio are 720 an hour; those beside annotations do not count here."""
    flawed = labelled([(8000, 8500, 0)], [Annotation(1000, 1500, "echo")])
    clean = labelled([(1000, 1500, 0), (5000, 5500, 1)], [])
    metrics = validation_metrics([flawed, clean], ["echo", "click"], POINTS, segment_ms=500)
    assert metrics["false_alarms_per_hour"] == pytest.approx(720)


def test_a_type_without_events_has_zeros_and_nothing_is_nan():
    """Also where nothing at all was found or marked."""
    for item in (labelled([], [Annotation(0, 500, "echo")]), labelled([], [])):
        metrics = validation_metrics([item], ["echo", "click"], POINTS, segment_ms=500)
        json.dumps(metrics, allow_nan=False)
        for block in (metrics, metrics["events"]):
            assert block["per_class"]["click"] == {"precision": 0.0, "recall": 0.0, "f1_score": 0.0, "support": 0}


def test_annotations_of_other_types_are_no_misses():
    item = labelled([(1000, 1500, 0)], [Annotation(1000, 1500, "echo"), Annotation(5000, 5500, "hiss")])
    metrics = validation_metrics([item], ["echo", "click"], POINTS, segment_ms=500)
    assert metrics["events"]["per_class"]["echo"]["recall"] == 1.0
    assert set(metrics["per_class"]) == {"echo", "click"}
