import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from relaylib.errors import ParameterError
from relaylib.postprocess.runs import active_runs
from relaylib.postprocess.smooth import open_scores, spread_scores

CURVES = hnp.arrays(np.int8, st.integers(1, 50), elements=st.integers(0, 8)).map(
    lambda levels: (levels / 8).astype(np.float32)[:, None]
)
THRESHOLDS = st.integers(0, 8).map(lambda n: n / 8)


def runs_by_loop(active):
    """Return the runs of true frames as (start, end)."""
    runs, start = [], None
    for i, on in enumerate([*active, False]):
        if on and start is None:
            start = i
        elif not on and start is not None:
            runs.append((start, i))
            start = None
    return runs


@given(CURVES, st.integers(1, 7), THRESHOLDS)
def test_opening_removes_the_narrow_runs_at_every_threshold(curve, width, threshold):
    """Opening then threshold equals threshold then dropping the runs that are narrower and touch no end."""
    expected = np.zeros(len(curve), bool)
    for start, end in runs_by_loop(curve[:, 0] >= threshold):
        expected[start:end] = end - start >= width or start == 0 or end == len(curve)
    np.testing.assert_array_equal(open_scores(curve, [width])[:, 0] >= threshold, expected)


@given(CURVES, st.integers(0, 4), THRESHOLDS)
def test_spreading_widens_every_run_by_its_reach(curve, reach, threshold):
    """A frame is at or above a threshold afterwards if one within reach was before."""
    active = curve[:, 0] >= threshold
    expected = [any(active[max(0, i - reach) : i + reach + 1]) for i in range(len(active))]
    np.testing.assert_array_equal(spread_scores(curve, [reach])[:, 0] >= threshold, expected)


@given(CURVES, st.integers(1, 6), st.integers(0, 4))
def test_opening_never_raises_and_spreading_never_lowers(curve, width, reach):
    opened = open_scores(curve, [width])
    assert (opened <= curve).all()
    np.testing.assert_array_equal(open_scores(opened, [width]), opened)  # a second time changes nothing
    assert (spread_scores(curve, [reach]) >= curve).all()


def test_a_click_of_one_frame_is_spread_to_three():
    curve = np.zeros((9, 1), np.float32)
    curve[4] = 0.75
    starts, ends = active_runs(spread_scores(curve, [1])[:, 0] >= 0.5)
    assert (starts.tolist(), ends.tolist()) == ([3], [6])


def test_columns_keep_to_themselves():
    """The neutral width and reach leave a column as it is, whatever the other ones get."""
    values = np.random.default_rng(0).random((40, 2), np.float32)
    np.testing.assert_array_equal(open_scores(values, [1, 5])[:, 0], values[:, 0])
    np.testing.assert_array_equal(spread_scores(values, [0, 5])[:, 0], values[:, 0])
    assert (open_scores(values, [1, 5])[:, 1] != values[:, 1]).any()


def test_filters_return_a_new_array():
    values = np.random.default_rng(0).random((40, 1), np.float32)
    before = values.copy()
    for made in (open_scores(values, [3]), spread_scores(values, [1]), open_scores(values, [1])):
        made[:] = -1
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("smooth", [open_scores, spread_scores])
def test_no_frames_stay_no_frames(smooth):
    assert smooth(np.zeros((0, 2), np.float32), [3, 1]).shape == (0, 2)


def test_widths_must_fit_the_columns_and_be_positive():
    values = np.zeros((5, 2), np.float32)
    with pytest.raises(ParameterError, match="a column for each"):
        open_scores(values, [1])
    with pytest.raises(ParameterError, match="at least 1"):
        open_scores(values, [1, 0])
    with pytest.raises(ParameterError, match="at least 1"):
        spread_scores(values, [0, -1])
