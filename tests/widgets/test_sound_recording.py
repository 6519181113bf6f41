from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
import soundfile
from bursts import with_bursts, write

from relaylib.audio import load
from relaylib.errors import ParameterError, RelayError
from relaylib.widgets.sound import MAX_PIECE, Recording
from relaylib.widgets.sound.pcm import to_int16

RATE = 16_000
FORMATS = [
    (".wav", None, "PCM_16", 44_100),
    (".flac", None, "PCM_24", 24_000),
    (".mp3", "mp3", "libmp3lame", 44_100),
    (".m4a", "ipod", "aac", 44_100),
    (".ogg", "ogg", "libopus", 48_000),
]


@pytest.fixture
def take(tmp_path):
    """Return a WAV of 30 s at 16 kHz."""
    path = tmp_path / "take.wav"
    soundfile.write(path, with_bursts(30, RATE, [1.0, 29.0]), RATE, subtype="FLOAT")
    return path


class Gate:
    """Hears the progress of a decoding, and holds its thread after the first block."""

    def __init__(self):
        self.calls = []
        self.arrived, self.go_on = threading.Event(), threading.Event()

    def __call__(self, recording):
        self.calls.append((recording.decoded_ms, recording.done.is_set()))
        self.arrived.set()
        assert self.go_on.wait(20)


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.go_on.set()


def decoding_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("decoding")]


@pytest.mark.parametrize("case", FORMATS, ids=lambda case: case[2])
def test_the_sound_is_that_of_detections(tmp_path, case):
    """Sample for sample what `load` gives, rounded to 16 bits; the length is exact at the end."""
    suffix, container, codec, rate = case
    path = write(tmp_path / f"take{suffix}", with_bursts(5, rate, [1.0]), rate, container, codec)
    with Recording(path) as recording:
        assert recording.done.wait(20)
        wave = load(path)
        assert recording.error is None
        assert recording.duration_ms == recording.decoded_ms == wave.duration_ms
        assert recording.n_decoded == len(wave.samples)
        assert recording.pcm(0, MAX_PIECE) == to_int16(wave.samples).astype("<i2").tobytes()


def test_a_recording_is_there_before_it_is_decoded(take, gate):
    """The length is that of the header, and what is decoded, half a second, can be seen and heard."""
    with Recording(take, on_progress=gate) as recording:
        assert gate.arrived.wait(10)
        assert (recording.duration_ms, recording.decoded_ms) == (30_000, 500)
        assert len(recording.pcm(0, RATE)) == 2 * 8000
        assert recording.pcm(9000, 10_000) == b""
        begun, ahead = recording.tile(0, 0), recording.tile(0, 1)
        assert (begun.whole, ahead.whole) == (False, False)
        assert begun.peaks[:125].any(axis=1).all()
        assert not begun.peaks[125:].any()
        assert not ahead.peaks.any()
        assert not ahead.spectrogram.any()
        gate.go_on.set()
        assert recording.done.wait(10)
        whole = recording.tile(0, 0)
        assert whole.whole
        np.testing.assert_array_equal(whole.peaks[:125], begun.peaks[:125])
        np.testing.assert_array_equal(whole.spectrogram[:122], begun.spectrogram[:122])
        assert recording.tile(0, 1).peaks.any()


def test_a_whole_tile_changes_no_more(take):
    """Its last columns see samples of the next tile; those are waited for."""
    seen = []
    with Recording(take, on_progress=lambda r: seen.extend([r.tile(0, i) for i in range(29)])) as recording:
        assert recording.done.wait(10)
        while decoding_threads():
            time.sleep(0.01)
        for i in range(29):
            last = recording.tile(0, i)
            for tile in (t for t in seen[i::29] if t.whole):
                np.testing.assert_array_equal(tile.peaks, last.peaks)
                np.testing.assert_array_equal(tile.spectrogram, last.spectrogram)
    assert seen[0].whole != seen[-1].whole


def test_tiles_have_the_shape_of_the_protocol(take):
    with Recording(take) as recording:
        assert recording.done.wait(10)
        for level, index in [(0, 0), (3, 1), (12, 0), (20, 5)]:
            tile = recording.tile(level, index)
            assert (tile.peaks.shape, tile.peaks.dtype) == ((256, 2), np.int8)
            assert (tile.spectrogram.shape, tile.spectrogram.dtype) == ((256, 96), np.uint8)
            assert tile.peaks.flags.c_contiguous
            assert tile.spectrogram.flags.c_contiguous
            np.testing.assert_array_equal(recording.peaks(level, 256 * index, 256), tile.peaks)
            assert tile.whole


def test_progress_is_told_ten_times_a_second_at_most(tmp_path):
    """And at the end, when `done` is set. 10 minutes decode in more than a tenth of a second."""
    path = tmp_path / "long.wav"
    soundfile.write(path, with_bursts(600, RATE, []), RATE, subtype="PCM_16")
    calls = []
    with Recording(path, on_progress=lambda r: calls.append((time.monotonic(), r.decoded_ms, r.done.is_set()))) as r:
        assert r.done.wait(60)
        while decoding_threads():
            time.sleep(0.01)
    times = [call[0] for call in calls]
    assert all(later - earlier >= 0.095 for earlier, later in itertools.pairwise(times[:-1]))
    assert [call[2] for call in calls] == [False] * (len(calls) - 1) + [True]
    assert calls[-1][1] == 600_000


