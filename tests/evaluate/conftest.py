from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relaylib.types import Annotation, Detection, Scores

DATA = Path(__file__).parent / "data"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def sed_eval_cases() -> list[dict[str, Any]]:
    """Random files with the stored answers of sed_eval; spans as Annotation and Detection."""
    cases = json.loads((DATA / "sed_eval.json").read_text())
    for case in cases:
        case["reference"] = [[Annotation(*span) for span in spans] for spans in case["reference"]]
        case["estimate"] = [[Detection(*span, 0.5) for span in spans] for spans in case["estimate"]]
    return cases


@pytest.fixture(scope="session")
def sed_scores_eval_cases() -> list[dict[str, Any]]:
    """Random files of frame scores with the stored answers of sed_scores_eval."""
    cases = json.loads((DATA / "sed_scores_eval.json").read_text())
    for case in cases:
        case["reference"] = [[Annotation(*span) for span in file["reference"]] for file in case["files"]]
        case["scores"] = [
            Scores(
                np.array([[DIGITS.index(c) / 35 for c in row] for row in file["scores"]]).T,
                ("glitch", "echo", "long_pause"),
                file["duration_ms"],
            )
            for file in case["files"]
        ]
    return cases
