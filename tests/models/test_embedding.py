"""Long audio embeds as the whole would, from whatever source and in whatever blocks it comes."""

import tracemalloc

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_encoders import PlaceholderEncoder, speechlike

from relaylib.errors import ParameterError, RelayError
from relaylib.models import embed, embed_stream, load_encoder
from relaylib.types import HOP, Waveform


def n_frames(n):
    return max(0, (n - 400) // HOP + 1)


@given(n=st.integers(400, 200 * HOP))
@settings(max_examples=40, deadline=None)
def test_windows_join_to_the_frames_of_the_whole(n):
    """A frame of the placeholder sees 400 samples, so that windows change nothing at all but rounding."""
    encoder = PlaceholderEncoder()
    samples = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    whole, windowed = encoder.encode(samples), embed(samples, encoder).embeddings
    assert len(whole) == len(windowed) == n_frames(n)
    np.testing.assert_allclose(windowed, whole, rtol=0, atol=2e-4)


@given(cuts=st.lists(st.integers(0, 150 * HOP), max_size=12), once=st.booleans())
@settings(max_examples=40, deadline=None)
def test_block_sizes_do_not_change_a_bit(cuts, once):
    encoder = PlaceholderEncoder()
    samples = speechlike(3.001, seed=2)
    blocks = np.split(samples, sorted(min(cut, len(samples)) for cut in cuts))
    expected = embed(samples, encoder)
    frames = embed(iter(blocks) if once else blocks, encoder)
    np.testing.assert_array_equal(frames.embeddings, expected.embeddings)
    assert frames.duration_ms == expected.duration_ms == 3001


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wavlm-layer"])
def test_block_sizes_do_not_change_a_bit_of_a_model_that_hears_the_whole(checkpoints, architecture):
    encoder = load_encoder(checkpoints(architecture), window=40 * HOP, context=4 * HOP)
    samples = speechlike(3)
    expected = embed(samples, encoder).embeddings
    for size in (1, 999, 20_000):
        blocks = (samples[k : k + size] for k in range(0, len(samples), size))
        np.testing.assert_array_equal(np.concatenate(list(embed_stream(blocks, encoder))), expected)


def test_an_impulse_in_any_window_moves_the_frames_that_see_it(encoder):
    """Frame ``i`` sees samples ``320 i`` to ``320 i + 399`` of the recording, wherever the windows are cut."""
    silence = np.zeros(150 * HOP, np.float32)
    for frame in (0, 35, 36, 67, 68, 100, 120, 148):
        struck = silence.copy()
        struck[frame * HOP + 100] = 1
        (moved,) = np.nonzero(np.abs(embed(struck, encoder).embeddings).sum(1))
        assert list(moved) == [frame]


def test_frames_at_hand_are_skipped_and_their_windows_not_encoded():
    samples = speechlike(4)
    whole = embed(samples, PlaceholderEncoder()).embeddings
    for skip in (0, 1, 36, 50, 68, 198, 199, 500):
        encoder = PlaceholderEncoder()
        pieces = list(embed_stream([samples], encoder, skip=skip))
        np.testing.assert_array_equal(np.concatenate([whole[:skip], *pieces]), whole)
        # five inner windows of 32 frames a step, and the last two
        assert len(encoder.encoded) == 6 - sum(end <= skip for end in (36, 68, 100, 132, 166))


def test_sources_of_the_same_sound_embed_alike(tmp_path, encoder):
    """A file, a waveform, an array and blocks of 16 kHz give the same; a waveform of 48 kHz gives as many frames."""
    samples = (speechlike(2.5) * 2**15).astype(np.int16)
    soundfile.write(tmp_path / "speech.wav", samples, 16000)
    samples = samples.astype(np.float32) / 2**15
    expected = embed(samples, encoder)
    for source in (
        tmp_path / "speech.wav",
        str(tmp_path / "speech.wav"),
        Waveform(samples),
        [samples],
        iter([samples]),
    ):
        frames = embed(source, encoder)
        np.testing.assert_array_equal(frames.embeddings, expected.embeddings)
        assert (frames.duration_ms, frames.hop_ms) == (2500, 20)
    faster = embed(Waveform(np.repeat(samples, 3), 48000), encoder)
    assert faster.embeddings.shape == expected.embeddings.shape
    assert faster.duration_ms == 2500


@pytest.mark.parametrize("source", [np.zeros(0, np.float32), [], iter([]), Waveform(np.zeros(0, np.float32), 8000)])
def test_empty_audio_has_no_frames(source, encoder):
    frames = embed(source, encoder)
    assert frames.embeddings.shape == (0, 5)
    assert frames.embeddings.dtype == np.float32
    assert frames.duration_ms == 0


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(bad, rate, encoder):
    samples = speechlike(1)
    samples[5000] = bad
    with pytest.raises(ParameterError, match="NaN or infinity"):
        embed(Waveform(samples, rate), encoder)
    with pytest.raises(ParameterError, match="NaN or infinity"):
        list(embed_stream(iter([samples]), encoder))


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.int32, bool, np.complex64])
def test_samples_that_are_no_floats_are_refused(dtype, encoder):
    """Their full scale is unknown, or another than 1: 16-bit numbers would be taken as 90 dB too loud."""
    samples = np.zeros(16_000, dtype)
    for source in (samples, [samples], iter([samples]), Waveform(samples), Waveform(samples, 44_100)):
        with pytest.raises(ParameterError, match=f"samples are {samples.dtype}; need floats.*divide int16 by 32768"):
            embed(source, encoder)


