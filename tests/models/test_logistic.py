from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from relaylib.models import logistic
from relaylib.models.logistic import PENALTIES, FoldedFrames, fit_logistic

N, DIM, BOUNDS = 3000, 12, [0, 900, 2100, 3000]


@pytest.fixture
def frames():
    """Two types that depend on the embeddings, one rare; frames of unequal weight; columns of unequal variance."""
    rng = np.random.default_rng(0)
    rows = (rng.standard_normal((N, DIM)) @ np.diag(np.geomspace(0.05, 1.5, DIM))).astype(np.float16)
    logits = rows.astype(float) @ rng.standard_normal((DIM, 2)) + [-1.0, -4.0]
    labels = (rng.random((N, 2)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    weights = np.where(labels > 0, rng.choice([0.5, 1.0], (N, 2)), 1.0).astype(np.float32)
    return FoldedFrames(rows, labels, weights, BOUNDS, torch.tensor([[1.5, 5.0], [2.0, 6.0], [1.0, 4.0]]))


def passes(frames, n, *, judging=None):
    found = []
    fit_logistic(frames, judging or frames, n, lambda state: found.append(state) or True)
    return found


def test_every_classifier_comes_to_what_scikit_learn_finds(frames, monkeypatch):
    """With the penalty per frame of loss, the weights of frames and the weight of positives put into its terms."""
    monkeypatch.setattr(logistic, "_LEAST_GAIN", 1e-12)
    last = passes(frames, 200)[-1]
    rows = frames.rows.astype(np.float64)
    for fold, (start, end) in enumerate(pairwise(BOUNDS)):
        learned = np.r_[0:start, end:N]
        for column in range(2):
            labels, own = frames.labels[learned, column], frames.weights[learned, column]
            counts = own * np.where(labels > 0, float(frames.positive_weight[fold, column]), 1.0)
            for k, penalty in enumerate(PENALTIES):
                peer = LogisticRegression(C=frames.total_weight / penalty / own.sum(), tol=1e-10, max_iter=10_000)
                peer.fit(rows[learned], labels, sample_weight=counts)
                np.testing.assert_allclose(last.weights[fold, k, column].numpy(), peer.coef_[0], atol=5e-3)
                assert float(last.biases[fold, k, column]) == pytest.approx(peer.intercept_[0], abs=5e-3)


def test_a_frame_is_scored_by_the_classifiers_that_do_not_know_it(frames):
    last = passes(frames, 6)[-1]
    for fold, (start, end) in enumerate(pairwise(BOUNDS)):
        for k in range(len(PENALTIES)):
            own = frames.rows[start:end].astype(np.float32) @ last.weights[fold, k].numpy().T
            np.testing.assert_allclose(last.logits[k, start:end], own + last.biases[fold, k].numpy(), atol=1e-4)


def test_what_does_not_judge_is_learned_from_as_well(frames):
    """With every second frame judging, classifiers are the same, and scores are those of these frames."""
    half = FoldedFrames(
        frames.rows[::2], frames.labels[::2], frames.weights[::2], [k // 2 for k in BOUNDS], frames.positive_weight
    )
    for all_judge, half_judge in zip(passes(frames, 4), passes(frames, 4, judging=half), strict=True):
        assert torch.equal(half_judge.weights, all_judge.weights)
        assert torch.equal(half_judge.train_loss, all_judge.train_loss)
        np.testing.assert_allclose(half_judge.logits, all_judge.logits[:, ::2], atol=1e-5)


def test_losses_are_the_weighted_means_over_the_others_and_the_fold_itself(frames):
    """Binary cross-entropy in double precision, written out."""
    last = passes(frames, 4)[-1]
    rows = frames.rows.astype(np.float64)
    for fold, (start, end) in enumerate(pairwise(BOUNDS)):
        inside = np.zeros(N, bool)
        inside[start:end] = True
        for k in range(len(PENALTIES)):
            logits = rows @ last.weights[fold, k].double().numpy().T + last.biases[fold, k].numpy()
            likely = 1 / (1 + np.exp(-logits))
            gain = np.where(frames.labels > 0, frames.positive_weight[fold].numpy(), 1.0) * frames.weights
            loss = -gain * np.log(np.where(frames.labels > 0, likely, 1 - likely))
            for found, chosen in ((last.train_loss, ~inside), (last.validation_loss, inside)):
                means = loss[chosen].sum(0) / frames.weights[chosen].sum(0)
                np.testing.assert_allclose(found[fold, k].numpy(), means, rtol=1e-5)


def test_steps_lower_the_loss_and_end_when_they_save_little(frames):
    found = passes(frames, 100)
    objective = [float(state.train_loss.sum()) for state in found]
    assert len(found) < 40
    assert objective[-1] < 0.8 * objective[0]


def test_no_more_passes_are_made_than_asked_for_or_wanted(frames):
    assert len(passes(frames, 3)) == 3
    assert len(passes(frames, 1)) == 1
    seen = []
    fit_logistic(frames, frames, 50, lambda state: seen.append(state) or len(seen) < 2)
    assert len(seen) == 2


def test_the_result_does_not_depend_on_the_number_of_cores(frames, monkeypatch):
    monkeypatch.setattr(logistic, "_BLOCK", 128)
    found = []
    for n_cores in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=n_cores: n)
        found.append(passes(frames, 5)[-1])
    for other in found[1:]:
        assert torch.equal(found[0].weights, other.weights)
        np.testing.assert_array_equal(found[0].logits, other.logits)


def test_threads_of_torch_are_given_back(frames):
    before = torch.get_num_threads()
    passes(frames, 2)
    assert torch.get_num_threads() == before


def test_clean_frames_are_thinned_and_stand_for_all(frames, monkeypatch):
    """Every marked frame stays, a third of the others do, and the weights add up to what they did."""
    assert frames.thinned() is frames
    clean = ~frames.labels.any(axis=1)
    monkeypatch.setattr(logistic, "_CLEAN_FRAMES", int(clean.sum()) // 3)
    few = frames.thinned()
    assert few.labels.sum() == frames.labels.sum()
    assert int((~few.labels.any(axis=1)).sum()) == -(-int(clean.sum()) // 3)
    assert few.total_weight == pytest.approx(frames.total_weight, rel=1e-6)
    for fold in range(3):
        own = slice(*few.bounds[fold : fold + 2])
        whole = slice(*BOUNDS[fold : fold + 2])
        assert few.labels[own].sum() == frames.labels[whole].sum()
        assert few.weights[own].sum() == pytest.approx(frames.weights[whole].sum(), rel=0.02)


def test_thinned_material_gives_about_the_same_classifiers(frames, monkeypatch):
    whole = passes(frames, 30)[-1]
    monkeypatch.setattr(logistic, "_CLEAN_FRAMES", 1000)
    few = passes(frames, 30)[-1]
    difference = np.abs(whole.logits[0] - few.logits[0]).mean()
    assert difference < 0.15 * whole.logits[0].std()
    assert len(few.logits[0]) == N
