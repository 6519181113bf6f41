"""Windows cover a recording without gap or overlap of kept frames, and none is short of context."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_encoders import PlaceholderEncoder

from relaylib.errors import ParameterError
from relaylib.models.windows import windows
from relaylib.types import HOP

ENCODER = PlaceholderEncoder()  # 40 frames, of which 4 are cropped at each inner edge


def test_windows_of_a_recording_worked_by_hand():
    """84 frames: one whole window keeps 36; the 52 frames from 32 on are shared by two of (52 + 8) / 2 = 30."""
    cut = list(windows([np.arange(84 * HOP, dtype=np.float32)], ENCODER))
    assert [(w.samples[0] / HOP, len(w.samples) / HOP) for w in cut] == [(0, 40), (32, 30), (54, 30)]
    assert [(w.first, w.skip, w.n_frames) for w in cut] == [(0, 0, 36), (36, 4, 22), (58, 4, None)]


@given(n=st.integers(0, 400 * HOP))
@settings(max_examples=60, deadline=None)
def test_kept_frames_follow_each_other_and_no_window_is_short(n):
    cut = list(windows([np.arange(n, dtype=np.float32)], ENCODER))
    assert [w.first for w in cut[1:]] == [w.first + w.n_frames for w in cut[:-1]]
    for window in cut:
        assert window.samples[0] == (window.first - window.skip) * HOP
        assert len(window.samples) <= ENCODER.window
        if len(cut) > 1:
            assert len(window.samples) > ENCODER.window / 2 + ENCODER.context - HOP
    if n:
        assert cut[-1].n_frames is None
        assert cut[-1].samples[-1] == n - 1


def test_a_recording_of_exactly_one_window_is_one_window():
    assert len(list(windows([np.zeros(ENCODER.window, np.float32)], ENCODER))) == 1
    assert len(list(windows([np.zeros(ENCODER.window + 1, np.float32)], ENCODER))) == 2


@pytest.mark.parametrize("wrong", [{"window": 1000}, {"context": 100}, {"context": 20 * HOP}, {"context": -HOP}])
def test_windows_that_do_not_fit_the_hop_are_refused(wrong):
    encoder = PlaceholderEncoder(**wrong)
    with pytest.raises(ParameterError, match="need multiples of hop"):
        list(windows([], encoder))
