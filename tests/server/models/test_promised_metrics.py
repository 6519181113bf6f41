"""Metrics are complete whatever a training has measured."""

import pytest

from relaylib.server.models.metrics import complete_metrics

ZEROS = {"precision": 0.0, "recall": 0.0, "f1_score": 0.0}


def test_nothing_measured_is_zeros_for_every_type():
    """A client indexes ``f1_score`` and formats it as a number."""
    assert complete_metrics({}, ["a", "b"]) == {
        **ZEROS,
        "per_class": {"a": {**ZEROS, "support": 0}, "b": {**ZEROS, "support": 0}},
    }


def test_what_was_measured_stays_as_it_is():
    measured = {
        "precision": 0.1,
        "recall": 0.2,
        "f1_score": 0.3,
        "per_class": {"a": {"precision": 0.4, "recall": 0.5, "f1_score": 0.6, "support": 7}},
        "events": {"f1_score": 0.8},
    }
    assert complete_metrics(measured, ["a"]) == measured


@pytest.mark.parametrize("name", ["precision", "recall", "f1_score"])
def test_a_figure_that_could_not_be_measured_is_zero(name):
    """Figures that are no numbers are left out on the way here."""
    measured = {"precision": 0.1, "recall": 0.2, "f1_score": 0.3, "per_class": {"a": {"support": 7}}}
    del measured[name]
    assert complete_metrics(measured, ["a"])[name] == 0.0
    assert complete_metrics(measured, ["a"])["per_class"]["a"] == {**ZEROS, "support": 7}
