from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relaylib.errors import ParameterError
from relaylib.widgets.sound.pyramid import MAX_LEVEL, Pyramid


def built(*blocks):
    pyramid = Pyramid()
    for block in blocks:
        pyramid.append(np.asarray(block, np.int16))
    return pyramid


def by_hand(samples, level, first, n_columns):
    """Return the peaks of each column in turn, as fractions of full scale rounded outwards."""
    step = 64 * 2**level
    peaks = []
    for column in range(first, first + n_columns):
        piece = [int(x) for x in samples[column * step : (column + 1) * step]] or [0]
        peaks.append([int(np.floor(min(piece) * 127 / 32768)), int(np.ceil(max(piece) * 127 / 32768))])
    return peaks


@given(
    st.lists(arrays(np.int16, st.integers(0, 700)), max_size=4),
    st.integers(0, 5),
    st.integers(0, 10),
    st.integers(0, 40),
)
def test_peaks_are_the_extremes_of_their_column(blocks, level, first, n_columns):
    """However the samples came in, with a last column that is not full, and beyond the end."""
    joined = np.concatenate([np.empty(0, np.int16), *blocks])
    assert built(*blocks).peaks(level, first, n_columns).tolist() == by_hand(joined, level, first, n_columns)


@pytest.mark.parametrize("level", range(MAX_LEVEL + 1))
@pytest.mark.parametrize("click", [32767, -32768])
def test_a_click_of_one_sample_has_full_height_at_every_level(level, click):
    """In half a minute of silence, near its end."""
    samples = np.zeros(30 * 16_000, np.int16)
    samples[29 * 16_000 + 321] = click
    pyramid = built(*np.split(samples, 60))
    column = (29 * 16_000 + 321) // (64 * 2**level)
    peaks = pyramid.peaks(level, 0, column + 2)
    assert np.abs(peaks).max(axis=1).nonzero()[0].tolist() == [column]
    assert np.abs(peaks[column]).max() == 127


def test_the_least_sound_is_not_drawn_as_silence():
    """A column of zeros is flat, one with a single step of 16 bits is not."""
    assert built([0] * 64 + [1] + [0] * 63 + [-1]).peaks(0, 0, 3).tolist() == [[0, 0], [0, 1], [-1, 0]]


@pytest.mark.parametrize("level", [-1, MAX_LEVEL + 1])
def test_a_level_that_there_is_not_is_refused(level):
    with pytest.raises(ParameterError, match=f"level={level}: need 0 <= level <= 20"):
        built([1]).peaks(level, 0, 1)
