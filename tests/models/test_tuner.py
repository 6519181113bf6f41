"""A detector with other thresholds: what it reports on recordings afterwards, counted by the public functions."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from labelled_speech import trained, untrained, write_corpus
from small_encoders import speechlike

from relaylib.audio import save
from relaylib.errors import ParameterError, TrainingError
from relaylib.evaluate import event_counts, f_scores
from relaylib.models import Detector, EmbeddingCache, tune
from relaylib.models.held_out import HeldOut, Labelled
from relaylib.models.operating_point import OperatingPoint
from relaylib.models.tuning import move_points, tune_point
from relaylib.types import Annotation, ArtifactType, AudioItem, Manifest, Waveform


def peaks(levels, marked=()):
    """Return a minute with a peak of 10 frames at each of `levels` (logits), of which those `marked` are events."""
    logits = np.full((3000, 1), -9.0, np.float32)
    spans = []
    for k, level in enumerate(levels):
        start = 50 + 100 * k
        logits[start : start + 10] = level
        if k in marked:
            spans.append(Annotation(start * 20, (start + 10) * 20, "echo"))
    return Labelled(logits, tuple(spans), 60_000)


def moved(items, point, budget):
    return move_points(HeldOut(items), ["echo"], [point], budget)[0]


def test_without_events_the_threshold_rises_until_the_budget_holds():
    """By hand: peaks at 1, 2, 3 in a minute are 60 an hour each; 130 allow two of them, 70 one, 10 none."""
    items, point = [peaks([1.0, 2.0, 3.0])], OperatingPoint(0.5, min_frames=3, reach=1, temperature=2.0)
    found = [moved(items, point, budget) for budget in (200, 130, 70, 10)]
    assert [p.logit for p in found] == [0.5, 1.25, 2.25, 3.25]
    assert all((p.min_frames, p.reach, p.temperature) == (3, 1, 2.0) for p in found)


def test_without_events_no_threshold_falls():
    assert moved([peaks([-2.0])], OperatingPoint(1.0), 1000.0).logit == 1.0


def test_the_share_is_even():
    """Two types, 120 an hour: each may have one alarm in the minute, however quiet the other is."""
    loud, none = peaks([1.0, 2.0]), peaks([])
    both = Labelled(np.hstack([loud.logits, none.logits]), (), 60_000)
    points = move_points(HeldOut([both]), ["echo", "click"], [OperatingPoint()] * 2, 120.0)
    assert [p.logit for p in points] == [1.25, 0.0]


def test_with_events_the_threshold_goes_where_they_are_best_found():
    """Events at 4, strays at 2, a threshold of 7 that lets nothing through: it comes down by training's rule."""
    items = [peaks([4.0, 2.0] * 5, marked=range(0, 10, 2))] * 20
    point = OperatingPoint(7.0, min_frames=3, temperature=2.0)
    found = moved(items, point, 10.0)
    assert 2.0 < found.logit <= 4.0
    assert found == replace(tune_point(items, 0, "echo", [point], 10.0, 7.0)[0], trained=7.0)


def test_what_training_chose_is_kept_however_often_thresholds_move():
    items = [peaks([1.0, 2.0, 3.0])]
    once = moved(items, OperatingPoint(0.5), 130)
    twice = moved(items, once, 10)
    assert [once.logit, twice.logit] == [1.25, 3.25]
    assert once.usual == twice.usual == 0.5


