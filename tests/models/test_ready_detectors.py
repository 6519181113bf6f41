"""Detectors that come along: by name, with a card, and good for something without any training."""

import numpy as np
import pytest

import relaylib
from relaylib import Detector, detector_card, detector_names
from relaylib.demo import load_demo
from relaylib.errors import ModelFormatError
from relaylib.evaluate import event_counts, f_scores
from relaylib.inject import BASIC_TYPES, inject
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
