"""The positional convolution is torch's grouped one, whatever the kernel, the groups and the length."""

from types import SimpleNamespace

import pytest
import torch

from relaylib.models.fast.positional import PositionalConvolution


@pytest.mark.parametrize(("width", "groups", "kernel"), [(256, 16, 128), (48, 4, 19), (24, 12, 7), (400, 2, 32)])
@pytest.mark.parametrize("n_frames", [1, 2, 13, 64, 151])
def test_it_is_torchs_convolution_with_gelu(width, groups, kernel, n_frames):
    torch.manual_seed(0)
    weight, bias = torch.randn(width, width // groups, kernel) / kernel, torch.randn(width)
    hidden = torch.randn(n_frames, width)
    convolution = SimpleNamespace(weight=weight, bias=bias, groups=groups, kernel_size=(kernel,))
    moved = torch.nn.functional.conv1d(hidden.t()[None], weight, bias, padding=kernel // 2, groups=groups)
    wanted = torch.nn.functional.gelu(moved)[0, :, :n_frames].t()
    found = PositionalConvolution(convolution, torch.float32)(hidden)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    lowered = PositionalConvolution(convolution, torch.bfloat16)(hidden)
    torch.testing.assert_close(lowered.float(), wanted, atol=0.03, rtol=0.03)
