"""The positional convolution is torch's grouped one, whatever the kernel, the groups and the length."""

from types import SimpleNamespace
from unittest import mock

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
    for amx in (True, False):  # what is done on either processor, done on this one
        with mock.patch("relaylib.models.fast.positional.has_amx", return_value=amx):
            lowered = PositionalConvolution(convolution, torch.bfloat16)(hidden)
        torch.testing.assert_close(lowered.float(), wanted, atol=0.03, rtol=0.03)


@pytest.mark.parametrize("n_frames", [1, 100, 129, 130, 500])
def test_it_is_the_same_on_any_number_of_cores(n_frames):
    torch.manual_seed(0)
    place = PositionalConvolution(torch.nn.Conv1d(256, 256, 128, padding=64, groups=16), torch.float32)
    hidden, found, n_threads = torch.randn(n_frames, 256), [], torch.get_num_threads()
    try:
        for n in (1, 2, 3, 4):
            torch.set_num_threads(n)
            found.append(place(hidden))
    finally:
        torch.set_num_threads(n_threads)
    assert all(torch.equal(found[0], other) for other in found)
