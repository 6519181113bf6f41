"""Detectors that come along: by name, with a card, and good for something without any training."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

import relaylib
from relaylib import Detector, detector_card, detector_names
from relaylib.demo import load_demo
from relaylib.errors import ModelFormatError
from relaylib.evaluate import event_counts, f_scores
from relaylib.inject import BASIC_TYPES, inject
from relaylib.models.golden import as_samples, golden_clip
from relaylib.models.ready import detector_file_of


@pytest.fixture(scope="module")
def ready():
    return Detector.load("tts-artifacts")


def test_it_is_found_by_name_and_has_a_card(ready):
    assert "tts-artifacts" in detector_names()
    assert ready.artifact_types == BASIC_TYPES
    card = detector_card("tts-artifacts")
    for topic in ("Trained on", "Where it fails", "Figures", "Licence"):
        assert topic in card


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda detector: pickle.loads(pickle.dumps(detector))])
def test_copies_score_alike(ready, copied):
    """As for the processes of a pool, which are sent one each."""
    clip = as_samples(golden_clip())
    np.testing.assert_array_equal(copied(ready).score(clip).values, ready.score(clip).values)


def test_what_torch_makes_where_nothing_is_said_changes_nothing(ready):
    """A program may have set another type and device for its tensors, such as those of its own models."""
    clip = as_samples(golden_clip())
    before = ready.score(clip).values
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            np.testing.assert_array_equal(Detector.load("tts-artifacts").score(clip).values, before)
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_file_of_that_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tts-artifacts").write_bytes(b"something else")
    with pytest.raises(ModelFormatError, match="tts-artifacts is not a \\.safetensors file"):
        Detector.load("tts-artifacts")


@pytest.mark.parametrize("wrong", ["tts-artefacts", "no/such/file.safetensors"])
def test_what_is_neither_file_nor_name_is_refused(wrong):
    with pytest.raises(ModelFormatError, match="tts-artifacts" if wrong == "tts-artefacts" else "is not a file"):
        Detector.load(wrong)
    with pytest.raises(ModelFormatError, match="those that come along: tts-artifacts"):
        detector_card(wrong)


def test_a_path_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.safetensors"
    assert detector_file_of(path) == path


@pytest.mark.slow
def test_it_finds_artifacts_of_another_maker_in_speech_that_it_was_not_trained_on(ready):
    """The demo's speech was made, and its artifacts put in, by other programs than the training material."""
    demo = load_demo()
    items = [*demo.train.audio, *demo.test.audio]
    found = [ready.detect(demo.audio_root / item.filename) for item in items]
    counts = event_counts([item.annotations for item in items], found, BASIC_TYPES)
    figures = f_scores(counts)
    per_type = dict(zip(BASIC_TYPES, figures.f1, strict=True))
    assert figures.macro_f1 >= 0.55
    assert per_type["long_pause"] >= 0.9
    clean = [spans for item, spans in zip(items, found, strict=True) if not item.annotations]
    assert sum(map(len, clean)) <= 1


def test_it_finds_what_is_put_in(ready):
    """Floors of recall for shapes that nobody would miss, at the onset, in clean speech of the demo."""
    demo = load_demo()
    clean = [relaylib.audio.load(demo.audio_root / i.filename).samples for i in demo.train.audio if not i.annotations]
    heard, put_in = dict.fromkeys(("long_pause", "repetition"), 0), dict.fromkeys(("long_pause", "repetition"), 0)
    for seed, samples in enumerate(clean * 4):
        made = inject(samples, seed, types=["long_pause", "repetition"], per_minute=15, benign_per_minute=0)
        found = ready.detect(made.samples)
        for span in made.annotations():
            put_in[span.artifact_type] += 1
            near = [
                d for d in found if d.artifact_type == span.artifact_type and abs(d.start_ms - span.start_ms) <= 200
            ]
            heard[span.artifact_type] += bool(near)
    assert min(put_in.values()) >= 5
    assert heard["long_pause"] / put_in["long_pause"] >= 0.9
    assert heard["repetition"] / put_in["repetition"] >= 0.5


def test_it_is_quiet_in_silence_and_steady_sound(ready):
    """Neither nothing nor a tone is broken speech, but for the pause that a minute of nothing is."""
    tone = 0.2 * np.sin(2 * np.pi * 220 * np.arange(5 * 16_000) / 16_000).astype(np.float32)
    assert {d.artifact_type for d in ready.detect(np.zeros(5 * 16_000, np.float32))} <= {"long_pause"}
    assert {d.artifact_type for d in ready.detect(tone)} <= {"robotic"}


def test_it_does_without_assertions():
    """Python leaves them out where it is told to optimise."""
    code = "import relaylib; print(relaylib.Detector.load('tts-artifacts').encoder.fingerprint)"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{Detector.load('tts-artifacts').encoder.fingerprint}\n", "")
