"""The figures of a model as the API promises them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["complete_metrics"]


def complete_metrics(metrics: dict[str, Any], artifact_types: Sequence[str]) -> dict[str, Any]:
    """Return metrics in which every promised figure is a number: 0 where there was nothing to measure.

    Examples
    --------
    >>> complete_metrics({"f1_score": 0.5}, ["glitch"])["per_class"]
    {'glitch': {'precision': 0.0, 'recall': 0.0, 'f1_score': 0.0, 'support': 0}}
    """
    figures = {"precision": 0.0, "recall": 0.0, "f1_score": 0.0}
    measured = metrics.get("per_class", {})
    per_class = {name: {**figures, "support": 0, **measured.get(name, {})} for name in artifact_types}
    return {**figures, **metrics, "per_class": per_class}
