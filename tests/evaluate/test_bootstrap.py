from __future__ import annotations

import numpy as np
import pytest

from relaylib.evaluate import EventCounts, f_score_samples, f_scores, interval, resample_sums


def counts_of(rng, n_files=60):
    tp, fp, fn = rng.integers(0, 4, (3, n_files, 2))
    return EventCounts(tp, fp, fn, ("glitch", "echo"))


def test_sums_equal_those_of_drawn_rows(rng, monkeypatch):
    """The vectorised draw equals taking the rows one draw at a time, in blocks or at once."""
    rows = rng.integers(0, 9, (7, 3))
    draws = np.random.default_rng(5).integers(0, 7, (11, 7))
    expected = np.stack([rows[draw].sum(0) for draw in draws])
    np.testing.assert_array_equal(resample_sums(rows, n_bootstrap=11, seed=5), expected)
    monkeypatch.setattr("relaylib.evaluate.bootstrap._BLOCK", 20)
    np.testing.assert_array_equal(resample_sums(rows, n_bootstrap=11, seed=5), expected)


def test_intervals_hold_the_figure_and_repeat(rng):
    counts = counts_of(rng)
    samples = f_score_samples(counts, n_bootstrap=500, seed=1)
    low, high = interval(samples["macro_f1"], 0.95)
    assert low < f_scores(counts).macro_f1 < high
    np.testing.assert_array_equal(samples["f1"], f_score_samples(counts, n_bootstrap=500, seed=1)["f1"])


def test_samples_agree_with_f_scores_of_the_drawn_files(rng):
    counts = counts_of(rng, 9)
    samples = f_score_samples(counts, n_bootstrap=20, seed=3)
    for k, draw in enumerate(np.random.default_rng(3).integers(0, 9, (20, 9))):
        one = f_scores(EventCounts(counts.tp[draw], counts.fp[draw], counts.fn[draw], counts.type_names))
        for name in ("macro_precision", "macro_recall", "macro_f1", "micro_precision", "micro_recall", "micro_f1"):
            assert samples[name][k] == pytest.approx(getattr(one, name), nan_ok=True)
        np.testing.assert_allclose(samples["f1"][k], one.f1)


def test_coverage_of_a_known_rate():
    """Of 200 samples of 80 files with recall 0.6, about 95 % of the intervals hold 0.6."""
    rng = np.random.default_rng(2)
    inside = 0
    for seed in range(200):
        tp = (rng.random((80, 1)) < 0.6).astype(int)
        samples = f_score_samples(EventCounts(tp, 0 * tp, 1 - tp, ("echo",)), n_bootstrap=200, seed=seed)
        low, high = interval(samples["macro_recall"], 0.95)
        inside += low <= 0.6 <= high
    assert 180 <= inside <= 199


def test_nothing_drawn_gives_no_interval():
    assert interval(np.array([np.nan, np.nan]), 0.9) is None
    assert resample_sums(np.zeros((0, 2)), n_bootstrap=3, seed=0).tolist() == [[0, 0]] * 3
