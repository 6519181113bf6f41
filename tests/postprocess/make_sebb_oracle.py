"""Write the answers of sebbs, by the authors of the method, to ``data/sebb.json``, for random curves.

It lives in an environment of its own, as it wants old companions, and its extension is built in place::

    python3 -m venv sedenv
    sedenv/bin/pip install 'setuptools<81' wheel cython numpy 'pandas<3' scipy tqdm
    sedenv/bin/pip install --no-build-isolation sed_scores_eval==0.0.4
    sedenv/bin/pip download --no-deps --no-build-isolation sebbs==1.0.2 && tar -xzf sebbs-1.0.2.tar.gz
    (cd sebbs-1.0.2 && ../sedenv/bin/python setup.py build_ext --inplace)
    PYTHONPATH=sebbs-1.0.2 sedenv/bin/python tests/postprocess/make_sebb_oracle.py

Times are given in frames of 1 s, so that none falls to rounding; no score occurs twice in a row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

HALF_STEPS = (1, 2, 3, 8, 16)


def curve(rng: np.random.Generator, case: int) -> np.ndarray:
    """Return scores of a length and smoothness of their own."""
    n = int(rng.integers(1, 160))
    if case % 3 == 0:
        return rng.random(n).round(4)
    steps = np.repeat(0.05 + 0.95 * rng.random(n // 9 + 1) ** 3, 9)[:n]
    if case % 3 == 1:
        return (steps * rng.uniform(0.7, 1.0, n)).round(4)
    return np.convolve(rng.random(n), np.ones(7) / 7, "same").round(4)


def answer(scores: np.ndarray, half_step: int, merge_ratio: float) -> dict[str, Any]:
    """Return what the package finds."""
    from sebbs.change_detection import change_detection
    from sebbs.csebbs import _merge_segments

    (segments,) = change_detection(scores[:, None], np.arange(len(scores) + 1.0), 2.0 * half_step)
    starts, ends, means = _merge_segments(*segments, threshold_abs=np.inf, threshold_rel=merge_ratio)
    return {
        "scores": scores.tolist(),
        "half_step": half_step,
        "merge_ratio": merge_ratio,
        "starts": np.round(starts).astype(int).tolist(),
        "ends": np.round(ends).astype(int).tolist(),
        "confidences": np.round(means, 4).tolist(),
    }


def main() -> None:
    """Draw, ask and write."""
    rng = np.random.default_rng(5)
    cases = [answer(curve(rng, k), HALF_STEPS[k % 5], (1.5, 2.0, 3.0)[k % 3]) for k in range(40)]
    target = Path(__file__).parent / "data" / "sebb.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
