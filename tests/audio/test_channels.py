from __future__ import annotations

import numpy as np
import pytest

from relaylib.audio import downmix
from relaylib.errors import ParameterError


@pytest.mark.parametrize("n_channels", [1, 2, 3, 6, 8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_channel_weighs_the_same(rng, n_channels, order):
    """Equal to NumPy's mean in double precision."""
    x = np.asarray(rng.standard_normal((1000, n_channels)), np.float32, order=order)
    y = downmix(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x.astype(np.float64).mean(axis=1), atol=1e-6)


def test_stereo_is_half_the_sum():
    np.testing.assert_array_equal(downmix(np.array([[1.0, 0.0], [-1.0, 0.5]])), [0.5, -0.25])


def test_mono_is_not_copied(rng):
    x = rng.standard_normal(10).astype(np.float32)
    assert downmix(x) is x
    assert np.shares_memory(downmix(x[:, None]), x)


def test_empty_stays_empty():
    assert downmix(np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize("shape", [(), (4, 0), (2, 2, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ParameterError, match="n_channels"):
        downmix(np.zeros(shape))


def test_integers_are_refused():
    with pytest.raises(ParameterError, match="scale them"):
        downmix(np.zeros((4, 2), np.int16))