def test_an_error_of_who_listens_does_not_stop_decoding(take, caplog):
    def fail(_):
        raise ConnectionError("the page has gone")

    with Recording(take, on_progress=fail) as recording:
        assert recording.done.wait(10)
        assert (recording.decoded_ms, recording.error) == (30_000, None)
    assert "the page has gone" in caplog.text


def test_what_was_decoded_before_damage_stays(tmp_path):
    """A NaN at 5 s: the sound before its block can be seen and heard, and the length is still that of the header."""
    x = with_bursts(6, RATE, [1.0])
    x[5 * RATE] = np.nan
    path = tmp_path / "nan.wav"
    soundfile.write(path, x, RATE, subtype="FLOAT")
    with Recording(path) as recording:
        assert recording.done.wait(10)
        assert "damaged at 5.000 s" in recording.error
        assert recording.duration_ms == 6000
        assert recording.decoded_ms == 4000  # of blocks of 4.096 s, passed on in pieces of half a second
        assert recording.tile(0, 3).peaks[:200].any(axis=1).all()
        assert recording.tile(0, 5).whole


def test_what_is_no_audio_has_an_error_and_no_sound(tmp_path):
    """Neither an exception nor silence that could be taken for a recording's."""
    path = tmp_path / "text.wav"
    path.write_text("no audio")
    for bad in (path, tmp_path / "absent.wav"):
        with Recording(bad) as recording:
            assert recording.done.is_set()
            assert bad.name in recording.error
            assert (recording.duration_ms, recording.decoded_ms, recording.pcm(0, 10)) == (0, 0, b"")
            assert recording.tile(0, 0).whole


def test_a_piece_has_ten_seconds_at_most(take):
    with Recording(take) as recording:
        assert recording.done.wait(10)
        assert len(recording.pcm(100, 29 * RATE)) == 2 * MAX_PIECE
        np.testing.assert_array_equal(recording.samples(29 * RATE, 31 * RATE), recording.samples(29 * RATE, 30 * RATE))


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (6, 5)])
def test_a_piece_that_runs_backwards_is_refused(take, start, end):
    with Recording(take) as recording, pytest.raises(ParameterError, match=f"start={start}, end={end}"):
        recording.pcm(start, end)


@pytest.mark.parametrize(("level", "index", "message"), [(-1, 0, "level=-1"), (21, 0, "level=21"), (0, -1, "index=-1")])
def test_a_tile_that_there_cannot_be_is_refused(take, level, index, message):
    with Recording(take) as recording, pytest.raises(ParameterError, match=message):
        recording.tile(level, index)


def test_closing_stops_the_thread_and_leaves_no_file(take, gate, tmp_path):
    """In the midst of decoding; what is asked afterwards is refused."""
    folder = tmp_path / "cache"
    recording = Recording(take, folder, on_progress=gate)
    assert gate.arrived.wait(10)
    threading.Timer(0.05, gate.go_on.set).start()
    recording.close()
    recording.close()
    assert decoding_threads() == []
    assert list(folder.iterdir()) == []
    for question in (lambda: recording.tile(0, 0), lambda: recording.pcm(0, 10)):
        with pytest.raises(RelayError, match=r"take\.wav: the recording is closed; open it again"):
            question()


def test_it_may_be_closed_by_who_hears_of_its_progress(take):
    """A page that goes away while it is told; the thread does not wait for itself."""
    recording = Recording(take, on_progress=lambda recording: recording.close())
    assert recording.done.wait(10)
    while decoding_threads():
        time.sleep(0.01)
    assert recording.decoded_ms < 30_000


def test_one_that_is_forgotten_stops_by_itself(take, gate):
    """Its thread, held after half a second of sound, does not go on."""
    recording = Recording(take, on_progress=gate)
    decoding = recording._decoding
    assert gate.arrived.wait(10)
    del recording
    gate.go_on.set()
    assert decoding.done.wait(10)
    assert decoding.n_decoded == RATE // 2


def test_python_ends_while_a_recording_is_open(take):
    """At once and quietly, with a thread in the midst of decoding."""
    code = "import sys; from relaylib.widgets.sound import Recording; kept = Recording(sys.argv[1])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code, take], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_an_hour_takes_less_than_50_mb(tmp_path):
    """Opened, decoded, and looked at from the whole to the single tile."""
    path = tmp_path / "hour.wav"
    minute = with_bursts(60, RATE, [30.0])
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        for _ in range(60):
            file.write(minute)
    code = """
        import sys
        from relaylib.widgets.sound import Recording
        def rss_mb():
            with open("/proc/self/status") as status:
                return int(status.read().split("VmRSS:")[1].split()[0]) / 1024
        def look(path):
            with Recording(path) as recording:
                assert recording.done.wait(60) and recording.error is None
                for level in range(13):
                    for index in (0, 1, 2):
                        recording.tile(level, index)
                recording.pcm(0, 160000)
                return recording.duration_ms, rss_mb()
        look(sys.argv[1])  # libraries are loaded
        before_mb = rss_mb()
        print(*look(sys.argv[2]), before_mb)
    """
    short = tmp_path / "short.wav"
    soundfile.write(short, minute, RATE, subtype="PCM_16")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), short, path], capture_output=True, text=True, check=True
    )
    duration_ms, after_mb, before_mb = map(float, done.stdout.split())
    assert duration_ms == 3_600_000
    assert after_mb - before_mb < 50
