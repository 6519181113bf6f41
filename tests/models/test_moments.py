"""Statistics gathered block by block are those of the whole."""

import numpy as np
import pytest
import torch
from small_encoders import speechlike

from relaylib.models.first_block import RecordingNorm
from relaylib.models.moments import moments

KERNEL, STRIDE = 10, 5


def test_mean_and_variance_are_those_of_numpy(rng):
    samples = rng.standard_normal(200_003).astype(np.float32) * 0.1 + 0.02
    whole = moments([samples], KERNEL, STRIDE)
    assert whole.mean == pytest.approx(samples.astype(float).mean(), rel=1e-9)
    assert whole.variance == pytest.approx(samples.astype(float).var(), rel=1e-9)


@pytest.mark.parametrize("size", [1, 7, 4096, 65_536])
def test_blocks_do_not_change_a_bit(size):
    samples = speechlike(1 if size == 1 else 12)
    whole = moments([samples], KERNEL, STRIDE)
    parts = moments((samples[k : k + size] for k in range(0, len(samples), size)), KERNEL, STRIDE)
    assert (whole.mean, whole.variance) == (parts.mean, parts.variance)
    np.testing.assert_array_equal(whole.patch_covariance, parts.patch_covariance)


@pytest.mark.parametrize("n", [10, 14, 15, 65_536, 65_540, 150_001])
def test_of_a_convolution_they_are_what_torch_computes(rng, n):
    """Mean and variance over time of a strided convolution of shifted and scaled samples, with bias."""
    samples = rng.standard_normal(n).astype(np.float32)
    convolution = torch.nn.Conv1d(1, 6, KERNEL, STRIDE).double()
    with torch.no_grad():
        output = convolution(torch.from_numpy((samples.astype(float) - 0.3) * 2.5)[None, None])[0].numpy()
        kernels, bias = convolution.weight[:, 0].numpy(), convolution.bias.numpy()
    mean, variance = moments([samples], KERNEL, STRIDE).of_convolution(kernels, bias, offset=0.3, scale=2.5)
    np.testing.assert_allclose(mean, output.mean(1), atol=1e-9)
    np.testing.assert_allclose(variance, output.var(1), atol=1e-9)


def test_a_norm_that_is_given_its_own_statistics_changes_nothing():
    norm = torch.nn.GroupNorm(6, 6)
    torch.nn.init.normal_(norm.weight)
    block = torch.nn.Module()
    block.layer_norm = norm
    own = RecordingNorm.put_into(block)
    values = torch.randn(1, 6, 500)
    with torch.no_grad():
        expected = norm(values)
        torch.testing.assert_close(own(values), expected)
        moments = (values[0].mean(1).double().numpy(), values[0].var(1, correction=0).double().numpy())
        with own.given(*moments):
            torch.testing.assert_close(own(values), expected)
            torch.testing.assert_close(own(values[..., :100]), expected[..., :100])
        torch.testing.assert_close(own(values), expected)


def test_a_norm_over_channels_is_left_alone():
    block = torch.nn.Module()
    block.layer_norm = torch.nn.LayerNorm(6)
    assert RecordingNorm.put_into(block) is None
