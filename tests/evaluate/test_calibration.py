import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from relaylib.errors import ParameterError
from relaylib.evaluate import expected_calibration_error, judged_confidences
from relaylib.types import Annotation, Detection


def test_by_hand():
    """Three at 0.9, two of them right, and one at 0.2 that is wrong: 3/4 x |0.9 - 2/3| + 1/4 x 0.2."""
    error = expected_calibration_error([0.9, 0.9, 0.9, 0.2], [True, True, False, False])
    assert error == pytest.approx(0.75 * (0.9 - 2 / 3) + 0.25 * 0.2)


def test_it_is_the_distance_of_scikit_learns_calibration_curve():
    rng = np.random.default_rng(0)
    confidences = rng.random(500)
    correct = rng.random(500) < confidences**2
    right, said = calibration_curve(correct, confidences, n_bins=10)
    share = np.histogram(confidences, bins=10, range=(0, 1))[0] / 500
    assert expected_calibration_error(confidences, correct) == pytest.approx((share * np.abs(right - said)).sum())


def test_certainty_belongs_to_the_last_bin_and_no_detection_has_no_error():
    assert expected_calibration_error([1.0, 1.0], [True, True]) == 0.0
    assert expected_calibration_error([], []) is None


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="2 confidences and 1 outcomes"):
        expected_calibration_error([0.1, 0.2], [True])
    with pytest.raises(ParameterError, match=r"need 0\.\.1"):
        expected_calibration_error([1.5], [True])


def test_a_detection_is_right_where_it_matches_an_event():
    """The first hits; the second is of another type, the third too far off; the other file has nothing marked."""
    reference = [[Annotation(1000, 2000, "echo"), Annotation(5000, 6000, "echo")], []]
    found = [
        [Detection(1100, 2000, "echo", 0.9), Detection(1100, 2000, "click", 0.8), Detection(5500, 6000, "echo", 0.7)],
        [Detection(0, 100, "echo", 0.6)],
    ]
    assert judged_confidences(reference, found) == ([0.9, 0.8, 0.7, 0.6], [True, False, False, False])


def test_a_detection_of_another_type_is_not_right():
    """Not even where nothing else is found: as in an evaluation, events are matched type by type."""
    reference = [[Annotation(1000, 2000, "echo")]]
    assert judged_confidences(reference, [[Detection(1000, 2000, "click", 0.8)]]) == ([0.8], [False])
