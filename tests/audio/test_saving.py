from __future__ import annotations

import numpy as np
import pytest
import soundfile
from sounds import MARK_S, marked, place_of_burst

from relaylib.audio import load, save
from relaylib.errors import ParameterError, RelayError
from relaylib.types import Waveform


@pytest.mark.parametrize(("suffix", "step"), [(".wav", 0), (".aiff", 0), (".flac", 2**-23), (".WAV", 0)])
def test_lossless_formats_come_back(tmp_path, suffix, step):
    """Exactly, but for the 24 bits of FLAC."""
    x = marked(16_000)
    save(tmp_path / f"x{suffix}", Waveform(x))
    np.testing.assert_allclose(load(tmp_path / f"x{suffix}").samples, x, rtol=0, atol=step)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus"])
def test_lossy_formats_keep_the_place(tmp_path, suffix):
    save(tmp_path / f"x{suffix}", Waveform(marked(48_000), 48_000))
    assert abs(place_of_burst(load(tmp_path / f"x{suffix}").samples) - MARK_S) <= 0.002


@pytest.mark.parametrize("suffix", [".wav", ".ogg"])
def test_a_long_recording_is_written_whole(tmp_path, suffix):
    """Twenty minutes, which libsndfile does not survive as one piece of Vorbis; the mark at the end is in its place."""
    x = np.zeros(20 * 60 * 16_000, np.float32)
    x[-32_000:] = marked(16_000)
    save(tmp_path / f"x{suffix}", x)
    y = load(tmp_path / f"x{suffix}").samples
    assert len(y) == len(x)
    assert abs(place_of_burst(y[-32_000:]) - MARK_S) <= 0.002


def test_any_rate_is_written(tmp_path):
    save(tmp_path / "x.wav", Waveform(marked(22_050), 22_050))
    assert soundfile.info(tmp_path / "x.wav").samplerate == 22_050


def test_an_array_brings_its_rate_and_channels(tmp_path):
    x = np.stack([marked(22_050), -marked(22_050)], axis=1)
    save(tmp_path / "x.wav", x, 22_050)
    back, rate = soundfile.read(tmp_path / "x.wav", dtype="float32")
    np.testing.assert_array_equal(back, x)
    assert rate == 22_050


def test_loud_samples_survive_in_wav(tmp_path):
    save(tmp_path / "x.wav", Waveform(np.array([2.0, -3.0], np.float32)))
    assert load(tmp_path / "x.wav").samples.tolist() == [2.0, -3.0]


def test_what_was_there_stays_when_writing_fails(tmp_path, monkeypatch):
    """The new file is renamed only when it is complete, and leaves nothing behind else."""
    save(tmp_path / "x.wav", Waveform(marked(16_000)))
    before = (tmp_path / "x.wav").read_bytes()

    def fail(file, samples):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile.SoundFile, "write", fail)
    with pytest.raises(RelayError, match="No space left"):
        save(tmp_path / "x.wav", Waveform(np.zeros(10, np.float32)))
    assert (tmp_path / "x.wav").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.wav"]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff"])
@pytest.mark.parametrize("missing", [1, 1000, None])
def test_a_full_disk_is_named_and_keeps_what_was_there(tmp_path, files_at_most, suffix, missing):
    """However little is missing at the end, which libsndfile does not tell in every format."""
    path = tmp_path / f"x{suffix}"
    save(path, Waveform(marked(48_000), 48_000))
    before = path.read_bytes()
    room = 0 if missing is None else len(before) - missing
    with files_at_most(room), pytest.raises(RelayError, match=r"cannot be written: File too large\.") as caught:
        save(path, Waveform(marked(48_000), 48_000))
    assert not isinstance(caught.value, ParameterError)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("dtype", [np.float16, ">f4", np.longdouble])
def test_any_floats_are_written(tmp_path, dtype):
    x = np.array([0.5, -0.25, 0.0])
    save(tmp_path / "x.wav", x.astype(dtype))
    assert load(tmp_path / "x.wav").samples.tolist() == x.tolist()


@pytest.mark.parametrize("suffix", [".wav", ".ogg"])
def test_samples_that_are_not_finite_are_refused(tmp_path, suffix):
    """They could not be loaded again."""
    for wrong in (np.nan, np.inf):
        with pytest.raises(ParameterError, match="NaN or infinite; repair"):
            save(tmp_path / f"x{suffix}", np.array([0.0, wrong]))
    assert not list(tmp_path.iterdir())


def test_file_is_as_readable_as_others(tmp_path):
    (tmp_path / "other").touch()
    save(tmp_path / "x.wav", Waveform(marked(16_000)))
    assert (tmp_path / "x.wav").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_wrong_arguments_are_named(tmp_path):
    wave = Waveform(marked(16_000))
    with pytest.raises(ParameterError, match=r"'\.xyz'; use \.wav"):
        save(tmp_path / "x.xyz", wave)
    with pytest.raises(ParameterError, match="no samples"):
        save(tmp_path / "x.wav", Waveform(np.zeros(0, np.float32)))
    for wrong in (np.zeros(4, np.int16), np.zeros((2, 2, 2)), np.float64(0)):
        with pytest.raises(ParameterError, match="need floats"):
            save(tmp_path / "x.wav", wrong)
    with pytest.raises(ParameterError, match="at 0 Hz"):
        save(tmp_path / "x.wav", np.zeros(4), 0)
    with pytest.raises(ParameterError, match="123 Hz"):
        save(tmp_path / "x.opus", Waveform(marked(16_000), 123))
    with pytest.raises(RelayError, match="No such file"):
        save(tmp_path / "absent" / "x.wav", wave)


@pytest.mark.parametrize(
    ("suffix", "sample_rate", "n_channels"), [(".ogg", 200_001, 1), (".ogg", 16_000, 256), (".flac", 16_000, 9)]
)
def test_what_a_format_cannot_hold_is_refused(tmp_path, suffix, sample_rate, n_channels):
    """Before libsndfile crashes, which it does in Vorbis."""
    with pytest.raises(ParameterError, match=f"cannot hold {n_channels} channels at {sample_rate} Hz"):
        save(tmp_path / f"x{suffix}", np.zeros((1000, n_channels)), sample_rate)
    assert not list(tmp_path.iterdir())
