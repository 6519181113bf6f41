import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relaylib.errors import ParameterError
from relaylib.postprocess.sebb import bounding_boxes, box_scores

CASES = json.loads((Path(__file__).parent / "data" / "sebb.json").read_text())

curves = st.integers(0, 80).flatmap(
    lambda n: arrays(np.float64, n, elements=st.integers(0, 20).map(lambda value: value / 20))
)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_boxes_are_those_of_the_authors_package(case):
    starts, ends, confidences = bounding_boxes(
        np.array(case["scores"]), case["half_step"], merge_ratio=case["merge_ratio"]
    )
    assert starts.tolist() == case["starts"]
    assert ends.tolist() == case["ends"]
    np.testing.assert_allclose(confidences, case["confidences"], atol=2e-4)


def test_a_plateau_by_hand():
    """Rises at frame 3 and falls at 7: its mean is its confidence; what is beside it does not widen it."""
    scores = np.array([0, 0, 0.1, 0.8, 0.9, 0.9, 0.7, 0.1, 0, 0])
    starts, ends, confidences = bounding_boxes(scores, 2)
    assert (starts.tolist(), ends.tolist()) == ([3], [7])
    assert confidences[0] == pytest.approx(0.825)


@pytest.mark.parametrize(("dip", "n"), [(0.5, 1), (0.1, 2)])
def test_a_shallow_dip_does_not_part_an_event(dip, n):
    """Peaks of 0.8 beside a dip of 0.5 are one event, as 0.8 is less than twice 0.5."""
    scores = np.repeat([0.0, 0.8, dip, 0.8, 0.0], 6)
    assert (bounding_boxes(scores, 2)[2] >= 0.5).sum() == n


@given(curves, st.integers(1, 20))
def test_boxes_lie_in_order_inside_the_recording_and_conserve_means(scores, half_step):
    starts, ends, confidences = bounding_boxes(scores, half_step)
    assert (ends > starts).all()
    assert (starts[1:] >= ends[:-1]).all()
    assert (ends <= len(scores)).all()
    assert bool(len(starts)) == (scores.max(initial=0.0) > 0)
    for start, end, confidence in zip(starts, ends, confidences, strict=True):
        assert confidence == pytest.approx(scores[start:end].mean(), abs=1e-9)


@given(curves, st.integers(1, 20), st.floats(0.05, 0.95))
def test_any_threshold_takes_or_leaves_whole_boxes(scores, half_step, threshold):
    painted = box_scores(scores[:, None], [half_step])[:, 0]
    expected = np.zeros(len(scores), bool)
    for start, end, confidence in zip(*bounding_boxes(scores, half_step), strict=True):
        expected[start:end] = confidence >= threshold
    np.testing.assert_array_equal(painted >= threshold, expected)


def test_columns_have_steps_of_their_own_and_zero_leaves_one_alone():
    values = np.random.default_rng(0).random((50, 2))
    made = box_scores(values, [0, 4])
    np.testing.assert_array_equal(made[:, 0], values[:, 0])
    np.testing.assert_array_equal(made[:, 1], box_scores(values[:, 1:], [4])[:, 0])
    assert len(np.unique(made[:, 1])) < 25


def test_what_cannot_be_is_refused():
    with pytest.raises(ParameterError, match="half_step=0"):
        bounding_boxes(np.ones(4), 0)
    with pytest.raises(ParameterError, match=r"\(n_frames, 1\)"):
        box_scores(np.ones((4, 2)), [1])
