from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from relaylib.errors import ParameterError
from relaylib.evaluate import EvalConfig, evaluate, false_alarms_per_hour, list_errors
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest, Scores

HALF_HOUR_MS = 1_800_000


def manifest():
    """Two files with events, one clean file of half an hour."""
    return Manifest(
        (ArtifactType("glitch"), ArtifactType("echo"), ArtifactType("robotic")),
        (
            AudioItem(
                "audio/a.wav", HALF_HOUR_MS, None, (Annotation(100, 150, "glitch"), Annotation(1000, 2000, "echo"))
            ),
            AudioItem("audio/b.wav", HALF_HOUR_MS, None, (Annotation(500, 540, "glitch"),)),
            AudioItem("audio/clean.wav", HALF_HOUR_MS),
        ),
    )


def result(name, *detections, duration_ms=HALF_HOUR_MS):
    return FileResult(name, duration_ms, "completed", detections)


def results():
    return [
        result("clean.wav", Detection(10, 90, "glitch", 0.6)),
        result("b.wav", Detection(900, 940, "glitch", 0.7)),
        result("a.wav", Detection(90, 160, "glitch", 0.9), Detection(1600, 2000, "echo", 0.8)),
    ]


def test_hand_worked_figures():
    """Glitch 1 of 2 with 2 surplus, echo found at the wrong place; 3 false alarms in 1.5 h, 1 in half a clean hour."""
    evaluation = evaluate(manifest(), results())
    metrics = evaluation.to_dict()
    assert metrics["per_class"]["glitch"] == {
        "precision": 1 / 3, "recall": 1 / 2, "f1_score": 2 / 5, "support": 2,
    }  # fmt: skip
    assert metrics["per_class"]["echo"]["f1_score"] == 0
    assert metrics["f1_score"] == (2 / 5 + 0) / 2
    assert metrics["false_alarms_per_hour"] == pytest.approx(3 / 1.5)
    assert metrics["clean_false_alarms_per_hour"] == 1 / 0.5
    assert metrics["outcomes"] == {"hit": 1, "boundary": 1, "wrong_type": 0, "miss": 1, "false_alarm": 2}
    assert evaluation.notes == ()


def test_perfect_results_score_one():
    perfect = [
        result(i.filename, *(Detection(a.start_ms, a.end_ms, a.artifact_type, 1.0) for a in i.annotations))
        for i in manifest()
    ]
    evaluation = evaluate(manifest(), perfect)
    assert evaluation.event.macro_f1 == evaluation.segment.macro_f1 == evaluation.intersection.macro_f1 == 1.0
    assert evaluation.intervals["macro_f1"] == (1.0, 1.0)
    assert evaluation.false_alarms.clean_per_hour == 0.0


def test_json_holds_no_nan_even_where_nothing_is_defined():
    for evaluation in (
        evaluate(manifest(), []),
        evaluate(manifest(), results(), EvalConfig(n_bootstrap=0)),
        evaluate(manifest(), results(), EvalConfig(collar_ms=np.int64(50), dtc=np.float32(0.5))),
        evaluate(Manifest((), ()), []),
        evaluate(manifest(), results()),
    ):
        json.dumps(evaluation.to_dict(), allow_nan=False)
        assert evaluation.table()
        assert evaluation._repr_html_()


def test_files_that_cannot_be_scored_are_listed_never_counted():
    """A failed and a missing file do not become misses, an unknown one no false alarm."""
    odd = [
        results()[0],
        FileResult("a.wav", None, "failed", (), "not audio: text"),
        result("other.wav", Detection(0, 100, "echo", 0.9)),
    ]
    evaluation = evaluate(manifest(), odd)
    assert evaluation.failed_files == {"audio/a.wav": "not audio: text"}
    assert evaluation.missing_files == ("audio/b.wav",)
    assert evaluation.unknown_files == ("other.wav",)
    assert evaluation.event_counts.fn.sum() == 0
    assert evaluation.event_counts.fp.sum() == 1
    metrics = evaluation.to_dict()
    assert metrics["failed_files"] == [{"filename": "audio/a.wav", "error_message": "not audio: text"}]
    assert (metrics["missing_files"], metrics["unknown_files"]) == (["audio/b.wav"], ["other.wav"])
    for shown in (evaluation.table(), evaluation._repr_html_()):
        for name in ("audio/a.wav (not audio: text)", "audio/b.wav", "other.wav"):
            assert name in shown
    assert evaluation.table().startswith("! 1 failed file")


