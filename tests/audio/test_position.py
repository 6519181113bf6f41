"""Where a sound is in the file is where it is in the waveform, whatever the format."""

from __future__ import annotations

import av
import numpy as np
import pytest
import soundfile
from sounds import DURATION_S, LOSSLESS, LOSSY, MARK_S, burst, marked, place_of_burst, write

from relaylib.audio import load, probe


def name_of(case):
    suffix, _, codec, rate = case
    return f"{codec}{suffix}-{rate}"


@pytest.mark.parametrize("case", LOSSLESS, ids=name_of)
def test_lossless_within_1_ms(encoded, case):
    wave = load(encoded(*case))
    assert abs(place_of_burst(wave.samples) - MARK_S) <= 0.001
    assert abs(len(wave.samples) / 16_000 - DURATION_S) <= 0.001


@pytest.mark.parametrize("case", LOSSY, ids=name_of)
def test_lossy_within_30_ms(encoded, case):
    """Held to 2 ms in fact: each of these containers tells its delay, or it is known."""
    wave = load(encoded(*case))
    assert abs(place_of_burst(wave.samples) - MARK_S) <= 0.002
    # AAC without a container cannot say where its last frame ends
    assert abs(len(wave.samples) / 16_000 - DURATION_S) <= (0.07 if case[0] == ".aac" else 0.001)


@pytest.mark.parametrize("rate", [44_100, 48_000, 24_000, 8_000])
def test_a_single_sample_keeps_its_place(tmp_path, rate):
    """The middle of the filter's answer is within half an output sample of the impulse."""
    x = np.zeros(rate, np.float32)
    x[rate // 3] = 0.9
    soundfile.write(tmp_path / "x.wav", x, rate, subtype="FLOAT")
    place_s = np.argmax(np.abs(load(tmp_path / "x.wav").samples)) / 16_000
    assert abs(place_s - (rate // 3) / rate) <= 0.5 / 16_000 + 1e-9


@pytest.mark.parametrize("rate", [44_100, 24_000, 16_000])
def test_mp3_without_a_tag(encoded, rate):
    """The delay of LAME is assumed where nothing is said."""
    wave = load(encoded(".mp3", "mp3", "libmp3lame", rate, write_xing="0"))
    assert abs(place_of_burst(wave.samples) - MARK_S) <= 0.002


def test_fragmented_mp4(encoded):
    """Without an edit list one AAC frame of delay stays, 23 ms at 44.1 kHz."""
    path = encoded(".mp4", "mp4", "aac", 44_100, movflags="frag_keyframe+empty_moov")
    assert abs(place_of_burst(load(path).samples) - MARK_S) <= 0.030


def test_sound_that_starts_later_than_the_film_is_led_by_silence(tmp_path):
    """Positions are those of the player: the container's clock starts with the pictures."""
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = out.add_stream("aac", rate=48_000)
        audio.layout = "mono"
        for i in range(50):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            picture.pts = i
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
        x = marked(48_000)
        for start in range(0, len(x) - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(x[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start + 24_000
            out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    assert probe(path).codec == "aac"
    assert abs(place_of_burst(load(path).samples) - (MARK_S + 0.5)) <= 0.030


def test_a_gap_in_the_clock_becomes_silence(tmp_path):
    """A second that the recorder lost keeps what follows in place."""
    rate = 48_000
    x = burst(np.arange(3 * rate) / rate, at_s=2.5).astype(np.float32)
    path = tmp_path / "gap.webm"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libopus", rate=rate)
        stream.layout = "mono"
        for start in range(0, len(x), 960):
            frame = av.AudioFrame.from_ndarray(x[None, start : start + 960], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            for packet in stream.encode(frame):
                if not 1.0 <= packet.pts * packet.time_base < 2.0:
                    out.mux(packet)
        out.mux(stream.encode(None))
    wave = load(path)
    assert abs(place_of_burst(wave.samples) - 2.5) <= 0.010
    assert not wave.samples[int(1.1 * 16_000) : int(1.9 * 16_000)].any()


def test_stereo_is_averaged(tmp_path):
    """Equal bursts of opposite sign cancel; two of one sign keep their level."""
    mono = marked(16_000)
    soundfile.write(tmp_path / "s.wav", np.stack([mono, mono], axis=1), 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(load(tmp_path / "s.wav").samples, mono)
    soundfile.write(tmp_path / "o.wav", np.stack([mono, -mono], axis=1), 16_000, subtype="FLOAT")
    assert not load(tmp_path / "o.wav").samples.any()


def test_opus_and_vorbis_level(tmp_path):
    """Decoded floats are full scale 1, like those of WAV."""
    for suffix, container, codec, rate in LOSSY:
        path = write(tmp_path / f"l{codec}{rate}{suffix}", marked(rate), rate, container, codec)
        assert 0.6 < np.abs(load(path).samples).max() < 1.0, path.name
