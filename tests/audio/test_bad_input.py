"""Files that are no audio, or damaged: one error, which says what is wrong and what to do."""

from __future__ import annotations

import os
import re
import warnings

import av
import numpy as np
import pytest
import soundfile
from sounds import DURATION_S, LOSSLESS, LOSSY, MARK_S, marked, place_of_burst, write

from relaylib.audio import content_digest, load, probe, stream
from relaylib.errors import AudioDecodeError

CUTTABLE = [case for case in LOSSLESS if case[2] != "alac"] + [c for c in LOSSY if c[2] != "ULAW"]


def fails(path, match):
    """Whether all that read `path` fail alike, naming the file and nothing of the libraries."""
    for read in (load, lambda p: list(stream(p))):
        with pytest.raises(AudioDecodeError, match=match) as caught:
            read(path)
        message = str(caught.value)
        assert message.startswith(str(path))
        assert not re.search(r"Errno|Error \d|libsndfile|avformat|<_io", message), message


def test_empty_file(tmp_path):
    (tmp_path / "x.wav").touch()
    fails(tmp_path / "x.wav", "empty")


def test_absent_file_and_folder(tmp_path):
    fails(tmp_path / "absent.wav", "No such file")
    fails(tmp_path, "directory")
    with pytest.raises(AudioDecodeError, match="cannot be read"):
        load("null\0byte.wav")
    with pytest.raises(AudioDecodeError, match="No such file"):
        content_digest(tmp_path / "absent.wav")
    with pytest.raises(AudioDecodeError, match="cannot be read"):
        content_digest("null\0byte.wav")
    with pytest.raises(AudioDecodeError, match="no regular file"):
        content_digest(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.wav")
    fails(tmp_path / "x.wav", "no regular file")
    with pytest.raises(AudioDecodeError, match="no regular file"):
        content_digest(tmp_path / "x.wav")


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a"])
def test_text(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    path.write_text("Not found. Please log in first.\n" * 40)
    fails(path, "it is text")


def test_playlists_do_not_open_what_they_name(tmp_path, encoded):
    """A file that names another is text, not an order to read it."""
    target = encoded(*LOSSLESS[0])
    path = tmp_path / "x.mp3"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n")
    fails(path, "it is text")
    path.write_text(f"ffconcat version 1.0\nfile '{target}'\n")
    fails(path, "it is text")


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "start", [b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS\0", b"ID3\x04\0\0\0\0\0\0", b"\xff\xfb\x90\x64"]
)
def test_random_bytes(tmp_path, seed, start):
    path = tmp_path / "x.wav"
    path.write_bytes(start + np.random.default_rng(seed).bytes(50_000))
    fails(path, "not audio|damaged|breaks off|no samples|header says")


def test_webm_header_longer_than_a_seek_can_take(tmp_path):
    """A size of 2**56 - 2 bytes, and one of the largest seek, are the error of any cut file."""
    for size in (b"\x01" + b"\xff" * 6 + b"\xfe", b"\x01\x7f" + b"\xff" * 6):
        (tmp_path / "x.webm").write_bytes(b"\x1aE\xdf\xa3" + size + bytes(500))
        fails(tmp_path / "x.webm", "breaks off")


def test_ogg_that_was_never_filled_in(tmp_path, encoded):
    """A download that reserved its place and broke off ends with zeros instead of pages."""
    data = encoded(".ogg", "ogg", "libopus", 48_000).read_bytes()
    (tmp_path / "x.ogg").write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    fails(tmp_path / "x.ogg", "breaks off")


def test_tag_behind_an_ogg(tmp_path, encoded):
    """Bytes behind the page that is marked as the last are no part of the stream."""
    data = encoded(".ogg", "ogg", "libopus", 48_000).read_bytes()
    (tmp_path / "x.ogg").write_bytes(data + b"TAG" + bytes(125))
    assert len(load(tmp_path / "x.ogg").samples) == DURATION_S * 16_000


def test_mp3_with_frames_lost_in_the_middle(tmp_path, encoded):
    """The tag counts the frames: 6 of 26 ms become noise that is skipped, and what follows would come too early."""
    data = bytearray(encoded(".mp3", "mp3", "libmp3lame", 44_100).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = np.random.default_rng(1).bytes(1500)
    (tmp_path / "x.mp3").write_bytes(data)
    fails(tmp_path / "x.mp3", "damaged")


@pytest.mark.parametrize("order", [1, -1])
def test_mp3_that_was_joined_from_several(tmp_path, order):
    """The tag is that of the first, and their bit rates differ: what FFmpeg then guesses is no promise."""
    times = np.arange(5 * 24_000) / 24_000
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 2 * 24_000)
    parts = [
        write(tmp_path / f"{i}.mp3", x.astype(np.float32), 24_000, "mp3", "libmp3lame", {"q": "2"}).read_bytes()
        for i, x in enumerate([0.01 * np.sin(400 * times), noise])
    ]
    (tmp_path / "x.mp3").write_bytes(b"".join(parts[::order]))
    assert 7000 <= load(tmp_path / "x.mp3").duration_ms < 7200
    assert probe(tmp_path / "x.mp3").duration_ms is None
    assert probe(tmp_path / "0.mp3").duration_ms == 5000


@pytest.mark.parametrize(
    ("codec", "first", "then"),
    [("VORBIS", (16_000, 1), (24_000, 1)), ("VORBIS", (16_000, 1), (16_000, 2)), ("OPUS", (24_000, 2), (24_000, 1))],
)
def test_ogg_that_goes_on_at_another_rate_or_with_other_channels(tmp_path, codec, first, then):
    """It ends where the first stream does, for most FFmpegs; what follows must not be left out in silence."""
    parts = []
    for rate, n_channels in (first, then):
        sound = np.repeat(marked(rate)[:, None], n_channels, axis=1)
        soundfile.write(tmp_path / "part.ogg", sound, rate, subtype=codec, format="OGG")
        parts.append((tmp_path / "part.ogg").read_bytes())
    (tmp_path / "x.ogg").write_bytes(b"".join(parts))
    try:
        assert load(tmp_path / "x.ogg").duration_ms >= 4000  # older ones read both, if only the channels change
    except AudioDecodeError:
        fails(tmp_path / "x.ogg", r"damaged at 2\.\d+ s \((another stream begins|nothing can be|the sample rate)")


@pytest.mark.parametrize("n", [1, 3, 4, 11, 12, 20, 40])
@pytest.mark.parametrize("case", [LOSSLESS[0], LOSSLESS[2], LOSSY[0], LOSSY[4], LOSSY[7], LOSSY[9], LOSSY[11]], ids=str)
def test_only_the_first_bytes(tmp_path, encoded, case, n):
    path = tmp_path / "x"
    path.write_bytes(encoded(*case).read_bytes()[:n])
    fails(path, "not audio|breaks off|no samples|damaged")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("case", CUTTABLE, ids=str)
def test_cut_file(tmp_path, encoded, case, share):
    """Every format but MP3 without a tag tells that it goes on."""
    data = encoded(*case).read_bytes()
    path = tmp_path / "x"
    path.write_bytes(data[: int(len(data) * share) | 1])
    fails(path, "breaks off|damaged|not audio")


def test_cut_mp3_without_a_tag_is_decoded(tmp_path, encoded):
    data = encoded(".mp3", "mp3", "libmp3lame", 44_100, write_xing="0").read_bytes()
    (tmp_path / "x.mp3").write_bytes(data[: len(data) // 2])
    assert 900 < load(tmp_path / "x.mp3").duration_ms < 1100


@pytest.mark.parametrize("case", [LOSSLESS[2], LOSSLESS[3]], ids=str)
def test_damaged_flac(tmp_path, encoded, case):
    """Each frame has a checksum: no noise is handed out as speech."""
    data = bytearray(encoded(*case).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = np.random.default_rng(0).bytes(300)
    (tmp_path / "x.flac").write_bytes(data)
    fails(tmp_path / "x.flac", r"damaged at \d\.\d{3} s")


def test_a_damaged_packet_keeps_what_follows_in_place(encoded, caplog):
    """A few AAC packets are silenced; the length stays."""
    path = encoded(".m4a", "ipod", "aac", 44_100)
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + 4 + 2000
    data[start : start + 150] = np.random.default_rng(3).bytes(150)
    path.write_bytes(data)
    samples = load(path).samples
    assert "cannot be decoded" in caplog.text
    assert len(samples) == DURATION_S * 16_000
    assert abs(place_of_burst(samples) - MARK_S) < 0.002


def test_mp3_that_is_mostly_noise(tmp_path, encoded):
    data = bytearray(encoded(".mp3", "mp3", "libmp3lame", 44_100, write_xing="0").read_bytes())
    noise = np.random.default_rng(0)
    for start in range(2000, len(data) - 400, 400):
        data[start + 4 : start + 300] = noise.bytes(296)
    (tmp_path / "x.mp3").write_bytes(data)
    try:
        samples = load(tmp_path / "x.mp3").samples
    except AudioDecodeError as exc:
        assert "damaged" in str(exc)  # noqa: PT017 - either answer is right
    else:
        assert np.isfinite(samples).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_samples_that_are_no_numbers(tmp_path, value, suffix):
    """The first is named by its time; 12 000 / 48 000 Hz = 0.25 s."""
    x = np.zeros((48_000, 2), np.float32)
    x[12_000, 1] = value
    soundfile.write(tmp_path / f"x{suffix}", x, 48_000, subtype="FLOAT")
    fails(tmp_path / f"x{suffix}", r"0\.250 s.*NaN, infinite or enormous")


def test_numbers_beyond_float32_after_mixing(tmp_path):
    x = np.full((4800, 2), 3e38, np.float32)
    soundfile.write(tmp_path / "x.wav", x, 48_000, subtype="FLOAT")
    fails(tmp_path / "x.wav", "NaN, infinite or enormous")


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("value", [1e11, 1e30, 3e38])
@pytest.mark.parametrize("suffix", [".wav", ".caf"])
def test_samples_that_no_recorder_writes(tmp_path, value, subtype, suffix):
    """Finite, but an encoder would make infinity of them: the file is named, not the encoder."""
    soundfile.write(tmp_path / f"x{suffix}", np.full((4800, 2), value), 48_000, subtype=subtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fails(tmp_path / f"x{suffix}", r"0\.000 s.*enormous")


@pytest.mark.parametrize("scale", [2.0**15, 2.0**23, 2.0**31])
def test_whole_numbers_that_were_stored_as_floats_are_loud_but_audio(tmp_path, scale):
    soundfile.write(tmp_path / "x.wav", marked(16_000) * scale, 16_000, subtype="FLOAT")
    assert np.array_equal(load(tmp_path / "x.wav").samples, marked(16_000) * np.float32(scale))


@pytest.mark.filterwarnings("error")  # pytest's word for what a callback could not raise
@pytest.mark.parametrize(
    ("suffix", "subtype", "rate", "at", "value"),
    [
        (".w64", "PCM_16", 22_050, 101, 0x80),
        (".caf", "PCM_16", 22_050, 57, 0x80),
        (".aiff", "FLOAT", 22_050, 28, 0x80),
        (".aiff", "PCM_16", 44_100, 38, 0x80),
    ],
)
def test_lengths_that_lead_to_before_the_start(tmp_path, capfd, suffix, subtype, rate, at, value):
    """A seek that cannot be is that file's error, whatever it is called, and prints nothing."""
    soundfile.write(tmp_path / f"x{suffix}", np.zeros(rate), rate, subtype=subtype)
    data = bytearray((tmp_path / f"x{suffix}").read_bytes())
    data[at] = value
    (tmp_path / "m.wav").write_bytes(data)
    fails(tmp_path / "m.wav", "not audio|damaged")
    assert capfd.readouterr().err == ""


def test_packets_that_claim_to_last_for_minutes(tmp_path):
    """A second whose packets of 1 sample are said to hold 32769 would be hours of silence."""
    soundfile.write(tmp_path / "x.caf", marked(22_050, 1.0), 22_050, subtype="PCM_16")
    data = bytearray((tmp_path / "x.caf").read_bytes())
    data[41] = 0x80
    (tmp_path / "x.caf").write_bytes(data)
    with pytest.raises(
        AudioDecodeError, match=r"x\.caf: damaged at 3804\.\d+ s \(its timestamps leave more than an hour"
    ):
        for _ in stream(tmp_path / "x.caf"):
            pass


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="no file that opens but cannot be read")
def test_disk_that_fails_while_a_file_is_read():
    """The first page of a process cannot be read: EIO, as from a worn disk."""
    with pytest.raises(AudioDecodeError, match=r"^/proc/self/mem: cannot be read: Input/output error"):
        load("/proc/self/mem")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg"])
def test_no_samples(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    soundfile.write(path, np.zeros(0), 44_100, format="OGG" if suffix == ".ogg" else None)
    fails(path, "no samples|not audio|0 bytes")


@pytest.mark.parametrize("read", [load, lambda path: list(stream(path))])
def test_less_than_a_sample_at_16_khz(tmp_path, read):
    """It would be a recording without samples, which is none."""
    soundfile.write(tmp_path / "x.wav", np.full(1, 0.5), 48_000)
    with pytest.raises(AudioDecodeError, match=r"x\.wav: is shorter than a sample at 16000 Hz.*leave it out"):
        read(tmp_path / "x.wav")


def test_film_without_sound(tmp_path):
    path = tmp_path / "x.mp4"
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        out.mux(video.encode(None))
    fails(path, "no audio stream")


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + bytes(500), b"%PDF-1.7\n\xff\xfe" + bytes(500), bytes(5000)]
)
def test_other_kinds_of_files(tmp_path, content):
    (tmp_path / "x.mp3").write_bytes(content)
    fails(tmp_path / "x.mp3", "not audio")


def test_tags_that_are_no_text_harm_nothing(tmp_path):
    """Only FFmpeg's name is in them here; programs write them in whatever their system speaks."""
    path = write(tmp_path / "x.m4a", marked(44_100), 44_100, "mp4", "aac")
    content = path.read_bytes()
    assert content.count(b"Lavf") == 1
    path.write_bytes(content.replace(b"Lavf", b"\xff\xfe\xfd\xfc"))
    assert place_of_burst(load(path).samples) == pytest.approx(MARK_S, abs=0.001)


def test_probe_fails_alike(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"hello")
    with pytest.raises(AudioDecodeError, match="it is text"):
        probe(tmp_path / "x.wav")


def test_one_sample_is_enough(tmp_path):
    """Short is not damaged."""
    soundfile.write(tmp_path / "x.wav", marked(16_000)[:1], 16_000)
    assert len(load(tmp_path / "x.wav").samples) == 1
