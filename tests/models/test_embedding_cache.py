"""What was embedded once is read from disk, unless it is damaged, and an interrupted run goes on."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_encoders import PlaceholderEncoder, speechlike

from relaylib.errors import AudioDecodeError, ParameterError, RelayError
from relaylib.models import EmbeddingCache, embed
from relaylib.models import cache as cache_module
from relaylib.types import HOP, Waveform

LONG = 4.0  # seconds; six windows of the placeholder


@pytest.fixture
def cache(tmp_path):
    return EmbeddingCache(tmp_path / "cache")


@pytest.fixture
def speech():
    return Waveform(speechlike(LONG))


def files(cache, pattern="*/*"):
    return sorted(cache.folder.glob(pattern))


def test_the_first_time_computes_and_the_second_reads(cache, speech):
    encoder = PlaceholderEncoder()
    first, second = cache.frames(speech, encoder), cache.frames(speech, encoder)
    assert len(encoder.encoded) == 6
    expected = embed(speech, PlaceholderEncoder())
    for frames in (first, second, EmbeddingCache(cache.folder).frames(speech, encoder)):
        assert not frames.embeddings.flags.owndata
        assert frames.embeddings.dtype == np.float16
        np.testing.assert_array_equal(frames.embeddings, expected.embeddings.astype(np.float16))
        assert (frames.duration_ms, frames.hop_ms) == (4000, 20)
    assert len(encoder.encoded) == 6
    assert [file.suffix for file in files(cache)] == [".json", ".npy"]


def test_what_is_written_to_embeddings_stays_with_their_holder(cache, speech, encoder):
    cache.frames(speech, encoder)  # computed
    first, second = cache.frames(speech, encoder), cache.frames(speech, encoder)
    before = second.embeddings.copy()
    first.embeddings[:] = 0
    np.testing.assert_array_equal(second.embeddings, before)
    np.testing.assert_array_equal(EmbeddingCache(cache.folder).frames(speech, encoder).embeddings, before)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is open")
@pytest.mark.parametrize("name", ["cache", "\udcff"])
def test_embeddings_hold_no_file_open(tmp_path, encoder, name):
    """A training keeps those of all recordings, which may be more than files that a process may open.

    In a folder whose name is no text they are held open.
    """
    cache, speech = EmbeddingCache(tmp_path / name), Waveform(speechlike(0.5))
    n_open = len(os.listdir("/proc/self/fd"))
    held = [cache.frames(speech, encoder) for _ in range(3)]
    assert len(os.listdir("/proc/self/fd")) == n_open + (len(held) if name == "\udcff" else 0)
    assert {frames.embeddings.tobytes() for frames in held} == {held[0].embeddings.tobytes()}


def test_entries_are_plain_numpy_files_with_a_readable_sidecar(cache, speech, encoder):
    cache.frames(speech, encoder)
    sidecar, array = files(cache)
    assert np.load(array).shape == (199, 5)
    about = json.loads(sidecar.read_text())
    assert about["encoder"] == "placeholder"
    assert (about["duration_ms"], about["dim"], about["hop"]) == (4000, 5, 320)


def test_files_are_known_by_their_content(cache, tmp_path, encoder):
    """A renamed copy is a hit; other bytes under the same name are not."""
    samples = speechlike(0.5)
    soundfile.write(tmp_path / "a.wav", samples, 16000)
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    first, second = (cache.frames(tmp_path / name, encoder) for name in ("a.wav", "b.wav"))
    np.testing.assert_array_equal(first.embeddings, second.embeddings)
    assert len(cache) == len(encoder.encoded) == 1
    soundfile.write(tmp_path / "a.wav", samples[::-1], 16000)
    assert not np.array_equal(cache.frames(str(tmp_path / "a.wav"), encoder).embeddings, first.embeddings)
    assert len(cache) == len(encoder.encoded) == 2


def test_other_encoders_windows_and_rates_have_entries_of_their_own(cache, speech):
    for encoder in (
        PlaceholderEncoder(),
        PlaceholderEncoder(seed=1),
        PlaceholderEncoder(window=60 * HOP),
        PlaceholderEncoder(context=5 * HOP),
    ):
        cache.frames(speech, encoder)
    cache.frames(Waveform(speech.samples, 8000), PlaceholderEncoder())
    assert len(cache) == 5


def test_values_beyond_float16_are_kept_as_float32(cache, speech):
    """Nothing becomes infinite: the whole recording is stored in the wider type."""
    encoder = PlaceholderEncoder(scale=1e6)
    frames = cache.frames(speech, encoder)
    assert frames.embeddings.dtype == np.float32
    np.testing.assert_array_equal(frames.embeddings, embed(speech, encoder).embeddings)
    assert [file.suffix for file in files(cache)] == [".json", ".npy"]


def test_empty_audio_is_an_entry_without_rows(cache, encoder):
    for _ in range(2):
        frames = cache.frames(Waveform(np.zeros(0, np.float32)), encoder)
        assert frames.embeddings.shape == (0, 5)
        assert frames.duration_ms == 0


class Killed(BaseException):
    """Ends a run as a signal does: nothing is tidied up."""


class Interrupted(PlaceholderEncoder):
    """Dies at the window after the first `n`."""

    def __init__(self, n):
        super().__init__()
        self.n = n

    def encode(self, samples):
        if len(self.encoded) == self.n:
            raise Killed
        return super().encode(samples)


def interrupt(cache, speech, n_windows):
    with pytest.raises(Killed):
        cache.frames(speech, Interrupted(n_windows))


def test_an_interrupted_run_goes_on_where_it_stopped(cache, speech):
    """Three of six windows were done: three are left, and the result is what one run gives, bit for bit."""
    interrupt(cache, speech, 3)
    assert len(cache) == 0
    assert cache.size_bytes() > 0
    encoder = PlaceholderEncoder()
    frames = cache.frames(speech, encoder)
    assert len(encoder.encoded) == 3
    np.testing.assert_array_equal(frames.embeddings, embed(speech, encoder).embeddings.astype(np.float16))
    assert frames.duration_ms == 4000
    assert [file.suffix for file in files(cache)] == [".json", ".npy"]


@pytest.mark.parametrize(
    ("damage", "n_left"),
    [
        (lambda partial, journal: partial.write_bytes(partial.read_bytes() + b"half a row"), 3),
        (lambda partial, journal: partial.write_bytes(partial.read_bytes()[:-1]), 4),
        (lambda partial, journal: journal.write_text(journal.read_text()[:-3]), 4),
        (lambda partial, journal: flip(partial, 128 + 40 * 10), 5),  # in the second window's rows
        (lambda partial, journal: flip(partial, 3), 6),
        (lambda partial, journal: journal.write_bytes(b"\xff\0"), 6),
        (lambda partial, journal: journal.unlink(), 6),
        (lambda partial, journal: partial.unlink(), 6),
    ],
)
def test_of_an_interrupted_run_only_what_is_sound_is_kept(cache, speech, damage, n_left):
    interrupt(cache, speech, 3)
    damage(*(files(cache, f"*/*.{suffix}")[0] for suffix in ("partial", "journal")))
    encoder = PlaceholderEncoder()
    frames = cache.frames(speech, encoder)
    assert len(encoder.encoded) == n_left
    np.testing.assert_array_equal(frames.embeddings, embed(speech, encoder).embeddings.astype(np.float16))


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda array, sidecar: array.write_bytes(array.read_bytes()[:-100]),
        lambda array, sidecar: array.write_bytes(b""),
        lambda array, sidecar: array.write_bytes(array.read_bytes() + b"more"),
        lambda array, sidecar: flip(array, 400),
        lambda array, sidecar: flip(array, 20),
        lambda array, sidecar: array.unlink(),
        lambda array, sidecar: sidecar.unlink(),
        lambda array, sidecar: sidecar.write_text("{"),
        lambda array, sidecar: sidecar.write_text("[]"),
        lambda array, sidecar: sidecar.write_text("{}"),
    ],
)
def test_a_damaged_entry_is_computed_again(cache, speech, damage):
    encoder = PlaceholderEncoder()
    cache.frames(speech, encoder)
    sidecar, array = files(cache)
    damage(array, sidecar)
    frames = EmbeddingCache(cache.folder).frames(speech, encoder)
    assert len(encoder.encoded) == 12
    np.testing.assert_array_equal(frames.embeddings, embed(speech, encoder).embeddings.astype(np.float16))
    EmbeddingCache(cache.folder).frames(speech, encoder)
    assert len(encoder.encoded) == 18  # the six of embed


def test_a_recording_that_fails_leaves_nothing(cache, tmp_path, encoder):
    samples = speechlike(LONG)
    samples[-1] = np.nan
    with pytest.raises(ParameterError, match="NaN"):
        cache.frames(Waveform(samples), encoder)
    (tmp_path / "text.wav").write_text("no sound")
    for path in ("text.wav", "absent.wav"):
        with pytest.raises(AudioDecodeError):
            cache.frames(tmp_path / path, encoder)
    assert files(cache) == []


def test_a_file_that_changes_while_it_is_read_is_not_stored(cache, tmp_path):
    path = tmp_path / "growing.wav"
    soundfile.write(path, speechlike(1), 16000)

    class Slow(PlaceholderEncoder):
        def encode(self, samples):
            os.utime(path, (0, 0))
            return super().encode(samples)

    with pytest.raises(AudioDecodeError, match="changed while it was read"):
        cache.frames(path, Slow())
    assert len(cache) == 0


def test_what_takes_a_file_s_place_between_its_key_and_its_samples_is_not_stored(cache, tmp_path, encoder, monkeypatch):
    """Else the embeddings of one recording would be found under the content of another, for ever."""
    path, other = tmp_path / "speech.wav", tmp_path / "other.wav"
    for seed, file in enumerate((path, other)):
        soundfile.write(file, speechlike(1, seed), 16000)
        os.utime(file, (0, 0))  # as a copy that keeps times has

    def swapped(source):
        content = digest(source)
        other.replace(source)
        return content

    digest = cache_module._content
    monkeypatch.setattr(cache_module, "_content", swapped)
    with pytest.raises(AudioDecodeError, match="changed while it was read"):
        cache.frames(path, encoder)
    assert len(cache) == 0


def test_threads_that_want_the_same_compute_it_once(cache, speech):
    encoder, together, results = PlaceholderEncoder(), threading.Barrier(6), []

    def want():
        together.wait()
        results.append(cache.frames(speech, encoder).embeddings)

    threads = [threading.Thread(target=want) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(encoder.encoded) == 6
    assert all(np.array_equal(rows, results[0]) for rows in results)
    assert len(results) == 6


PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from small_encoders import PlaceholderEncoder, speechlike
from relaylib.models import EmbeddingCache
from relaylib.types import Waveform
encoder = PlaceholderEncoder()
for seed in range(10):
    print(float(EmbeddingCache(sys.argv[2]).frames(Waveform(speechlike(1, seed)), encoder).embeddings.sum()))
print(len(encoder.encoded), file=sys.stderr)
"""


