import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.models.crops import CropBank, embedding_statistics
from relaylib.models.targets import Targets


def bank_of(lengths, crop, stride, halo):
    """Return a bank whose rows are numbered from 1, labels likewise, with a weight of 1 throughout."""
    ends = np.cumsum(lengths)
    numbers = [np.arange(end - n + 1, end + 1, dtype=np.float32)[:, None] for end, n in zip(ends, lengths, strict=True)]
    targets = [Targets(rows, np.ones_like(rows)) for rows in numbers]
    return CropBank(numbers, targets, crop=crop, stride=stride, halo=halo)


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 120), min_size=1, max_size=5).filter(any),
    crop=st.integers(1, 20),
    stride=st.integers(1, 20),
    halo=st.integers(0, 9),
    batch_size=st.sampled_from([8, 20, 64]),
    seed=st.integers(0, 3),
)
def test_every_frame_of_every_recording_bears_loss_in_every_epoch(lengths, crop, stride, halo, batch_size, seed):
    """Frames outside of recordings weigh nothing; inputs, labels and weights of a frame belong together."""
    stride = min(stride, crop)
    bank = bank_of(lengths, crop, stride, halo)
    rng = np.random.default_rng(seed)
    for _ in range(2):
        heard = np.zeros(sum(lengths) + 1)
        n_batches = 0
        for batch in bank.batches(batch_size, rng):
            n_batches += 1
            n = batch.labels.shape[2]
            assert batch.inputs.shape == (len(batch.labels), 1, n + 2 * halo)
            middle = batch.inputs[:, :, halo : halo + n]
            torch.testing.assert_close(middle, batch.labels)
            assert (batch.weights[batch.labels == 0] == 0).all()
            np.add.at(heard, batch.labels.numpy().astype(int).ravel(), batch.weights.numpy().ravel())
        assert (heard[1:] >= 1).all()
        # how often a frame counts is how many crops it is in: as many as strides fit into a crop, or one less
        assert heard[1:].max() <= -(-crop // stride)
        # batches differ from the count only by the shifted grids
        assert bank.n_batches(batch_size) <= n_batches <= bank.n_batches(batch_size) + len(lengths)


def test_the_halo_is_the_recording_itself_and_zeros_beyond_it():
    """No context leaks from one recording into the next."""
    bank = bank_of([30, 40], crop=4, stride=4, halo=6)
    for batch in bank.batches(8, np.random.default_rng(0)):
        for row in batch.inputs[:, 0].numpy():
            inside = row[row > 0]
            assert (np.diff(inside) == 1).all()
            assert inside.max() <= 30 or inside.min() > 30
            first = np.flatnonzero(row)[0]
            np.testing.assert_array_equal(row[first : first + len(inside)], inside)
            # a strip that begins behind the first frame brings the frames before it
            if first > 0:
                assert inside[0] in (1, 31)


def test_the_grid_is_shifted_anew_in_each_epoch_and_given_by_the_seed():
    bank = bank_of([200], crop=5, stride=5, halo=0)

    def epoch(rng):
        return [batch.labels.numpy().tobytes() for batch in bank.batches(8, rng)]

    rng = np.random.default_rng(1)
    first, second = epoch(rng), epoch(rng)
    assert first != second
    assert first == epoch(np.random.default_rng(1))


def test_weights_of_annotations_reach_the_batches():
    rows = np.ones((40, 1), np.float32)
    weights = np.ones((40, 1), np.float32)
    weights[10:20] = 0.25
    weights[30:] = 0.0
    bank = CropBank([rows], [Targets(rows, weights)], crop=10, stride=10, halo=0)
    total = sum(float(batch.weights.sum()) for batch in bank.batches(8, np.random.default_rng(0)))
    assert total == pytest.approx(20 + 10 * 0.25)


def test_statistics_are_those_of_all_frames_together(rng):
    parts = [rng.normal(3, 2, (50, 4)).astype(np.float16), rng.normal(-1, 5, (500, 4)).astype(np.float16)]
    mean, scale = embedding_statistics(parts)
    together = np.concatenate(parts).astype(np.float64)
    np.testing.assert_allclose(mean, together.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scale, 1 / together.std(axis=0), rtol=1e-5)


def test_a_column_that_never_moves_is_switched_off(rng):
    rows = rng.standard_normal((50, 2))
    rows[:, 1] = 1000.0
    _, scale = embedding_statistics([rows])
    assert scale[1] == 0
    assert scale[0] > 0