def test_masked_samples_are_refused(encoder):
    with pytest.raises(ParameterError, match="masked array; fill"):
        embed(np.ma.masked_array(speechlike(1), mask=False), encoder)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_samples_too_loud_for_the_encoder_are_not_its_fault():
    with pytest.raises(ParameterError, match=r"times full scale, too loud for encoder 'spectral'; scale them"):
        embed(speechlike(1) * np.float32(1e30), load_encoder("spectral"))


@pytest.mark.parametrize("samples", [[0.0] * 400, torch.zeros(400)])
def test_samples_that_are_no_array_are_refused(encoder, samples):
    """A list or tensor is no file, no array, and no blocks either."""
    with pytest.raises(ParameterError, match="come one by one; make one array of the list or tensor"):
        embed(samples, encoder)


def test_more_than_one_channel_is_refused(encoder):
    with pytest.raises(ParameterError, match="one dimension"):
        embed(np.zeros((100, 2), np.float32), encoder)


def test_a_context_that_hides_frames_is_refused():
    """The last frame of a window sees 80 samples beyond it: without context it is missing at the seam."""
    with pytest.raises(ParameterError, match="too few to crop"):
        embed(np.zeros(100 * HOP, np.float32), PlaceholderEncoder(context=0))


def test_an_encoder_that_returns_nan_or_another_width_is_told(encoder, monkeypatch):
    monkeypatch.setattr(encoder, "encode", lambda samples: np.full((1, 5), np.nan, np.float32))
    with pytest.raises(RelayError, match="returned NaN"):
        embed(np.zeros(400, np.float32), encoder)
    monkeypatch.setattr(encoder, "encode", lambda samples: np.zeros((1, 6), np.float32))
    with pytest.raises(RelayError, match="promised"):
        embed(np.zeros(400, np.float32), encoder)


def test_an_hour_is_embedded_in_the_memory_of_windows(encoder):
    """An hour is 230 MB of samples; what is held at once is two windows and a block."""
    block = np.zeros(16000, np.float32)
    tracemalloc.start()
    n = sum(len(piece) for piece in embed_stream((block for _ in range(600)), encoder))
    shorter = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    m = sum(len(piece) for piece in embed_stream((block for _ in range(3600)), encoder))
    longer = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (n, m) == (n_frames(600 * 16000), n_frames(3600 * 16000))
    assert longer < shorter + 1_000_000
