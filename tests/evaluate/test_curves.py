from __future__ import annotations

import numpy as np
import pytest

from relaylib.evaluate import curve_from_confidences, curve_from_scores
from relaylib.evaluate.charts import Line, line_chart
from relaylib.types import Annotation, DecodeConfig, Detection, Scores


def test_hand_worked_confidences():
    """At 0.5 both detections stay, at 0.8 only the right one, at 0.95 none."""
    reference = [[Annotation(0, 500, "echo")]]
    found = [[Detection(0, 500, "echo", 0.9), Detection(5000, 5500, "echo", 0.6)]]
    curve = curve_from_confidences(reference, found, ["echo"], thresholds=[0.5, 0.8, 0.95], duration_ms=1_800_000)
    assert curve.precision.tolist() == [1 / 2, 1, 0]
    assert curve.recall.tolist() == [1, 1, 0]
    assert curve.f1.tolist() == [pytest.approx(2 / 3), 1, 0]
    assert curve.per_hour.tolist() == [2, 0, 0]


def test_scores_are_decoded_at_each_threshold():
    """Two peaks of 0.6 round a valley of 0.4: one long span below 0.4, two short ones above; others are ignored."""
    values = np.zeros((200, 2), dtype=np.float32)
    values[50:150, 0], values[80:120, 0] = 0.6, 0.4
    values[:, 1] = 0.9
    scores = [Scores(values, ("echo", "hum"), 4000)]
    reference = [[Annotation(1000, 3000, "echo")]]
    curve = curve_from_scores(reference, scores, ["echo"], thresholds=[0.3, 0.5, 0.7])
    assert curve.f1.tolist() == [1, 0, 0]
    assert curve.per_hour.tolist() == pytest.approx([0, 2 / (4 / 3600), 0])
    hysteresis = DecodeConfig(threshold=0.5, low_threshold=0.3)
    assert curve_from_scores(reference, scores, ["echo"], thresholds=[0.5], decode_config=hysteresis).f1.tolist() == [1]


def test_charts_break_lines_at_nan_and_escape_names():
    svg = line_chart(
        [Line("<b>", "red", np.array([0.0, 0.5, 1.0]), np.array([0.0, np.nan, 1.0]))],
        x_label="x",
        y_label="y",
        title="t",
    )
    assert svg.count("M", svg.index('class="line"'), svg.index('stroke="red"')) == 2
    assert "&lt;b&gt;" in svg
    assert "<b>" not in svg


def test_charts_of_nothing_say_so():
    assert "nothing to draw" in line_chart([], x_label="x", y_label="y", title="t")


def test_log_axis_takes_zero_to_the_left_edge():
    svg = line_chart(
        [Line("a", "red", np.array([0.0, 10.0, 100.0]), np.array([0.0, 0.5, 1.0]))],
        x_label="x", y_label="y", title="t", x_log=True,
    )  # fmt: skip
    assert "nan" not in svg
    assert "inf" not in svg
