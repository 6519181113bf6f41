from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.models.config import HEADS
from relaylib.models.heads import make_head
from relaylib.models.scoring import stored, stream_logits

DIM, TYPES = 6, 2


def random_head(kind):
    torch.manual_seed(1)
    head = make_head(kind, dim=DIM, n_types=TYPES, n_members=2)
    head.mean.copy_(torch.linspace(-1, 1, DIM))
    head.scale.copy_(torch.linspace(0.5, 2, DIM))
    return head


HEADS_BY_KIND = {kind: random_head(kind) for kind in HEADS}
ROWS = np.random.default_rng(0).standard_normal((300, DIM)).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(HEADS),
    n_frames=st.integers(1, 300),
    cuts=st.lists(st.integers(0, 300), max_size=12),
)
def test_cuts_do_not_show(kind, n_frames, cuts):
    """Pieces of any lengths, empty ones too, give the logits of the whole: as many, and the same."""
    rows = ROWS[:n_frames]
    edges = [0, *sorted(min(cut, n_frames) for cut in cuts), n_frames]
    head = HEADS_BY_KIND[kind]
    whole = stream_logits(head, [rows])
    assert whole.shape == (n_frames, TYPES)
    pieces = (rows[a:b] for a, b in pairwise(edges))
    np.testing.assert_allclose(stream_logits(head, pieces), whole, atol=1e-5)


def test_context_that_is_missing_is_the_mean_of_the_training_material():
    """A recording between frames that are exactly the mean scores as it does alone."""
    head = HEADS_BY_KIND["conv"]
    mean = np.tile(head.mean.numpy(), (head.halo, 1))
    inside = stream_logits(head, [np.concatenate([mean, ROWS[:40], mean])])[head.halo : -head.halo]
    np.testing.assert_allclose(inside, stream_logits(head, [ROWS[:40]]), atol=2e-2)  # the mean is stored in half


@pytest.mark.parametrize("kind", HEADS)
def test_training_mode_is_put_aside_and_given_back(kind):
    """Scores never have dropout in them."""
    head = random_head(kind)
    head.train()
    once, again = stream_logits(head, [ROWS]), stream_logits(head, [ROWS])
    np.testing.assert_array_equal(once, again)
    assert head.training
    np.testing.assert_array_equal(once, stream_logits(head.eval(), [ROWS]))
    assert not head.training


def test_no_pieces_give_no_logits():
    assert len(stream_logits(HEADS_BY_KIND["conv"], [])) == 0
    assert len(stream_logits(HEADS_BY_KIND["conv"], [ROWS[:0], ROWS[:0]])) == 0


def test_stored_embeddings_are_cut_off_at_what_half_precision_holds():
    rows = stored(np.array([[1e9, -1e9, 0.1, 65504.0]], np.float32))
    assert rows.dtype == np.float16
    assert np.isfinite(rows).all()
    assert rows[0, 0] == 65504
    assert rows[0, 2] == np.float16(0.1)