def test_files_that_are_still_being_labelled_are_listed_never_counted():
    """What is found in them is neither hit nor false alarm, and without a result they are not missing either."""
    a, b, clean = manifest().audio
    doubtful = (dataclasses.replace(clean, done=False), AudioItem("audio/d.wav", done=False))
    reference = Manifest(manifest().artifact_types, (dataclasses.replace(a, done=True), b, *doubtful))
    evaluation = evaluate(reference, results())
    assert evaluation.unfinished_files == ("audio/clean.wav", "audio/d.wav")
    assert (evaluation.missing_files, evaluation.unknown_files) == ((), ())
    without = evaluate(Manifest(reference.artifact_types, reference.audio[:2]), results()[1:]).to_dict()
    assert evaluation.to_dict() == {**without, "unfinished_files": ["audio/clean.wav", "audio/d.wav"]}
    assert "2 file(s) still being labelled NOT scored: audio/clean.wav, audio/d.wav" in evaluation.table()


def test_types_that_the_reference_does_not_name_are_told_not_scored():
    evaluation = evaluate(manifest(), [result("b.wav", Detection(0, 100, "hum", 0.9)), *results()[::2]])
    assert evaluation.to_dict()["unscored_types"] == {"hum": 1}
    assert "hum (1)" in evaluation.table()


def test_unknown_lengths_are_left_out_of_rates_and_told():
    items = tuple(AudioItem(i.filename, None, None, i.annotations) for i in manifest())
    unknown = [result("clean.wav", Detection(10, 90, "glitch", 0.6), duration_ms=None), *results()[1:]]
    evaluation = evaluate(Manifest(manifest().artifact_types, items), unknown)
    assert evaluation.false_alarms.clean_per_hour is None
    assert evaluation.false_alarms.per_hour == 2.0
    assert any("1 file(s) of unknown length" in note for note in evaluation.notes)


def test_scores_give_psds_for_the_files_that_have_some():
    values = np.zeros((1000, 3), dtype=np.float32)
    values[50:100, 1] = values[5:8, 0] = 0.9
    scores = {"a.wav": Scores(values, ("glitch", "echo", "robotic"), 20_000)}
    evaluation = evaluate(manifest(), results(), scores=scores)
    assert 0 < evaluation.to_dict()["psds_2"] <= 1
    assert "PSDS is over 1 of 3 files: the others have no scores." in evaluation.notes
    assert evaluate(manifest(), results()).to_dict()["psds_1"] is None


def test_errors_are_listed_file_by_file():
    errors = list_errors(manifest(), results())
    assert [(e.filename, e.kind) for e in errors] == [
        ("audio/a.wav", "boundary"),
        ("audio/b.wav", "miss"),
        ("audio/b.wav", "false_alarm"),
        ("audio/clean.wav", "false_alarm"),
    ]
    assert len(list_errors(manifest(), results(), hits=True)) == 5


def test_hand_worked_false_alarms():
    alarms = false_alarms_per_hour([3, 1, 5], [HALF_HOUR_MS, HALF_HOUR_MS, None], [True, False, True])
    assert (alarms.clean_per_hour, alarms.per_hour) == (6.0, 4.0)
    with pytest.raises(ParameterError, match="need one per file"):
        false_alarms_per_hour([1], [], [True])


@pytest.mark.parametrize(
    "options",
    [
        {"collar_ms": -1},
        {"collar_ms": float("nan")},  # with which nothing would match
        {"segment_ms": 0.5},
        {"n_bootstrap": 2.5},
        {"seed": 1.5},
        {"offset_ratio": 2.0},
        {"segment_ms": 0},
        {"dtc": 0.0},
        {"gtc": 1.5},
        {"n_bootstrap": -1},
        {"confidence_level": 1.0},
        {"seed": -1},
    ],
)
def test_bad_settings_are_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ParameterError, match=f"{name}={value}"):
        EvalConfig(**options)


def test_import_is_light():
    """Neither torch nor matplotlib nor jinja2 comes with the package."""
    heavy = "('torch', 'matplotlib', 'jinja2')"
    code = f"import sys, relaylib.evaluate, relaylib.plot; print([m for m in {heavy} if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
