"""relaylib.audio.decoding: what comes out of files that are in order."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import soundfile
from scipy import signal
from sounds import DURATION_S, LOSSLESS, LOSSY, marked

from relaylib.audio import Resampler, downmix, load, probe, resample, stream
from relaylib.errors import ParameterError
from relaylib.types import SAMPLE_RATE

SUBTYPES = [
    (".wav", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")
] + [(".flac", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")]


@pytest.mark.parametrize(("suffix", "subtype"), SUBTYPES)
def test_16_khz_mono_is_what_soundfile_reads(tmp_path, rng, suffix, subtype):
    """Bit for bit: nothing is resampled, mixed or scaled."""
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, rng.uniform(-1, 1, 20_000), SAMPLE_RATE, subtype=subtype)
    np.testing.assert_array_equal(load(path).samples, soundfile.read(path, dtype="float32")[0])


@pytest.mark.parametrize("n_channels", [2, 6, 8])
@pytest.mark.parametrize("rate", [44_100, 192_000])
def test_channels_are_averaged_before_resampling(tmp_path, rng, n_channels, rate):
    path = tmp_path / "x.wav"
    soundfile.write(path, rng.uniform(-1, 1, (rate // 2, n_channels)), rate, subtype="FLOAT")
    whole = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_array_equal(load(path).samples, resample(downmix(whole), rate, SAMPLE_RATE))
    assert probe(path).channels == n_channels


@pytest.mark.parametrize("case", [LOSSLESS[0], LOSSLESS[2], LOSSY[0], LOSSY[5], LOSSY[7], LOSSY[11]], ids=str)
@pytest.mark.parametrize("block_samples", [97, 4096, 160_000])
def test_blocks_are_even_and_join_to_the_whole(encoded, case, block_samples):
    path = encoded(*case)
    blocks = list(stream(path, block_samples=block_samples))
    assert {len(block) for block in blocks[:-1]} <= {block_samples}
    assert 0 < len(blocks[-1]) <= block_samples
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), load(path).samples)


def test_blocks_must_have_a_length(tmp_path):
    """Said at the call, not at the first block."""
    with pytest.raises(ParameterError, match="block_samples=0"):
        stream(tmp_path / "x.wav", block_samples=0)


@pytest.mark.parametrize("speed", [0.5, 0.87, 1.15, 2.0])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_tone_rises_and_a_recording_shrinks_with_its_speed(tmp_path, speed, rate):
    """The largest bin of SciPy's periodogram, of a tone of 1 kHz."""
    times_s = np.arange(rate) / rate
    soundfile.write(tmp_path / "x.wav", 0.5 * np.sin(2 * np.pi * 1000 * times_s), rate, subtype="FLOAT")
    samples = load(tmp_path / "x.wav", speed=speed).samples
    assert len(samples) == pytest.approx(SAMPLE_RATE / speed, abs=2)
    bins, power = signal.periodogram(samples, SAMPLE_RATE, window="hann")
    assert bins[power.argmax()] == pytest.approx(1000 * speed, abs=1.0)
    np.testing.assert_array_equal(np.concatenate(list(stream(tmp_path / "x.wav", speed=speed))), samples)


@pytest.mark.parametrize("speed", [0.0, -1.0, 0.49, 2.01, float("nan")])
def test_a_speed_out_of_range_is_refused_at_the_call(tmp_path, speed):
    for read in (load, stream):
        with pytest.raises(ParameterError, match=rf"speed={speed}: need 0.5 <= speed <= 2"):
            read(tmp_path / "x.wav", speed=speed)


def test_the_result_is_that_of_the_parts(encoded):
    """Decoded by soundfile, resampled by the streaming object."""
    path = encoded(*LOSSLESS[0])
    x, rate = soundfile.read(path, dtype="float32")
    resampler = Resampler(rate, SAMPLE_RATE)
    np.testing.assert_array_equal(load(path).samples, np.concatenate([resampler.push(x), resampler.flush()]))


@pytest.mark.parametrize(
    ("case", "container", "codec"),
    [
        (LOSSLESS[0], "wav", "pcm_16"),
        (LOSSLESS[2], "flac", "pcm_24"),
        (LOSSLESS[4], "aiff", "pcm_16"),
        (LOSSY[0], "mp3", "mp3"),
        (LOSSY[4], "ogg", "vorbis"),
        (LOSSY[5], "ogg", "opus"),
        (LOSSY[7], "mp4", "aac"),
        (LOSSY[9], "aac", "aac"),
        (LOSSY[11], "webm", "opus"),
    ],
    ids=lambda value: str(value),
)
def test_probe_tells_format_rate_and_length(encoded, case, container, codec):
    path = encoded(*case)
    info = probe(path)
    assert info.n_samples is None or abs(info.n_samples / info.sample_rate - DURATION_S) <= 0.001
    if case[1] is None and case[2] != "VORBIS":
        assert info.n_samples == round(DURATION_S * case[3])
    assert (info.container, info.codec, info.sample_rate, info.channels) == (container, codec, case[3], 1)
    if container == "aac":  # which has no length, only frames
        assert info.duration_ms is None
    else:
        assert info.duration_ms is not None
        assert abs(info.duration_ms - 2000) <= (1 if container == "ogg" else 50)


@pytest.mark.parametrize("case", [LOSSLESS[0], LOSSLESS[2], *LOSSY[:2], *LOSSY[4:10], LOSSY[11]], ids=str)
def test_the_content_decides_not_the_ending(encoded, tmp_path, case):
    path = encoded(*case)
    for other in ("x.wav", "x.mp3", "x", "x: y#%.txt"):
        shutil.copy(path, tmp_path / other)
        np.testing.assert_array_equal(load(tmp_path / other).samples, load(path).samples)


def test_flac_behind_an_id3_tag(tmp_path, encoded):
    path = encoded(*LOSSLESS[2])
    tagged = tmp_path / "tagged.flac"
    tagged.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + path.read_bytes())
    np.testing.assert_array_equal(load(tagged).samples, load(path).samples)


def test_flac_written_to_a_pipe_has_no_length(tmp_path):
    """Its STREAMINFO says 0 samples, for "unknown"; all that is there is decoded."""
    path = tmp_path / "x.flac"
    soundfile.write(path, marked(SAMPLE_RATE), SAMPLE_RATE, subtype="PCM_16")
    expected = load(path).samples
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert probe(path).duration_ms is None
    np.testing.assert_array_equal(load(path).samples, expected)


def test_abandoned_stream_closes_its_file(encoded):
    import psutil

    for case in (LOSSLESS[0], LOSSY[0]):
        path = encoded(*case)
        blocks = stream(path, block_samples=100)
        next(blocks)
        blocks.close()
        assert str(path) not in [file.path for file in psutil.Process().open_files()]


def test_importing_the_room_costs_neither_torch_nor_av():
    code = """
        import sys, relaylib.audio
        heavy = {"torch", "torchaudio", "librosa", "av"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_every_public_name_is_there():
    import relaylib.audio as room

    assert all(hasattr(room, name) for name in room.__all__)
