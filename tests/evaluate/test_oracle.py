"""Agreement with sed_eval and sed_scores_eval on stored random cases (``make_oracle.py`` makes them)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from relaylib.evaluate import (
    PsdsConfig,
    event_counts,
    f_scores,
    intersection_counts,
    psds,
    segment_counts,
)
from relaylib.postprocess import decode
from relaylib.types import DecodeConfig

TYPES = ["glitch", "echo", "long_pause"]


def totals(counts, name):
    k = counts.type_names.index(name)
    return [int(counts.tp[:, k].sum()), int(counts.fp[:, k].sum()), int(counts.fn[:, k].sum())]


def same(value, stored):
    return math.isnan(value) if stored is None else value == pytest.approx(stored, abs=1e-12)


@pytest.mark.parametrize("kind", ["event", "segment"])
def test_counts_and_scores_equal_sed_eval(sed_eval_cases, kind):
    """Counts of every type, F1 per type and the macro average, for several tolerances."""
    compared = 0
    for case in sed_eval_cases:
        for answer in case[kind]:
            if kind == "event":
                options = {name: answer[name] for name in ("collar_ms", "offset_ratio")}
                counts = event_counts(case["reference"], case["estimate"], TYPES, **options)
            else:
                counts = segment_counts(case["reference"], case["estimate"], TYPES, segment_ms=answer["segment_ms"])
            scores = f_scores(counts)
            for k, name in enumerate(TYPES):
                assert totals(counts, name) == answer["counts"][name]
                assert same(scores.recall[k], answer["recall"][name])
                if sum(answer["counts"][name][:2]):  # without estimates sed_eval's segments give nan where we give 0
                    assert same(scores.f1[k], answer["f1"][name])
            if all(sum(c[:2]) for c in answer["counts"].values()):
                assert same(scores.macro_f1, answer["macro_f1"])
                compared += 1
    assert compared >= 40


def test_intersection_counts_equal_sed_scores_eval(sed_scores_eval_cases):
    """Detections at 0.5 give the counts that sed_scores_eval reads off its curves there."""
    raw = DecodeConfig(threshold=17.5 / 35, merge_window_ms=0, min_duration_ms=0)
    for case in sed_scores_eval_cases:
        found = [decode(scores, raw) for scores in case["scores"]]
        for answer in case["fscore"]:
            counts = intersection_counts(case["reference"], found, TYPES, dtc=answer["dtc"], gtc=answer["gtc"])
            scores = f_scores(counts)
            for k, name in enumerate(TYPES):
                assert totals(counts, name) == answer["counts"][name]
                assert scores.f1[k] == pytest.approx(answer["f1"][name], abs=1e-12)


def test_psds_equals_sed_scores_eval(sed_scores_eval_cases):
    """The linear-time curves integrate to the same score, whole and per type, for five settings."""
    worst = 0.0
    for case in sed_scores_eval_cases:
        for answer in case["psds"]:
            result = psds(case["reference"], case["scores"], TYPES, PsdsConfig(**answer["config"]))
            worst = max(worst, abs(result.value - answer["value"]))
            worst = max(worst, *(abs(result.per_type[t] - answer["per_type"][t]) for t in TYPES))
    assert worst < 1e-9


def test_psds_cases_are_not_all_zero(sed_scores_eval_cases):
    """The stored scores spread over 0..1, so that agreement means something."""
    values = [answer["value"] for case in sed_scores_eval_cases for answer in case["psds"]]
    assert np.std(values) > 0.1
    assert np.mean(np.array(values) > 0.05) > 0.5
