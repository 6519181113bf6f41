"""The demo end to end: every file done, everything written, and the figures at least modest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from relaylib.demo import DemoSpeech
from relaylib.formats import read_detections

if TYPE_CHECKING:
    from relaylib.demo import DemoResult

pytestmark = pytest.mark.slow


def test_everything_is_written_where_the_result_says(result: DemoResult):
    assert result.detector_path.stat().st_size > 10_000
    assert result.picture_path.read_bytes().startswith(b"\x89PNG")
    assert "<html" in result.report_path.read_text("utf-8")
    folders = {path.parent for path in (result.detections_path, result.report_path, result.picture_path)}
    assert folders == {result.detector_path.parent}


def test_every_file_is_completed_and_read_back_as_it_was(result: DemoResult, speech: DemoSpeech):
    assert [r.original_filename for r in result.results] == [item.filename for item in speech.test]
    assert {r.status for r in result.results} == {"completed"}
    assert tuple(read_detections(result.detections_path)) == result.results


def test_unseen_voices_are_searched_with_modest_success(result: DemoResult):
    event = result.evaluation.event
    assert event.macro_f1 > 0.3
    assert event.f1[event.type_names.index("long_pause")] >= 0.75


def test_the_detector_finds_the_same_again_from_its_file(result: DemoResult, speech: DemoSpeech):
    from relaylib import Detector

    again = Detector.load(result.detector_path).detect(speech.audio_root / result.pictured)
    expected = next(r for r in result.results if r.original_filename == result.pictured)
    assert tuple(again) == expected.detections


def test_text_and_json_hold_the_figures(result: DemoResult, speech: DemoSpeech):
    text, body = result.text(), json.loads(json.dumps(result.to_dict()))
    assert all(name in text for name in (*speech.test.type_names, "pico_us_01.flac", "macro"))
    assert body["metrics"]["f1_score"] == pytest.approx(result.evaluation.event.macro_f1)
    assert body["pictured_file"] == result.pictured
