import math
from types import SimpleNamespace

import numpy as np
import pytest
from labelled_speech import flawed, trained, untrained

from relaylib.audio import AudioFile, find_audio, save
from relaylib.models import detect_files
from relaylib.types import DecodeConfig, Waveform


@pytest.fixture
def folder(tmp_path):
    """Return a folder with every kind of file that a batch meets."""
    samples, _ = flawed(4.0, 5)
    save(tmp_path / "good.wav", Waveform(samples))
    save(tmp_path / "good.flac", Waveform(samples))
    (tmp_path / "empty.wav").touch()
    (tmp_path / "cut.flac").write_bytes((tmp_path / "good.flac").read_bytes()[:5000])
    (tmp_path / "cut.wav").write_bytes((tmp_path / "good.wav").read_bytes()[:30])
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(20_000))
    (tmp_path / "text.wav").write_text("Not found. Please log in first.\n" * 40)
    save(tmp_path / "last.wav", Waveform(samples))
    return tmp_path


NAMES = ("good.wav", "empty.wav", "cut.flac", "cut.wav", "noise.mp3", "text.wav", "absent.wav", "good.flac", "last.wav")


def test_bad_files_fail_with_a_reason_and_the_good_ones_are_done(folder):
    """In the order given, each named; a failed file has no detections and no duration."""
    files = [AudioFile(folder / name, name) for name in NAMES]
    results = {result.original_filename: result for result in detect_files(trained(), files)}
    assert tuple(results) == NAMES
    for name, result in results.items():
        if name in ("good.wav", "good.flac", "last.wav"):
            assert result.status == "completed"
            assert result.error_message is None
            assert result.duration_ms == 4000
            assert result.detections == tuple(trained().detect(folder / name))
            assert result.detections
        else:
            assert result.status == "failed", name
            assert name in result.error_message
            assert "Traceback" not in result.error_message
            assert result.detections == ()
            assert result.duration_ms is None


def test_a_folder_that_is_searched_gives_a_result_for_each_file(folder):
    results = list(detect_files(untrained(), find_audio([folder])))
    assert len(results) == len(NAMES) - 1
    assert {result.status for result in results} == {"completed", "failed"}


def test_results_come_as_files_are_done(folder):
    """On one core, the second file is not asked for before the first result was taken."""
    asked = []

    def files():
        for name in ("good.wav", "last.wav"):
            asked.append(name)
            yield AudioFile(folder / name, name)

    results = detect_files(untrained(), files())
    assert next(results).original_filename == "good.wav"
    assert asked == ["good.wav"]


def test_decoding_settings_hold_for_every_file(folder):
    config = DecodeConfig(min_duration_ms=1000)
    files = [AudioFile(folder / name, name) for name in ("good.wav", "last.wav")]
    for result in detect_files(trained(), files, config):
        assert result.detections == tuple(trained().detect(folder / "good.wav", config))


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error"), PermissionError(13, "denied")])
def test_a_file_that_the_machine_cannot_read_fails_alone(error):
    """Whatever went wrong, there is a reason to show."""

    def score(_):
        raise error

    (result,) = detect_files(SimpleNamespace(score=score, encoder=None), [AudioFile("a.wav", "a.wav")])
    assert result.status == "failed"
    assert result.error_message


def test_our_own_mistakes_are_not_blamed_on_the_file():
    def score(_):
        return math.nan.missing

    with pytest.raises(AttributeError):
        list(detect_files(SimpleNamespace(score=score, encoder=None), [AudioFile("a.wav", "a.wav")]))


def test_no_files_give_no_results():
    assert list(detect_files(untrained(), [])) == []
