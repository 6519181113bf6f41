import numpy as np
import pytest
from scipy.signal import lfilter

from relaylib.postprocess.levels import LevelMeter, power_of


def levels_of(samples, cuts=()):
    meter = LevelMeter()
    for block in np.split(samples.astype(np.float32), cuts):
        meter.add(block)
    return meter.levels()


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def samples(rng):
    return rng.standard_normal(1003) * np.linspace(1e-4, 1.0, 1003)


def half_decibels(samples):
    return 2 * (10 * np.log10((samples[: 62 * 16].reshape(62, 16) ** 2).mean(axis=1)) + 109)


def test_levels_are_power_and_that_of_the_third_difference_in_half_decibels(samples):
    levels = levels_of(samples)
    assert np.abs(levels.power - half_decibels(samples)).max() <= 0.51
    assert np.abs(levels.detail - half_decibels(lfilter([1, -3, 3, -1], [1], samples))).max() <= 0.51


def test_levels_stand_for_powers(samples):
    """To half a step, which is a quarter of a dB."""
    found = 10 * np.log10(power_of(levels_of(samples).power))
    expected = half_decibels(samples) / 2 - 109
    assert np.abs(found - expected).max() <= 0.26


@pytest.mark.parametrize("cuts", [(1,), (7, 8, 9, 500), (16, 32, 999), tuple(range(0, 1000, 3))])
def test_blocks_of_any_sizes_give_the_same_levels(samples, cuts):
    whole, parts = levels_of(samples), levels_of(samples, cuts)
    np.testing.assert_array_equal(parts.power, whole.power)
    np.testing.assert_array_equal(parts.detail, whole.detail)


def test_silence_and_the_loudest_there_is_have_levels():
    silent, loud, short = levels_of(np.zeros(32)), levels_of(np.tile([1.0, -1.0], 64)), levels_of(np.zeros(15))
    assert (silent.power.tolist(), silent.detail.tolist()) == ([0, 0], [0, 0])
    assert loud.power[-1] == 218
    assert loud.detail[-1] == pytest.approx(2 * (109 + 10 * np.log10(64)), abs=1)
    assert (short.power.tolist(), short.detail.tolist()) == ([], [])
