import base64
import io
import re

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.types import Waveform
from relaylib.widgets.listening import open_sound, outline, player


@given(
    n_samples=st.integers(1, 40_000),
    at=st.floats(0, 1, exclude_max=True),
    n_columns=st.integers(1, 3000),
)
def test_a_click_of_one_sample_shows_where_it_is_at_any_zoom(n_samples, at, n_columns):
    samples = np.zeros(n_samples, np.float32)
    click = int(at * n_samples)
    samples[click] = -0.5
    end_ms = -(-n_samples // 16)
    drawn = outline(open_sound(samples), 0, end_ms, n_columns)
    assert len(drawn["x"]) <= n_columns
    column = int(drawn["low"].argmin())
    assert drawn["low"][column] == -0.5
    width = -(-16 * end_ms // n_columns)
    assert abs(drawn["x"][column] * 16_000 - (click + 0.5)) <= width / 2 + 1e-6


def test_a_click_shows_in_a_stretch_of_an_hour():
    """Long stretches are drawn from the pyramid; its columns of 64 * 2**k samples hold the click too."""
    samples = np.zeros(70 * 16_000, np.float32)
    samples[1_000_000] = 0.5  # 62.5 s
    drawn = outline(open_sound(samples), 0, 70_000, 500)
    assert len(drawn["x"]) <= 501
    assert drawn["high"].max() == pytest.approx(0.5, abs=0.01)
    assert drawn["x"][drawn["high"].argmax()] == pytest.approx(62.5, abs=70 / 250)


def test_a_file_is_drawn_like_its_samples(tmp_path):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000).astype(np.float32)
    save(tmp_path / "a.wav", Waveform(samples))
    recording = open_sound(tmp_path / "a.wav")
    recording.done.wait(10)
    of_file, of_samples = outline(recording, 100, 900, 50), outline(open_sound(samples), 100, 900, 50)
    for name in ("x", "low", "high"):
        np.testing.assert_array_equal(of_file[name], of_samples[name])


def test_the_player_holds_the_stretch():
    """The FLAC inside is the samples from 250 to 500 ms, faded for 4 ms at the cuts, read by libsndfile."""
    samples = (np.arange(16_000, dtype=np.float32) / 32_768) % 1
    html = player(open_sound(samples), 250, 500)
    content = base64.b64decode(re.search(r"base64,([^\"]+)", html).group(1))
    played, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    assert rate == 16_000
    assert len(played) == 4000
    np.testing.assert_array_equal(played[64:-64], samples[4064:7936])
    assert played[0] == 0.0
    assert abs(played[-1]) <= samples[8000] / 32


def test_nothing_to_play_is_said():
    assert "no sound there" in player(open_sound(np.zeros(160, np.float32)), 500, 900)


def test_what_is_no_audio_is_refused():
    with pytest.raises(ParameterError, match="audio is a int; need a file"):
        open_sound(5)
