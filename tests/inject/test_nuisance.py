"""Other circumstances change the sound, but not when things happen."""

import threading

import numpy as np
import pytest

from relaylib.inject import vary
from relaylib.inject.nuisance import _coded, _gated
from relaylib.types import SAMPLE_RATE


def clicks(n=10 * SAMPLE_RATE):
    """Return soft noise with five loud bursts, at known places [shape=(n,), float32]."""
    rng = np.random.default_rng(0)
    samples = 0.003 * rng.standard_normal(n)
    at = np.arange(1, 6) * n // 7
    for k in at:
        samples[k : k + 80] += 0.6 * rng.standard_normal(80) * np.hanning(80)
    return samples.astype(np.float32), at


@pytest.mark.parametrize("seed", range(12))
def test_nothing_moves(seed):
    """The loudest places stay where they were, within 3 ms, which is what codecs and rooms smear."""
    samples, at = clicks()
    varied = vary(samples, seed)
    assert varied.shape == samples.shape
    assert varied.dtype == np.float32
    assert np.isfinite(varied).all()
    assert np.abs(varied).max() <= 1.0
    for k in at:
        near = np.square(varied[k - 800 : k + 800])
        middle = np.convolve(near, np.ones(80), "same").argmax() - 800
        assert abs(middle - 40) <= 48


@pytest.mark.parametrize("seed", range(6))
def test_a_codec_s_delay_is_taken_off(seed):
    rng = np.random.default_rng(1)
    samples = np.convolve(rng.standard_normal(3 * SAMPLE_RATE), np.hanning(20), "same").astype(np.float32) * 0.02
    back = _coded(samples, np.random.default_rng(seed), SAMPLE_RATE)
    likeness = np.correlate(back[8000:24000], samples[8000:24000], "full")
    assert abs(int(likeness.argmax()) - 15999) <= 1


def test_a_codec_needs_no_more_stack_for_a_longer_recording():
    """Given all of it at once, libsndfile takes four bytes a sample, and crashes where the stack is smaller."""
    samples, made = clicks(30 * SAMPLE_RATE)[0], []
    usual = threading.stack_size(1 << 20)
    try:
        seeds = range(4)  # both codecs
        thread = threading.Thread(
            target=lambda: made.extend(_coded(samples, np.random.default_rng(seed), SAMPLE_RATE) for seed in seeds)
        )
        thread.start()
    finally:
        threading.stack_size(usual)
    thread.join()
    assert [len(coded) for coded in made] == [len(samples)] * len(seeds)


@pytest.mark.parametrize("sample_rate", [192_000, 250_000, 384_000])
def test_rates_that_no_codec_knows_are_varied_too(sample_rate):
    samples = clicks(20_000)[0]
    for seed in range(12):
        assert vary(samples, seed, sample_rate=sample_rate).shape == samples.shape


@pytest.mark.parametrize("seed", range(6))
def test_a_gate_shuts_between_sounds_and_lets_them_through(seed):
    """Noise 45 dB and more below the bursts is gone, or let through whole; the bursts themselves stay as they are."""
    samples, at = clicks()
    samples[: len(samples) // 8] *= 0.1  # far below any threshold
    gated = _gated(samples, np.random.default_rng(seed), SAMPLE_RATE)
    assert (gated[2000 : len(samples) // 8 - 2000] == 0.0).all()
    for k in at:
        np.testing.assert_array_equal(gated[k : k + 80], samples[k : k + 80])


def test_the_same_seed_gives_the_same():
    samples, _ = clicks(SAMPLE_RATE)
    np.testing.assert_array_equal(vary(samples, 5), vary(samples, 5))
    assert not np.array_equal(vary(samples, 5), vary(samples, 6))


def test_silence_stays_silent():
    assert np.abs(vary(np.zeros(SAMPLE_RATE, np.float32), 3)).max() < 1e-3


@pytest.mark.parametrize("n", [0, 1, 100, 4000])
def test_short_recordings_at_the_rate_of_a_telephone_are_varied_too(n):
    samples = 0.1 * np.random.default_rng(2).standard_normal(n).astype(np.float32)
    for seed in range(30):
        varied = vary(samples, seed, sample_rate=8000)
        assert varied.shape == samples.shape
        assert np.isfinite(varied).all()
