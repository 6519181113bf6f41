from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.errors import ParameterError
from relaylib.evaluate import PSDS_1, PSDS_2, PsdsConfig, psds
from relaylib.evaluate.levels import Steps, levels
from relaylib.postprocess.runs import active_runs
from relaylib.types import Annotation, Scores


def scores_of(columns, types=("echo",), hop_ms=20):
    values = np.array(columns, dtype=np.float32).T
    return Scores(values, types, len(values) * hop_ms, hop_ms)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_levels_hold_just_the_runs_of_each_threshold(digits):
    """Plain thresholding at every score and between scores finds the same runs."""
    scores = np.array(digits) / 6
    runs = levels(scores)
    assert len(runs.first) <= len(scores)
    for threshold in np.unique([*scores, *(scores + 1e-3)]):
        alive = (runs.low < threshold) & (threshold <= runs.high)
        mine = sorted(zip(runs.first[alive].tolist(), runs.last[alive].tolist(), strict=True))
        assert mine == list(zip(*(edge.tolist() for edge in active_runs(scores >= threshold)), strict=True))


def test_levels_of_nothing():
    assert len(levels(np.zeros(0)).first) == 0


def test_steps_add_up_from_high_thresholds_to_low():
    steps = Steps.of_runs(np.array([0.2, -np.inf]), np.array([0.5, 0.5]), np.array([1.0, 2.0]))
    assert steps.at(np.array([0.6, 0.5, 0.2, 0.0])).tolist() == [0, 3, 2, 2]


def test_hand_worked_psds():
    """An hour with two echoes: one found before any false alarm, one after 20 of them, so 1/2 * 20 + 1 * 80 of 100."""
    hop_ms, n = 1000, 3600
    values = np.zeros(n)
    reference = [Annotation(10_000, 20_000, "echo"), Annotation(30_000, 40_000, "echo")]
    values[10:20], values[30:40] = 0.9, 0.5
    values[100:200:5] = 0.7  # 20 false alarms of one frame
    result = psds([reference], [scores_of([values], hop_ms=hop_ms)], ["echo"], PsdsConfig(alpha_st=0))
    assert result.value == pytest.approx((1 / 2 * 20 + 1 * 80) / 100)
    assert result.hours == 1
    assert result.efpr.tolist() == [0, 1, 20]  # at threshold 0 all is one detection: false, and it finds nothing
    assert result.etpr.tolist() == [1 / 2, 1 / 2, 1]


def test_perfect_scores_reach_one():
    values = np.zeros((2, 500))
    values[0, 50:100], values[1, 200:300] = 1, 1
    reference = [[Annotation(1000, 2000, "echo"), Annotation(4000, 6000, "glitch")]]
    for setting in (PSDS_1, PSDS_2):
        assert psds(reference, [scores_of(values, ("echo", "glitch"))], ["echo", "glitch"], setting).value == 1


def test_rising_transforms_of_the_scores_change_nothing(sed_scores_eval_cases):
    """Only the order of the scores counts."""
    types = ["glitch", "echo", "long_pause"]
    for case in sed_scores_eval_cases[:4]:
        bent = [Scores(s.values**3 / 2 + 0.1, s.artifact_types, s.duration_ms) for s in case["scores"]]
        before, after = (psds(case["reference"], s, types, PSDS_2).value for s in (case["scores"], bent))
        assert before == pytest.approx(after, abs=1e-12)


def test_types_without_reference_leave_and_unknown_ones_are_never_found():
    values = np.zeros(500)
    values[50:100] = 1
    scores = [scores_of([values])]
    reference = [[Annotation(1000, 2000, "echo")]]
    assert psds(reference, scores, ["echo", "glitch"]).value == 1
    both = [[*reference[0], Annotation(4000, 4100, "glitch")]]
    assert psds(both, scores, ["echo", "glitch"], PsdsConfig(alpha_st=0)).per_type == {"echo": 1.0, "glitch": 0.0}


def test_nothing_to_find_gives_none():
    assert psds([[]], [scores_of([np.zeros(5)])], ["echo"]) is None
    assert psds([], [], ["echo"]) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtc": 0}, "dtc=0"),
        ({"alpha_st": 2}, "alpha_st=2"),
        ({"max_efpr": 0}, "max_efpr=0"),
        ({"cttc": 0.3}, "give both or neither"),
        ({"alpha_ct": 0.5}, "give both or neither"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        PsdsConfig(**options)


def test_an_hour_of_scores_takes_seconds(rng):
    """180 000 distinct scores: linear in the frames, where walking every threshold would take hours."""
    values = rng.random(180_000).astype(np.float32)
    reference = [Annotation(60_000 * k, 60_000 * k + 2000, "echo") for k in range(50)]
    assert psds([reference], [scores_of([values])], ["echo"]) is not None
