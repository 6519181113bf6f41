import numpy as np
import pytest
import torch

from relaylib.errors import ParameterError
from relaylib.models.config import HEADS
from relaylib.models.heads import between, make_head

DIM, TYPES = 12, 3


def random_head(kind, **options):
    torch.manual_seed(3)
    head = make_head(kind, **{"dim": DIM, "n_types": TYPES, **options}).eval()
    with torch.no_grad():  # biases and mixes start at zero, where mistakes would not show
        for parameter in head.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return head


def logits(head, rows):
    """Return logits [shape=(n_frames, n_types)] of rows [shape=(n_frames + 2 * halo, dim)]."""
    with torch.inference_mode():
        return head(torch.from_numpy(rows).T[None])[0].T.numpy()


@pytest.fixture
def rows(rng):
    return rng.standard_normal((400, DIM)).astype(np.float32)


@pytest.mark.parametrize("kind", HEADS)
def test_a_crop_with_its_halo_gives_the_logits_of_the_whole(kind, rows):
    """The output is as long as the input without the halo, and does not depend on what lies outside."""
    head = random_head(kind, n_members=2)
    whole = logits(head, rows)
    assert whole.shape == (400 - 2 * head.halo, TYPES)
    for start, n_frames in ((0, 25), (50, 1), (len(whole) - 7, 7)):
        crop = logits(head, rows[start : start + n_frames + 2 * head.halo])
        np.testing.assert_allclose(crop, whole[start : start + n_frames], atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize("kind", HEADS)
def test_the_halo_is_as_wide_as_the_context_and_no_wider(kind, rows):
    """A change at either end of the halo moves the logit in the middle."""
    head = random_head(kind)
    middle = rows[: 2 * head.halo + 1]
    before = logits(head, middle)
    for end in (0, -1):
        changed = middle.copy()
        changed[end] += 50.0
        assert np.abs(logits(head, changed) - before).max() > 1e-6


def test_the_default_head_hears_seconds_of_context():
    assert 2 * make_head("conv", dim=DIM, n_types=TYPES).halo * 0.02 >= 2.0


def test_standardising_takes_mean_and_scale_and_cuts_off():
    head = make_head("linear", dim=2, n_types=1)
    head.mean.copy_(torch.tensor([1.0, -1.0]))
    head.scale.copy_(torch.tensor([2.0, 0.0]))
    out = head.standardise(torch.tensor([[2.0, 5.0], [-1e6, -1e6]]))
    assert out[0].tolist() == [2.0, 0.0]
    assert -10 <= out[1, 0] < -5
    assert out[1, 1] == 0


@pytest.mark.parametrize("kind", HEADS)
def test_members_are_averaged(kind, rows):
    """The ensemble's logit is the mean of its members', each taken alone."""
    head = random_head(kind, n_members=3)
    together = logits(head, rows)
    with torch.inference_mode():
        alone = [member(torch.from_numpy(rows).T[None])[0].T.numpy() for member in head.members]
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-5)
    assert np.abs(alone[0] - alone[1]).max() > 1e-3


@pytest.mark.parametrize("kind", HEADS)
def test_a_mix_that_has_settled_on_a_layer_gives_that_layers_logits(kind, rows):
    """With all weight on layer 1 of 3, what the other layers hold does not matter; evenly mixed, it does."""
    head = random_head(kind, n_layers=3)
    changed = rows.copy()
    changed[:, :4], changed[:, 8:] = 3.0, -2.0  # layers 0 and 2
    assert np.abs(logits(head, rows) - logits(head, changed)).max() > 1e-3
    with torch.no_grad():
        head.members[0].mix.copy_(torch.tensor([-100.0, 100.0, -100.0]))
    np.testing.assert_allclose(logits(head, rows), logits(head, changed), atol=1e-5)


def test_the_mix_is_learned():
    head = random_head("conv", n_layers=3).train()
    head(torch.randn(1, DIM, 2 * head.halo + 9)).square().sum().backward()
    assert head.members[0].mix.grad.abs().max() > 0


def test_unknown_kinds_and_uneven_layers_are_refused():
    with pytest.raises(ParameterError, match="'tree' is unknown; known are linear, mlp, conv"):
        make_head("tree", dim=DIM, n_types=TYPES)
    with pytest.raises(ParameterError, match="dim=12 is not a multiple of n_layers=5"):
        make_head("conv", dim=DIM, n_types=TYPES, n_layers=5)


def test_between_two_linear_heads_lie_the_logits_between_theirs(rows):
    """Logits are linear in the weights there."""
    start, end = random_head("linear"), make_head("linear", dim=DIM, n_types=TYPES).eval()
    expected = 0.25 * logits(start, rows) + 0.75 * logits(end, rows)
    np.testing.assert_allclose(logits(between(start, end, 0.75), rows), expected, atol=1e-5)


@pytest.mark.parametrize(("share", "which"), [(0.0, 0), (1.0, 1)])
def test_the_ends_of_the_way_are_the_heads_themselves(share, which, rows):
    ends = random_head("conv", n_members=2), make_head("conv", dim=DIM, n_types=TYPES, n_members=2).eval()
    before = [logits(head, rows) for head in ends]
    np.testing.assert_array_equal(logits(between(*ends, share), rows), before[which])
    np.testing.assert_array_equal([logits(head, rows) for head in ends], before)
