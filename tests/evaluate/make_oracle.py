"""Write the answers of sed_eval and sed_scores_eval to ``data/*.json``, for random cases.

Both packages want old companions, so they live in an environment of their own::

    python3 -m venv sedenv
    sedenv/bin/pip install 'setuptools<81' wheel cython numpy 'pandas<3' scipy
    sedenv/bin/pip install --no-build-isolation sed_eval==0.2.1 sed_scores_eval==0.0.4
    sedenv/bin/python tests/evaluate/make_oracle.py

Stored answers were made with these versions, numpy 2.4.6, pandas 2.3.3 and Python 3.11. Times are whole ms; sed_eval
gets them as they are (its unit does not matter), so that deviations of exactly the collar do not fall to rounding.
sed_scores_eval gets seconds. Scores are written as one character per frame, ``DIGITS.index(c) / 35``.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
TYPES = ["glitch", "echo", "long_pause"]
PSDS = [
    {"dtc": 0.7, "gtc": 0.7, "cttc": None, "alpha_ct": 0.0, "alpha_st": 1.0, "max_efpr": 100.0},
    {"dtc": 0.1, "gtc": 0.1, "cttc": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0, "max_efpr": 100.0},
    {"dtc": 0.5, "gtc": 0.5, "cttc": None, "alpha_ct": 0.0, "alpha_st": 0.0, "max_efpr": 2000.0},
    {"dtc": 0.7, "gtc": 0.7, "cttc": None, "alpha_ct": 0.0, "alpha_st": 1.0, "max_efpr": 5000.0},
    {"dtc": 0.3, "gtc": 0.6, "cttc": 0.5, "alpha_ct": 1.0, "alpha_st": 0.0, "max_efpr": 4000.0},
]


def none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def random_spans(rng: np.random.Generator, n: int, length_ms: int, step_ms: int) -> list[list[Any]]:
    """Return `n` spans ``[start, end, type]``, free to overlap, on a grid that makes ties likely."""
    spans = []
    for _ in range(n):
        start = int(rng.integers(0, length_ms // step_ms)) * step_ms
        spans.append([start, start + step_ms * int(rng.integers(1, 1 + 1500 // step_ms)), TYPES[rng.integers(3)]])
    return spans


def jitter(rng: np.random.Generator, spans: list[list[Any]], step_ms: int) -> list[list[Any]]:
    """Return most of the spans moved a little, some twice, some with another type."""
    out = []
    for start, end, name in spans:
        for _ in range(rng.choice([0, 1, 1, 1, 2])):
            a = max(0, start + step_ms * int(rng.integers(-4, 5)))
            b = max(a + step_ms, end + step_ms * int(rng.integers(-6, 7)))
            out.append([a, b, name if rng.random() < 0.85 else TYPES[rng.integers(3)]])
    return out


def sed_eval_case(rng: np.random.Generator, case: int) -> dict[str, Any]:
    """One set of files with the event-based and segment-based answers for several tolerances."""
    import sed_eval

    step = [1, 10, 50, 100][case % 4]
    length = [1500, 4000, 12000][case % 3]
    reference = [random_spans(rng, int(rng.integers(0, 9)), length, step) for _ in range(3)]
    estimate = [
        jitter(rng, spans, step) + random_spans(rng, int(rng.integers(0, 3)), length, step) for spans in reference
    ]

    def as_dicts(spans: list[list[Any]]) -> list[dict[str, Any]]:
        return [{"file": "f", "event_onset": a, "event_offset": b, "event_label": t} for a, b, t in spans]

    def answers(metric: Any) -> dict[str, Any]:
        for truth, found in zip(reference, estimate, strict=True):
            metric.evaluate(as_dicts(truth), as_dicts(found))
        classes = metric.results_class_wise_metrics()
        counts = {t: [int(metric.class_wise[t][n]) for n in ("Ntp", "Nfp", "Nfn")] for t in TYPES}
        f1 = {t: none_if_nan(classes[t]["f_measure"]["f_measure"]) for t in TYPES}
        recall = {t: none_if_nan(classes[t]["f_measure"]["recall"]) for t in TYPES}
        average = metric.results_class_wise_average_metrics()["f_measure"]
        return {"counts": counts, "f1": f1, "recall": recall, "macro_f1": none_if_nan(average["f_measure"])}

    events, segments = [], []
    for collar, ratio in ((200, 0.2), (50, 0.5), (100, 0.0), (500, 0.2)):
        metric = sed_eval.sound_event.EventBasedMetrics(
            TYPES,
            t_collar=float(collar),
            percentage_of_length=ratio,
            event_matching_type="optimal",
            empty_system_output_handling="zero_score",
        )
        events.append({"collar_ms": collar, "offset_ratio": ratio, **answers(metric)})
    for segment in (1000, 300):
        metric = sed_eval.sound_event.SegmentBasedMetrics(TYPES, time_resolution=float(segment))
        segments.append({"segment_ms": segment, **answers(metric)})
    return {"reference": reference, "estimate": estimate, "event": events, "segment": segments}


def scores_case(rng: np.random.Generator, case: int) -> dict[str, Any]:
    """One set of files of frame scores with the intersection-based F1 at 0.5 and PSDS for several settings."""
    from sed_scores_eval import intersection_based
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    hop, files = 20, []
    for index in range(4):
        frames = int(rng.integers(40, 110))
        reference = []
        for k, name in enumerate(TYPES):  # spans of one type do not overlap, as sed_scores_eval wants
            at = int(rng.integers(0, 400))
            for _ in range(1 if index == 0 else int(rng.integers(0, 3))):
                end = at + int(rng.integers(20, 600))
                if end <= frames * hop:
                    reference.append([at, end, TYPES[k] if name else name])
                at = end + int(rng.integers(50, 500))
        noise = rng.normal(size=(frames + 8, 3))
        smooth = np.stack([np.convolve(noise[:, k], np.ones(5) / 5, mode="same")[4:-4] for k in range(3)], 1)
        for start, end, name in reference:
            smooth[start // hop : end // hop, TYPES.index(name)] += rng.normal(0.9, 0.6)
        values = np.clip(np.round(35 / (1 + np.exp(-3 * (smooth - 0.5)))), 0, 35).astype(int)
        files.append(
            {
                "reference": reference,
                "scores": ["".join(DIGITS[v] for v in values[:, k]) for k in range(3)],
                "duration_ms": frames * hop - int(rng.integers(0, hop)) if case % 2 else frames * hop,
            }
        )
    truth, scores, durations = {}, {}, {}
    for k, file in enumerate(files):
        values = np.array([[DIGITS.index(c) / 35 for c in row] for row in file["scores"]]).T
        times = np.append(np.arange(len(values)) * hop, file["duration_ms"]) / 1000
        scores[f"f{k}"] = create_score_dataframe(values, times, TYPES)
        truth[f"f{k}"] = [(a / 1000, b / 1000, t) for a, b, t in file["reference"]]
        durations[f"f{k}"] = file["duration_ms"] / 1000
    fscores = []
    for dtc, gtc in ((0.5, 0.5), (0.7, 0.7), (0.1, 0.1), (1.0, 0.3)):
        f, _, _, stats = intersection_based.fscore(
            scores, truth, threshold=17.5 / 35, dtc_threshold=dtc, gtc_threshold=gtc
        )
        counts = {
            t: [int(stats[t]["tps"]), int(stats[t]["fps"]), int(stats[t]["n_ref"] - stats[t]["tps"])] for t in TYPES
        }
        fscores.append({"dtc": dtc, "gtc": gtc, "counts": counts, "f1": {t: float(f[t]) for t in TYPES}})
    psds = []
    for setting in PSDS:
        value, per_type, _, _ = intersection_based.psds(
            scores,
            truth,
            durations,
            dtc_threshold=setting["dtc"],
            gtc_threshold=setting["gtc"],
            cttc_threshold=setting["cttc"],
            alpha_ct=setting["alpha_ct"],
            alpha_st=setting["alpha_st"],
            max_efpr=setting["max_efpr"],
        )
        psds.append({"config": setting, "value": float(value), "per_type": {t: float(per_type[t]) for t in TYPES}})
    return {"files": files, "fscore": fscores, "psds": psds}


def write(name: str, cases: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (DATA / name).write_text(f"[\n{lines}\n]\n")


def main() -> None:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(20240611)
    write("sed_eval.json", [sed_eval_case(rng, case) for case in range(24)])
    write("sed_scores_eval.json", [scores_case(rng, case) for case in range(16)])


if __name__ == "__main__":
    main()
