import numpy as np
import pytest

from relaylib.models.calibration import TEMPERATURES, calibrated, fit_temperature
from relaylib.models.held_out import Labelled
from relaylib.models.operating_point import OperatingPoint, apply_points
from relaylib.types import Annotation


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_of_what_was_drawn_is_found(temperature):
    """Scores whose distance from 0.5 is so many times what the outcomes say."""
    rng = np.random.default_rng(1)
    distance = rng.uniform(-4, 8, 20_000) * temperature
    correct = rng.random(20_000) < 1 / (1 + np.exp(-distance / temperature))
    found = fit_temperature((1 / (1 + np.exp(-distance))).tolist(), correct.tolist())
    nearest = TEMPERATURES[np.abs(np.log(TEMPERATURES / temperature)).argmin()]
    assert abs(np.log(found / nearest)) < 0.4  # a step or two of the grid


def test_a_handful_of_detections_changes_nothing():
    assert fit_temperature([0.99] * 19, [False] * 19) == 1.0
    assert fit_temperature([0.99] * 20, [False] * 20) == TEMPERATURES[-1]


def test_overconfident_points_are_cooled_and_one_half_stays_where_it_is():
    """Thirty loud detections of which every second is wrong."""
    logits = np.full((6000, 1), -8.0, np.float32)
    spans = []
    for k in range(30):
        logits[200 * k + 50 : 200 * k + 60] = 6.0
        if k % 2:
            spans.append(Annotation((200 * k + 50) * 20, (200 * k + 60) * 20, "echo"))
    item = Labelled(logits, tuple(spans), 120_000)
    (before,) = points = [OperatingPoint(1.0)]
    (after,) = calibrated(points, [item], ["echo"])
    assert after.temperature == TEMPERATURES[-1]
    assert after.logit == before.logit
    at, loud = np.array([[1.0]], np.float32), np.array([[6.0]], np.float32)
    assert apply_points(at, [after])[0, 0] == 0.5
    assert 0.5 < apply_points(loud, [after])[0, 0] < apply_points(loud, [before])[0, 0]