def alarms(detector, folder, manifest):
    return sum(len(detector.detect(folder / item.filename)) for item in manifest)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Return a folder with a minute and a half of speech-like sound in three files, and their manifest."""
    folder = tmp_path_factory.mktemp("clean")
    for k in range(3):
        save(folder / f"{k}.wav", Waveform(speechlike(30, 50 + k)))
    return folder, Manifest((), tuple(AudioItem(f"{k}.wav") for k in range(3)))


def test_clean_recordings_quieten_a_detector(clean, tmp_path):
    """Random weights report nonsense; with 400 an hour allowed, at most ten are left of it in 90 s."""
    folder, manifest = clean
    detector = untrained(kind="conv")
    before = alarms(detector, folder, manifest)
    quiet = tune(detector, manifest, audio_root=folder, max_false_alarms_per_hour=np.float64(400))
    assert alarms(quiet, folder, manifest) <= 10 < before
    assert alarms(detector, folder, manifest) == before  # it is left as it was
    done = quiet.metrics["tuned"]
    assert done["hours"] == pytest.approx(90 / 3600)
    per_class = done["per_class"].values()
    assert sum(now["before"]["false_alarms_per_hour"] for now in per_class) == pytest.approx(before * 40)
    assert sum(now["false_alarms_per_hour"] for now in per_class) == alarms(quiet, folder, manifest) * 40
    assert [now["threshold"] for now in per_class] == list(quiet.thresholds.values())
    again = Detector.load(quiet.save(tmp_path / "quiet.safetensors"))
    assert again.metrics == quiet.metrics
    assert {**again.metrics, "tuned": None} == {**detector.metrics, "tuned": None}


def test_thresholds_that_were_lost_are_found_again(tmp_path):
    """A detector whose thresholds are out of reach finds nothing; labelled recordings of other voices bring it back."""
    manifest = write_corpus(tmp_path, n_files=12, seed=300)
    reference = [list(item.annotations) for item in manifest]
    detector = trained()
    lost = detector.at([OperatingPoint(30.0, p.min_frames, p.reach) for p in detector.points], metrics={})
    found = tune(lost, manifest, audio_root=tmp_path, cache=EmbeddingCache(tmp_path / "cache"))
    f1 = [
        f_scores(
            event_counts(reference, [d.detect(tmp_path / i.filename) for i in manifest], detector.artifact_types)
        ).f1.min()
        for d in (lost, found)
    ]
    assert f1[1] > max(0.8, f1[0])
    assert {name: own["support"] for name, own in found.metrics["tuned"]["per_class"].items()} == {
        "gap": 12,
        "click": 24,
    }
    json.dumps(found.metrics, allow_nan=False)


def test_what_is_marked_as_a_type_that_is_unknown_is_no_false_alarm(clean):
    """The whole of each recording is marked, as something else: nothing in it strays, and no threshold moves."""
    folder, manifest = clean
    hum = Manifest(
        (ArtifactType("hum"),),
        tuple(AudioItem(item.filename, annotations=(Annotation(0, 30_000, "hum"),)) for item in manifest),
    )
    detector = untrained(kind="conv")
    same = tune(detector, hum, audio_root=folder, max_false_alarms_per_hour=1)
    assert same.points == tuple(replace(point, trained=point.logit) for point in detector.points)


def test_recordings_that_cannot_be_used_are_named(clean, caplog):
    folder, manifest = clean
    seen = []
    items = (*manifest, AudioItem("absent.wav"), AudioItem("half.wav", done=False))
    with caplog.at_level(logging.WARNING, "relaylib"):
        tuned = tune(untrained(), Manifest((), items), audio_root=folder, progress=seen.append)
    done = tuned.metrics["tuned"]
    assert (done["skipped_files"], done["unfinished_files"]) == (["absent.wav"], ["half.wav"])
    assert "absent.wav is left out" in caplog.text
    assert [(at.stage, at.done, at.total) for at in seen] == [("embedding", k, 4) for k in (1, 2, 3, 4)]


def test_nothing_to_tune_on_is_refused(clean):
    with pytest.raises(TrainingError, match=r"no usable recording: 1 could not be read, the first is 'absent.wav'"):
        tune(untrained(), Manifest((), (AudioItem("absent.wav"),)), audio_root=clean[0])
    with pytest.raises(ParameterError, match="max_false_alarms_per_hour=0: need a positive number"):
        tune(untrained(), clean[1], audio_root=clean[0], max_false_alarms_per_hour=0)
