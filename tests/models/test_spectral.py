import numpy as np
import pytest
from scipy import ndimage, signal
from small_encoders import speechlike

from relaylib.models import load_encoder
from relaylib.models.spectral.decimation import decimate
from relaylib.models.spectral.echo import echo_features
from relaylib.models.spectral.fine import fine_features
from relaylib.models.spectral.framing import centred_frames, largest, mean_square, median, moving_mean, n_frames_of
from relaylib.models.spectral.mel import active_frames, log_mel, mel_features, reference_level
from relaylib.models.spectral.quiet import quiet_features
from relaylib.models.spectral.repetition import repetition_features
from relaylib.models.spectral.voice import pitch_features
from relaylib.types import HOP, SAMPLE_RATE


@pytest.fixture(scope="module")
def spectral():
    return load_encoder("spectral")


@pytest.fixture(scope="module")
def speech():
    return speechlike(6.0, seed=3)


@pytest.mark.parametrize("n_samples", [1, 2, 31, 80, 319, 320, 321, 640, 5000, 16_000, 47_999])
def test_there_is_a_frame_for_every_20_ms_begun(spectral, speech, n_samples):
    frames = spectral.encode(speech[:n_samples])
    assert frames.shape == (-(-n_samples // HOP), spectral.dim)
    assert frames.dtype == np.float32
    assert np.isfinite(frames).all()


def test_no_samples_give_no_frames(spectral):
    assert spectral.encode(np.zeros(0, np.float32)).shape == (0, spectral.dim)


SOUNDS = {
    "silence": np.zeros(20_000),
    "constant": np.full(20_000, 0.5),
    "noise": np.random.default_rng(0).standard_normal(20_000),
    "clipped": np.sign(np.sin(np.arange(20_000) * 0.05)),
    "too loud": 1e4 * np.sin(np.arange(20_000) * 0.05),
    "faint": 1e-9 * np.random.default_rng(0).standard_normal(20_000),
    "one impulse": np.eye(1, 20_000, 9000)[0],
    "tone": 0.3 * np.sin(np.arange(20_000) * 0.05),
    "silence, then noise": np.r_[np.zeros(10_000), np.random.default_rng(0).standard_normal(10_000)],
}


@pytest.mark.parametrize("name", SOUNDS)
def test_features_of_any_sound_are_finite_and_moderate(spectral, name):
    """Nothing leaves what half precision holds, whatever comes in."""
    frames = spectral.encode(SOUNDS[name].astype(np.float32))
    assert np.isfinite(frames).all()
    assert np.abs(frames).max() < 1000


def test_the_same_samples_give_the_same_features(spectral, speech):
    before = speech.copy()
    np.testing.assert_array_equal(spectral.encode(speech), load_encoder("spectral").encode(speech))
    np.testing.assert_array_equal(speech, before)


def test_the_fingerprint_is_that_of_its_revision(spectral):
    """It is the same in every process; a feature that changes must change it."""
    assert load_encoder("spectral").fingerprint == spectral.fingerprint
    assert len(spectral.fingerprint) == 64


@pytest.mark.parametrize("gain", [0.25, 2.0])
def test_gain_matters_little(spectral, speech, gain):
    """12 dB less or 6 dB more moves few features, and those by a fraction of what speech itself does."""
    frames, louder = spectral.encode(speech), spectral.encode(gain * speech)
    moved = np.abs(louder - frames).mean(axis=0) / (frames.std(axis=0) + 1e-3)
    assert np.median(moved) < 0.02
    assert np.mean(moved < 0.25) > 0.9


def frames_of(start_ms, end_ms):
    return slice(start_ms // 20, -(-end_ms // 20))


def test_a_click_raises_the_peak_of_its_frame(speech):
    """Its bend stands out against the frame and its neighbours (columns 12 to 17), there and nowhere else."""
    at = int(2.51 * SAMPLE_RATE)
    clicked = speech.copy()
    clicked[at] += 0.7
    level = reference_level(log_mel(speech))
    plain, with_click = fine_features(speech, level), fine_features(clicked, level)
    frame = at // HOP
    for column in (12, 13, 14, 15, 16, 17):
        assert with_click[frame, column] > plain[frame, column] + 0.5
        assert with_click[frame, column] >= np.quantile(with_click[:, column], 0.98)
    far = np.abs(np.arange(len(plain)) - frame) > 6
    np.testing.assert_allclose(with_click[far], plain[far], atol=1e-5)


def test_a_hole_of_zeros_is_told_as_such(speech):
    """Share of held samples and of exact zeros (columns 18 and 19) are 1 inside, and the blocks' least falls."""
    holed = speech.copy()
    holed[3 * SAMPLE_RATE : 3 * SAMPLE_RATE + 1600] = 0.0
    features = fine_features(holed, reference_level(log_mel(speech)))
    inside = slice(151, 154)
    assert (features[inside, 18] == 1).all()
    assert (features[inside, 19] == 1).all()
    assert (np.delete(features[:, 19], np.arange(149, 156)) < 0.1).all()
    assert features[inside, 0].max() < np.median(features[:, 0])


def test_a_pause_knows_its_length_on_every_frame(speech):
    """A pause of 1 s is log(1 + 10) long on all its frames, longer than any other; at the edges it is none."""
    paused = speech.copy()
    paused[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = 0.0
    features = quiet_features(paused)
    inside = features[frames_of(2020, 2980)]
    for threshold in range(4):
        share, length, inner = inside[:, 3 * threshold : 3 * threshold + 3].T
        assert (share == 1).all()
        np.testing.assert_allclose(length, np.log1p(10.0), atol=0.25)
        np.testing.assert_array_equal(inner, length)
    outside = np.delete(features[:, 7], np.arange(95, 155))
    assert outside.max() < inside[:, 7].min()
    begun = quiet_features(np.concatenate([np.zeros(SAMPLE_RATE, np.float32), speech]))
    assert (begun[:45, 7] > 1).all()
    assert (begun[:45, 8] == 0).all()


def test_a_repetition_matches_its_original(speech):
    """300 ms said twice: looking back from the copy and ahead from the original, the match is near 1."""
    first, length = int(2.0 * SAMPLE_RATE), int(0.3 * SAMPLE_RATE)
    voiced = 0.2 * np.sin(2 * np.pi * np.cumsum(120 + 60 * np.sin(np.arange(length) / 900)) / SAMPLE_RATE)
    noisy = speech.copy()
    said = (noisy[first : first + length] + voiced + 0.05 * np.random.default_rng(0).standard_normal(length)).astype(
        np.float32
    )
    noisy[first : first + length] = said
    twice = np.concatenate([noisy[: first + length], said, noisy[first + length :]])
    once = repetition_features(noisy, log_mel(noisy))
    features = repetition_features(twice, log_mel(twice))
    original, copy = frames_of(2080, 2220), frames_of(2380, 2520)
    assert features[copy, 0].min() > 0.9
    assert features[original, 1].min() > 0.9
    np.testing.assert_allclose(features[copy, 5], 0.3 * 2, atol=0.01)  # the lag, in units of half a second
    assert features[copy, 6].min() > np.median(once[:, 6])
    assert features[copy, 3].max() < np.median(once[:, 3])  # the room that is left to a perfect match


def test_the_match_is_the_best_correlation_with_what_was_80_to_500_ms_before(speech):
    """Each lag by itself, as the definition says it; 250 ms out of the middle come again 333 ms later."""
    samples = speech.copy()
    samples[37_328:41_328] = samples[32_000:36_000]
    features = repetition_features(samples, log_mel(samples))
    slow = signal.resample_poly(samples, 1, 4)
    slow = slow - ndimage.uniform_filter1d(slow, 200)
    floor = 400 * 10 ** (np.percentile(20 * np.log10(np.abs(slow) + 1e-6), 90) / 10 - 4)
    padded = np.r_[np.zeros(3000), slow, np.zeros(1000)]

    def patch(at):
        return padded[at : at + 400] / np.sqrt(max(np.sum(padded[at : at + 400] ** 2), floor))

    for frame in (0, 1, 5, 23, 24, 26, 35, 118, 119, 121, 122, 200, len(features) - 1):
        start = 3000 + 80 * frame + 40 - 200
        matches = np.array([patch(start) @ patch(start - lag) for lag in range(320, 2001)])
        assert features[frame, 0] == pytest.approx(max(0.0, matches.max()), abs=1e-5)
        assert features[frame, 5] * 2000 == pytest.approx(320 + matches.clip(0).argmax())
    assert features[121, 0] > 0.9


def test_an_echo_shows_at_its_delay(speech):
    """A copy 150 ms later at half the level: the cepstral peak stands out, at that delay."""
    delay = int(0.15 * SAMPLE_RATE)
    noisy = speech + 0.02 * np.random.default_rng(1).standard_normal(len(speech)).astype(np.float32)
    echoed = noisy.copy()
    echoed[delay:] += 0.5 * noisy[:-delay]
    dry, wet = echo_features(noisy), echo_features(echoed)
    inside = slice(50, 250)
    assert np.median(wet[inside, 1]) > np.median(dry[inside, 1]) + 0.1
    delays = wet[inside, 3] * 1000 / 8  # at 8 kHz
    assert np.median(np.abs(delays - 150)) < 2


def test_pitch_is_that_of_the_tone():
    """A voice of 200 Hz is voiced, steady, and an octave above 100 Hz."""
    time = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    voice = sum(np.sin(2 * np.pi * 200 * k * time) / k for k in range(1, 12)).astype(np.float32)
    features = pitch_features(0.1 * voice)[10:-10]
    assert (features[:, 0] > 0.9).all()
    np.testing.assert_allclose(features[:, 5], 1.0, atol=0.03)
    np.testing.assert_allclose(features[:, 1], 0.0, atol=0.02)
    noise = pitch_features(0.1 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32))
    assert np.median(noise[:, 0]) < 0.5


def test_a_tone_is_loud_in_its_band():
    """1 kHz: the loudest band is the same throughout, and 0 re the reference level, less what leaks."""
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    mel_db = log_mel(tone)
    level = reference_level(mel_db)
    bands = mel_features(mel_db, level, active_frames(mel_db, level))[5:-5, :40]
    assert len(set(bands.argmax(axis=1))) == 1
    assert bands.max() == pytest.approx(0.0, abs=0.3)


def test_frames_are_centred_and_mirrored_at_the_ends():
    """Windows of 640 around frames of 320: half a frame on each side."""
    samples = np.arange(1000, dtype=np.float32)
    framed = centred_frames(samples, 640)
    assert framed.shape == (4, 640) == (n_frames_of(1000), 640)
    np.testing.assert_array_equal(framed[1], np.arange(160, 800))
    assert framed[0, 160] == 0
    assert framed[0, 159] == 1  # mirrored


def test_the_moving_mean_is_centred_and_holds_its_ends():
    values = np.array([0.0, 0.0, 3.0, 0.0, 0.0, 6.0])
    np.testing.assert_allclose(moving_mean(values, 3), [0, 1, 1, 1, 2, 4])


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("n_samples", [1, 3, 31, 32, 33, 640, 9601])
def test_decimation_is_that_of_scipy(speech, n_samples, factor):
    samples = speech[:n_samples]
    np.testing.assert_allclose(decimate(samples, factor), signal.resample_poly(samples, 1, factor), atol=1e-6)


@pytest.mark.parametrize("n_rows", [1, 2, 5, 8])
def test_statistics_are_those_of_numpy(n_rows):
    rows = np.random.default_rng(0).standard_normal((n_rows, 6, 7)).astype(np.float32)
    np.testing.assert_array_equal(median(rows[:, 0]), np.median(rows[:, 0], axis=0))
    np.testing.assert_array_equal(largest(rows), rows.max(axis=2))
    np.testing.assert_allclose(mean_square(rows), np.mean(rows.astype(float) ** 2, axis=2), rtol=1e-6)
