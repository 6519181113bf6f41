"""The encoder that comes along: its columns are what transformers, and a reader of its files, would make of them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_encoders import speechlike

from relaylib import embed, load_encoder
from relaylib.audio import load
from relaylib.demo.speech import example_audio
from relaylib.inject import type_names
from relaylib.models import Detector
from relaylib.models.encoder import DEFAULT_ENCODER
from relaylib.models.speech import SpeechEncoder, heard
from relaylib.models.speech.encoder import CHECKPOINT, JUDGE
from relaylib.models.speech.summary import SummaryEncoder
from relaylib.optional import import_torchaudio

N_TYPES, N_SPEAKER, N_DISTANCES = 13, 24, 4


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("speech-small", precision="fp32")


@pytest.fixture(scope="module")
def judge():
    return Detector.load(JUDGE, encoder=heard(precision="fp32"))


def spoken(seconds=None):
    """Return speech that comes with the package."""
    samples = load(example_audio()).samples
    return samples if seconds is None else samples[: int(seconds * 16_000)]


def test_it_is_the_default_and_needs_nothing_but_the_package(encoder):
    assert DEFAULT_ENCODER == encoder.name == "speech-small"
    assert isinstance(load_encoder(DEFAULT_ENCODER), SpeechEncoder)
    assert encoder.dim == load_encoder("spectral").dim + N_TYPES
    assert heard().dim == load_encoder("spectral").dim + N_TYPES + N_SPEAKER + N_DISTANCES
    assert encoder.encode(np.zeros(0, np.float32)).shape == (0, encoder.dim)
    assert encoder.encode(np.zeros(100, np.float32)).shape == (1, encoder.dim)
    assert np.isfinite(encoder.encode(np.zeros(16_000, np.float32))).all()


def test_all_weights_are_at_most_twelve_megabytes():
    assert sum(path.stat().st_size for path in CHECKPOINT.parent.rglob("*.safetensors")) <= 12e6


def test_the_transformer_is_a_checkpoint_as_any_other():
    """Columns of the middle part, made again from what transformers itself returns."""
    import_torchaudio()
    from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2Model

    samples = spoken(6)
    found = SummaryEncoder(CHECKPOINT, precision="fp32").encode(samples)
    model = Wav2Vec2Model.from_pretrained(CHECKPOINT, dtype=torch.float32).eval()
    inputs = Wav2Vec2FeatureExtractor.from_pretrained(CHECKPOINT)(samples, sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        hidden = model(inputs.input_values).last_hidden_state[0].double().numpy()
    layers = {name: values.double().numpy() for name, values in load_file(CHECKPOINT / "layers.safetensors").items()}
    types = hidden @ layers["types.weight"].T + layers["types.bias"]
    voice = hidden @ layers["speaker.weight"].T + layers["speaker.bias"]
    voice /= np.linalg.norm(voice, axis=1, keepdims=True)
    unlike = voice - np.median(voice, axis=0)
    np.testing.assert_allclose(found[:, :N_TYPES], types, atol=2e-3)
    np.testing.assert_allclose(found[:, N_TYPES : N_TYPES + N_SPEAKER], unlike, atol=2e-3)
    for place, width in ((0, 15), (2, 45)):
        padded = np.pad(unlike, ((width // 2, width // 2), (0, 0)), mode="edge")
        mean = np.stack([padded[k : k + width].mean(axis=0) for k in range(len(unlike))])
        distance = np.linalg.norm(mean, axis=1)
        column = N_TYPES + N_SPEAKER + place
        np.testing.assert_allclose(found[:, column], distance / (np.median(distance) + 1e-3), atol=0.02)
        np.testing.assert_allclose(found[:, column + 1], np.log(distance + 1e-2), atol=0.02)


def test_the_first_columns_are_fine_detail(encoder):
    samples, spectral = spoken(5), load_encoder("spectral")
    rows = encoder.encode(samples)
    np.testing.assert_array_equal(rows[:, : spectral.dim], spectral.encode(samples)[: len(rows)])


def test_the_last_columns_are_the_logits_of_the_classifier(encoder, judge):
    """All at once, with zeros around what is standardised."""
    samples = spoken(5)
    assert judge.artifact_types == type_names()
    rows = judge.encoder.encode(samples)
    standardised = ((torch.from_numpy(rows).half().float() - judge.head.mean) * judge.head.scale).clamp(-6, 6)
    padded = torch.nn.functional.pad(standardised.T[None], (judge.head.halo, judge.head.halo))
    with torch.no_grad():
        expected = torch.stack([member(padded)[0].T for member in judge.head.members]).mean(0)
    np.testing.assert_allclose(encoder.encode(samples)[:, -N_TYPES:], expected.numpy(), atol=1e-3)


def test_a_click_of_two_milliseconds_is_seen(encoder, judge):
    clean = spoken(6)
    clicked = clean.copy()
    at = 3 * 16_000
    clicked[at : at + 32] += np.where(np.arange(32) % 2, 0.5, -0.5).astype(np.float32)
    glitch = -N_TYPES + judge.artifact_types.index("glitch")
    before, after = encoder.encode(clean)[:, glitch], encoder.encode(clicked)[:, glitch]
    frame = at // 320
    near = slice(frame - 2, frame + 3)
    assert after[near].max() > before[near].max() + 1.0
    assert after[near].max() == after[10:-10].max()


def test_windows_of_a_long_recording_agree_with_the_whole(encoder):
    """Medians are those of a window, so that rows differ a little; what the classifier makes of them differs less."""
    samples = np.concatenate([spoken(), speechlike(20, seed=3), spoken(), speechlike(20, seed=4), spoken()])
    assert len(samples) > encoder.window
    windows, whole = embed(samples, encoder).embeddings, encoder.encode(samples)
    assert windows.shape == whole.shape
    for k in range(1, N_TYPES + 1):
        assert np.corrcoef(windows[:, -k], whole[:, -k])[0, 1] > 0.9


def test_frames_that_are_kept_are_classified_with_all_around_them(encoder):
    samples = spoken(8)
    whole = encoder.for_recording([samples])(samples)
    kept = slice(100, 250)
    some = encoder.for_recording([samples])(samples, kept)
    assert some.shape == whole.shape
    np.testing.assert_allclose(some[kept], whole[kept], atol=1e-4)


def test_the_precision_is_not_part_of_the_fingerprint(encoder):
    assert load_encoder("speech-small", precision="reference").fingerprint == encoder.fingerprint
    assert encoder.precision == "fp32"


def test_threads_get_the_same(encoder):
    clips = [spoken(2 + k / 2) for k in range(6)]
    alone = [encoder.encode(clip) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        for rows, expected in zip(pool.map(encoder.encode, clips), alone, strict=True):
            np.testing.assert_allclose(rows, expected, atol=1e-4)


def test_it_is_the_same_whatever_the_number_of_cores_it_is_loaded_with(encoder, one_thread):
    torch.set_num_threads(4)
    np.testing.assert_array_equal(load_encoder("speech-small").encode(spoken()), encoder.encode(spoken()))


def test_what_windows_share_goes_through_the_transformer_once(through_layers):
    """All but the margins; and its own windows are those of any checkpoint."""
    summary = heard().parts[1]
    n_frames = len(embed(speechlike(150, seed=5), summary).embeddings)
    n_layers = 4
    assert n_frames * n_layers <= sum(through_layers) <= 1.2 * n_frames * n_layers
    assert max(through_layers) <= 22 * 50
    assert summary.window == 45 * 16_000
