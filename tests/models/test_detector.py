import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile
from labelled_speech import flawed, spectral, trained, untrained

from relaylib.audio import load, save
from relaylib.errors import AudioDecodeError, ParameterError
from relaylib.types import DecodeConfig, Waveform


@pytest.fixture
def wav(tmp_path):
    samples, _ = flawed(6.0, 77)
    save(tmp_path / "a.wav", Waveform(samples))
    return tmp_path / "a.wav"


def test_a_file_and_its_samples_give_the_same_detections(wav):
    """As a path, as text, as a waveform, as samples and as blocks of any size."""
    detector, waveform = trained(), load(wav)
    expected = detector.score(wav)
    found = detector.detect(wav)
    assert found
    for source in (str(wav), waveform, waveform.samples, np.array_split(waveform.samples, 7)):
        scores = detector.score(source)
        np.testing.assert_array_equal(scores.values, expected.values)
        assert scores.duration_ms == expected.duration_ms == 6000
        assert detector.detect(source) == found


def test_a_file_of_another_rate_is_as_its_waveform(tmp_path):
    """44.1 kHz stereo: loading and resampling are the same way in."""
    rng = np.random.default_rng(0)
    soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal((44_100 * 3, 2)), 44_100)
    detector = untrained(kind="conv")
    by_path, by_samples = detector.score(tmp_path / "a.wav"), detector.score(load(tmp_path / "a.wav"))
    np.testing.assert_allclose(by_path.values, by_samples.values, atol=1e-6)
    assert by_path.duration_ms == by_samples.duration_ms == 3000


def test_scores_have_a_row_per_frame_and_a_column_per_type():
    scores = untrained().score(np.zeros(16_000 + 1, np.float32))
    assert scores.values.shape == (51, 3)
    assert scores.values.dtype == np.float32
    assert scores.artifact_types == ("gap", "click", "echo")
    assert (scores.values >= 0).all()
    assert (scores.values <= 1).all()
    assert (scores.duration_ms, scores.hop_ms) == (1000, 20)


def test_empty_audio_has_no_frames_and_no_detections():
    for source in (np.zeros(0, np.float32), Waveform(np.zeros(0, np.float32), 44_100), iter([])):
        assert untrained().score(source).values.shape == (0, 3)
    assert untrained().detect(np.zeros(0, np.float32)) == []


def test_very_short_audio_is_scored():
    for n_samples in (1, 2, 319, 320, 321):
        scores = untrained(kind="conv").score(np.full(n_samples, 0.1, np.float32))
        assert scores.values.shape == (-(-n_samples // 320), 3)
        assert np.isfinite(scores.values).all()


def test_decoding_settings_reach_the_decoder(wav):
    """A lower threshold covers at least as much; a minimum of 400 ms leaves the gap only."""
    detector = trained()
    covered = [
        sum(d.end_ms - d.start_ms for d in detector.detect(wav, DecodeConfig(threshold=threshold)))
        for threshold in (0.9, 0.5, 0.1)
    ]
    assert covered == sorted(covered)
    assert {d.artifact_type for d in detector.detect(wav, DecodeConfig(min_duration_ms=400))} == {"gap"}


def test_what_cannot_be_scored_is_an_error(tmp_path):
    with pytest.raises(AudioDecodeError, match=r"absent\.wav"):
        untrained().score(tmp_path / "absent.wav")
    with pytest.raises(ParameterError, match="NaN"):
        untrained().score(np.full(1000, np.nan, np.float32))
    with pytest.raises(ParameterError, match="mono"):
        untrained().score(np.zeros((1000, 2), np.float32))


def test_a_detector_says_what_it_is():
    assert repr(untrained(kind="mlp")) == "Detector(gap, click, echo; mlp head on spectral)"


# not ru_maxrss where there is VmHWM: the former starts at the memory of the process that started this one
PEAK = """
    import pathlib, resource, sys, torch
    from relaylib.models import Detector
    torch.set_num_threads(1)
    scores = Detector.load(sys.argv[1]).score(sys.argv[2])
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        peak_kb = int(status.read_text().split("VmHWM:")[1].split()[0])
    else:
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    print(len(scores), peak_kb)
"""


def peak_mb(model, path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PEAK), str(model), str(path)], capture_output=True, text=True, check=True
    )
    n_frames, peak_kb = map(int, done.stdout.split())
    return n_frames, peak_kb / 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="resource is not there")
def test_memory_does_not_grow_with_length(tmp_path):
    """20 minutes take less than 150 MB more than one, of which a spectral embedding alone would be 30."""
    model = untrained(kind="conv").save(tmp_path / "model.safetensors")
    minute = 0.1 * np.random.default_rng(0).standard_normal(16_000 * 60)
    peaks = []
    for n_minutes in (1, 20):
        path = tmp_path / f"{n_minutes}.wav"
        with soundfile.SoundFile(path, "w", 16_000, 1, subtype="PCM_16") as file:
            for _ in range(n_minutes):
                file.write(minute)
        n_frames, peak = peak_mb(model, path)
        assert n_frames == 3000 * n_minutes
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 150


def test_long_audio_is_scored_in_windows_much_as_in_one_piece():
    """48 s are two windows: the first one's scores are close to those of the first 30 s alone."""
    samples = np.concatenate([flawed(6.0, seed)[0] for seed in range(8)])
    window = spectral().window
    windowed, alone = trained().score(samples).values, trained().score(samples[:window]).values
    assert len(windowed) == len(samples) // 320
    n_frames = 20 * 50
    assert np.abs(windowed[:n_frames] - alone[:n_frames]).mean() < 0.02
