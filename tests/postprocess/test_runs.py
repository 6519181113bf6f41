from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relaylib.postprocess.runs import active_runs, merge_groups, run_maxima, runs_of


def listed(runs):
    starts, ends = runs
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def test_runs_reach_both_edges():
    active = np.array([1, 1, 0, 1, 0, 0, 1], bool)
    assert listed(active_runs(active)) == [(0, 2), (3, 4), (6, 7)]


def test_all_or_nothing_is_one_run_or_none():
    assert listed(active_runs(np.ones(3, bool))) == [(0, 3)]
    assert listed(active_runs(np.zeros(3, bool))) == []
    assert listed(active_runs(np.zeros(0, bool))) == []


@given(st.lists(st.booleans(), max_size=40))
def test_runs_paint_the_frames_they_came_from(frames):
    """Painting the runs gives the frames back, and no two runs touch."""
    runs = listed(active_runs(np.array(frames, bool)))
    painted = [False] * len(frames)
    for start, end in runs:
        assert start < end
        painted[start:end] = [True] * (end - start)
    assert painted == frames
    assert all(end < start for (_, end), (start, _) in pairwise(runs))


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 4))
def test_runs_of_numbers_are_those_of_the_frames_they_name(frames, max_gap):
    """With small gaps in them, they are those that are made one."""
    starts, ends = active_runs(np.array(frames, bool))
    opens, closes = merge_groups(starts, ends, max_gap)
    assert listed(runs_of(np.flatnonzero(frames), max_gap)) == listed((starts[opens], ends[closes]))


def test_gaps_up_to_the_window_chain():
    """Gaps of 2, 3 and 1: a window of 2 leaves the middle one open."""
    starts, ends = np.array([0, 4, 9, 12]), np.array([2, 6, 11, 13])
    opens, closes = merge_groups(starts, ends, 2)
    assert list(zip(starts[opens], ends[closes], strict=True)) == [(0, 6), (9, 13)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.data())
def test_maxima_are_those_of_the_slices(values, data):
    """Runs that touch each other or the end included."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(values)), max_size=8)))
    runs = list(zip(cuts[::2], cuts[1::2], strict=False))
    starts, ends = np.array([s for s, _ in runs], int), np.array([e for _, e in runs], int)
    assert run_maxima(np.array(values), starts, ends).tolist() == [max(values[s:e]) for s, e in runs]
