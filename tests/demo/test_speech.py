"""The shipped speech is small, complete, labelled within its bounds, and its voices are kept apart."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from relaylib import audio
from relaylib.demo import DemoSpeech, data_folder, example_audio
from relaylib.types import Manifest

TYPES = {"glitch", "long_pause", "echo", "repetition", "robotic", "hallucination"}


def minutes(manifest: Manifest) -> float:
    return sum(item.duration_ms or 0 for item in manifest) / 60_000


def test_the_data_stays_below_8_mb():
    assert sum(path.stat().st_size for path in data_folder().rglob("*") if path.is_file()) < 8_000_000


def test_there_are_about_six_minutes(speech: DemoSpeech):
    assert minutes(speech.train) == pytest.approx(4.3, abs=0.2)
    assert minutes(speech.test) == pytest.approx(1.7, abs=0.2)


def test_the_manifests_name_the_audio_and_nothing_else(speech: DemoSpeech):
    named = {item.filename for manifest in (speech.train, speech.test) for item in manifest}
    assert named == {path.relative_to(speech.audio_root).as_posix() for path in speech.audio_root.rglob("*.flac")}


def test_durations_are_those_of_the_audio_and_hold_the_annotations(speech: DemoSpeech):
    for item in (*speech.train, *speech.test):
        info = audio.probe(speech.audio_root / item.filename)
        assert item.duration_ms is not None
        assert abs(info.duration_ms - item.duration_ms) <= 1, item.filename
        assert all(span.end_ms <= item.duration_ms for span in item.annotations), item.filename


def test_no_voice_is_on_both_sides(speech: DemoSpeech):
    train, test = ({item.group for item in manifest} for manifest in (speech.train, speech.test))
    assert len(train) >= 4
    assert len(test) == 2
    assert None not in train | test
    assert not train & test


def test_every_type_is_on_both_sides_and_in_several_voices_of_training(speech: DemoSpeech):
    assert set(speech.train.type_names) == set(speech.test.type_names) == TYPES
    voices = {(span.artifact_type, item.group) for item in speech.train for span in item.annotations}
    assert all(n >= 4 for n in Counter(name for name, _ in voices).values())
    tested = Counter(span.artifact_type for item in speech.test for span in item.annotations)
    assert set(tested) == TYPES
    assert min(tested.values()) >= 3


def test_both_sides_hold_clean_files(speech: DemoSpeech):
    for manifest in (speech.train, speech.test):
        assert 0.15 < sum(not item.annotations for item in manifest) / len(manifest) < 0.5


def test_sources_and_licences_are_named(speech: DemoSpeech):
    """Every voice is in the table of the data's README."""
    text = (data_folder() / "README.md").read_text("utf-8")
    assert all(f"`{item.group}`" in text for manifest in (speech.train, speech.test) for item in manifest)


def test_the_example_has_several_types_and_becomes_a_wav(speech: DemoSpeech, demo_wav):
    item = next(item for item in speech.test if speech.audio_root / item.filename == example_audio())
    assert len({span.artifact_type for span in item.annotations}) >= 3
    assert audio.probe(demo_wav).duration_ms == item.duration_ms


def test_asking_for_the_speech_loads_no_torch():
    code = "import sys, relaylib; relaylib.load_demo(); sys.exit(not {'torch', 'bokeh'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