def test_processes_share_a_folder(cache):
    """Two at once read the same values, and between them nothing is computed twice."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", PROCESS, here, str(cache.folder)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in running]
    assert outputs[0][0] == outputs[1][0]
    assert sum(int(errors.split()[-1]) for _, errors in outputs) == 10 * 2  # two windows a second
    assert len(cache) == 10
    assert {file.suffix for file in files(cache)} == {".json", ".npy"}


def test_it_says_what_it_holds_and_forgets_it(cache, encoder):
    assert (len(cache), cache.size_bytes()) == (0, 0)
    for seed in range(3):
        cache.frames(Waveform(speechlike(1, seed)), encoder)
    assert len(cache) == 3
    assert cache.size_bytes() == sum(file.stat().st_size for file in files(cache))
    cache.clear()
    assert (len(cache), cache.size_bytes(), files(cache)) == (0, 0, [])


def test_pruning_takes_what_was_not_used_for_longest(cache, encoder):
    waveforms = [Waveform(speechlike(1, seed)) for seed in range(3)]
    for waveform in waveforms:
        cache.frames(waveform, encoder)
    for age, sidecar in enumerate(files(cache, "*/*.json")):
        os.utime(sidecar, (1000 - age, 1000 - age))
    n = len(encoder.encoded)
    cache.frames(waveforms[1], encoder)  # used again
    assert cache.prune(max_bytes=cache.size_bytes()) == 0
    assert cache.prune(max_bytes=cache.size_bytes() // 3 + 10) == 2
    assert len(cache) == 1
    cache.frames(waveforms[1], encoder)
    assert len(encoder.encoded) == n
    with pytest.raises(ParameterError, match="max_bytes >= 0"):
        cache.prune(max_bytes=-1)


def test_pruning_leaves_what_is_being_written(cache, speech):
    class Pruned(PlaceholderEncoder):
        def encode(self, samples):
            cache.clear()
            return super().encode(samples)

    encoder = Pruned()
    assert len(cache.frames(speech, encoder)) == 199
    assert len(encoder.encoded) == 6


def test_a_folder_that_cannot_be_written_is_told(tmp_path, speech, encoder):
    (tmp_path / "file").write_text("")
    for folder in ("file", "x" * 300):  # a file, and more than a name may have
        with pytest.raises(RelayError, match="Choose another folder"):
            EmbeddingCache(tmp_path / folder).frames(speech, encoder)


def test_the_default_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda app: str(tmp_path / app))
    assert EmbeddingCache().folder == tmp_path / "relaylib" / "embeddings"
