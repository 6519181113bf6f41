import pytest
import torch

from relaylib.models.fast.attention import Bias, attend, attend_by_products


def in_full(query, key, value, bias=None):
    """Return attention in float64, written out."""
    query, key, value = (rows.double() for rows in (query, key, value))
    scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
    if bias is not None:
        scores = scores + bias.gate.double() * bias.positions.double()
    weights = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return (weights / weights.sum(dim=-1, keepdim=True)) @ value


def drawn(n_frames, dim=64, n_heads=3, dtype=torch.bfloat16, common=0.0):
    """Return query, key and value; `common` is added to all keys."""
    made = torch.Generator().manual_seed(n_frames)
    query, key, value = torch.randn(3, n_heads, n_frames, dim, generator=made)
    return query.to(dtype), (key + common).to(dtype), value.to(dtype)


def bias(n_frames, n_heads=3):
    made = torch.Generator().manual_seed(0)
    gate, positions = (
        torch.rand(n_heads, n_frames, 1, generator=made),
        torch.randn(n_heads, n_frames, n_frames, generator=made),
    )
    return Bias(gate, 3 * positions)


@pytest.mark.parametrize("n_frames", [1, 7, 500, 1024, 1025, 2100])
def test_products_in_float32_are_exact(n_frames):
    given = drawn(n_frames, dtype=torch.float32)
    torch.testing.assert_close(attend_by_products(*given).double(), in_full(*given), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", [attend, attend_by_products])
@pytest.mark.parametrize("dim", [64, 80])
def test_either_kernel_gives_attention(kernel, dim):
    given = drawn(300, dim)
    torch.testing.assert_close(kernel(*given).double(), in_full(*given), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("kernel", [attend, attend_by_products])
def test_either_kernel_adds_the_bias(kernel):
    given = drawn(200)
    torch.testing.assert_close(kernel(*given, bias(200)).double(), in_full(*given, bias(200)), rtol=0.04, atol=0.04)


def test_what_all_keys_share_costs_no_precision():
    """Scores of some hundreds are rounded to whole numbers in bfloat16; their differences are what counts."""
    query, key, value = drawn(300, common=20.0)
    error = (attend_by_products(query, key, value).double() - in_full(query, key, value)).abs().mean()
    torch_error = torch.softmax(query @ key.transpose(1, 2) * 0.125, -1) @ value
    assert error < 0.2 * (torch_error.double() - in_full(query, key, value)).abs().mean()
