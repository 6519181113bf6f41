"""Checkpoints through transformers: the same numbers as the library itself, and clear words when it cannot be."""

import json
import logging
import shutil
import time
import types

import numpy as np
import pytest
import torch
from small_encoders import ARCHITECTURES, SMALL, closeness, speechlike

from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models import embed, load_encoder
from relaylib.models.fast import precision
from relaylib.models.pretrained import _quiet_transformers

_log = logging.getLogger(__name__)  # pytest --log-cli-level=info shows the figures

TOLERANCE = 1e-4


@pytest.fixture(autouse=True)
def float32(monkeypatch):
    """On every machine; how close bfloat16 comes is a matter of test_fast_runner.py."""
    monkeypatch.setattr(precision, "bf16_pays", lambda device: False)


def transformers_model(folder):
    """Return the feature extractor and the model as a user of transformers loads them."""
    with _quiet_transformers() as transformers:
        extract = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
        return extract, transformers.AutoModel.from_pretrained(folder).eval()


def hidden_states(extract, model, samples):
    """Return what transformers gives: all hidden states, the last one taken from ``last_hidden_state``."""
    inputs = extract(samples, sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        output = model(inputs, output_hidden_states=True)
    return [h[0].numpy() for h in (*output.hidden_states[:-1], output.last_hidden_state)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_short_clips_embed_as_in_transformers(checkpoints, architecture):
    """Every layer choice is within 1e-4 of transformers' own hidden states, for clips of even and odd lengths."""
    folder = checkpoints(architecture)
    depth, width = SMALL["num_hidden_layers"], SMALL["hidden_size"]
    extract, model = transformers_model(folder)
    clips = [speechlike(s, seed=3) + np.float32(0.05) for s in (0.025, 0.511, 3.0)]  # an offset shows normalisation
    expected = [hidden_states(extract, model, clip) for clip in clips]
    worst = 0.0
    for layer in (None, "mix", *range(-depth - 1, depth + 1)):
        encoder = load_encoder(folder, layer=layer)
        assert (encoder.n_layers, encoder.dim) == ((depth + 1, (depth + 1) * width) if layer == "mix" else (1, width))
        for clip, hidden in zip(clips, expected, strict=True):
            wanted = np.concatenate(hidden, axis=1) if layer == "mix" else hidden[-1 if layer is None else layer]
            rows = encoder.encode(clip)
            assert rows.dtype == np.float32
            np.testing.assert_allclose(rows, wanted, atol=TOLERANCE, rtol=0)
            worst = max(worst, float(np.abs(rows - wanted).max()))
    _log.info("%s: largest difference %.1e", architecture, worst)


def test_embedding_of_a_short_clip_is_that_of_encode(checkpoints):
    samples = speechlike(2)
    encoder = load_encoder(checkpoints("hubert"))
    frames = embed(samples, encoder)
    np.testing.assert_array_equal(frames.embeddings, encoder.encode(samples))
    assert (frames.duration_ms, frames.hop_ms) == (2000, 20)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_windows_stay_close_to_the_whole_clip(checkpoints, architecture):
    """62 s in four windows: mean cosine at least 0.999 to the whole clip, with the default window and context."""
    samples = speechlike(62, seed=1)
    encoder = load_encoder(checkpoints(architecture))
    whole, windowed = encoder.encode(samples), embed(samples, encoder).embeddings
    assert whole.shape == windowed.shape
    cosine = closeness(windowed, whole)
    _log.info("%s: cosine mean %.5f, min %.4f", architecture, cosine.mean(), cosine.min())
    assert cosine.mean() >= 0.999
    assert cosine.min() >= 0.995


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer", "hubert"])
def test_windows_are_normalised_by_the_whole_recording(checkpoints, architecture):
    """What enters the first layer, before any attention, is what it is in the whole clip, however loudness changes."""
    encoder = load_encoder(checkpoints(architecture), layer=0, window=200 * 320, context=80 * 320)
    samples = speechlike(8)
    samples[4 * 16000 :] *= 0.01
    whole = encoder.encode(samples)
    windowed = embed(samples, encoder).embeddings
    np.testing.assert_allclose(windowed, whole, atol=2e-3)
    # windows on their own would lift the quiet half
    quiet = encoder.encode(samples[5 * 16000 :])
    assert np.abs(quiet[20:80] - whole[270:330]).max() > 0.1


def test_layers_above_the_chosen_one_are_not_run(checkpoints):
    encoder = load_encoder(checkpoints("wav2vec2-group"), layer=1, precision="reference")
    encoder._model.encoder.layers[1].forward = None  # calling it would fail
    assert len(encoder.encode(speechlike(1))) == 49


def test_an_impulse_moves_the_frames_around_it(checkpoints):
    """What enters the first layer sees its convolutions only: a change within frame 75 moves that frame most."""
    encoder = load_encoder(checkpoints("wav2vec2-layer-unnormalised"), layer=0)
    clean = speechlike(3)
    struck = clean.copy()
    struck[75 * 320 + 160] += 1.0
    moved = np.abs(encoder.encode(struck) - encoder.encode(clean)).sum(1)
    assert moved.argmax() in (74, 75)
    far = np.abs(np.arange(len(moved)) - 75) > 66  # further than the positional convolution sees
    assert moved[far].max() < 1e-4


@pytest.mark.parametrize("n", [1, 100, 399])
def test_a_clip_shorter_than_what_a_frame_sees_has_one_frame(checkpoints, n):
    """It is normalised, then filled up with zeros, as the feature extractor pads."""
    folder = checkpoints("wav2vec2-group")
    samples = speechlike(1)[:n]
    rows = load_encoder(folder).encode(samples)
    assert rows.shape == (1, SMALL["hidden_size"])
    extract, model = transformers_model(folder)
    padded = extract(
        samples,
        sampling_rate=16000,
        return_tensors="pt",
        padding="max_length",
        max_length=400,
        return_attention_mask=True,
    )
    with torch.no_grad():
        expected = model(padded.input_values).last_hidden_state[0].numpy()
    np.testing.assert_allclose(rows, expected, atol=TOLERANCE, rtol=0)


def test_no_samples_have_no_frames(checkpoints):
    encoder = load_encoder(checkpoints("wavlm"), layer="mix")
    assert encoder.encode(np.zeros(0, np.float32)).shape == (0, encoder.dim)


def test_fingerprint_tells_weights_layers_and_normalisation_apart(checkpoints, tmp_path):
    """It is the same at each load, wherever the folder lies, and another after any change."""
    folder = checkpoints("wav2vec2-group")
    moved = shutil.copytree(folder, tmp_path / "moved")
    same = load_encoder(folder).fingerprint
    assert same == load_encoder(folder).fingerprint == load_encoder(moved).fingerprint
    assert same == load_encoder(folder, layer=-1).fingerprint
    (moved / "preprocessor_config.json").write_text(json.dumps({"do_normalize": False, "sampling_rate": 16000}))
    others = {load_encoder(folder, layer=k).fingerprint for k in (0, 1, 2, "mix")} | {load_encoder(moved).fingerprint}
    assert len(others - {same}) == 5
    change_weights(
        folder, tmp_path / "changed", lambda key, w: w.flatten()[0].add_(1e-3) if "v_proj.bias" in key else None
    )
    assert load_encoder(tmp_path / "changed").fingerprint not in {same, *others}
    # the vector that stands in for masked frames is never used
    change_weights(folder, tmp_path / "unused", lambda key, w: w.add_(1) if "masked_spec_embed" in key else None)
    assert load_encoder(tmp_path / "unused").fingerprint == same


def change_weights(folder, target, change):
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, target)
    weights = load_file(target / "model.safetensors")
    for key, weight in weights.items():
        change(key, weight)
    save_file(weights, target / "model.safetensors", {"format": "pt"})


def test_torch_weights_are_read_where_there_are_no_others(checkpoints, tmp_path):
    from safetensors.torch import load_file

    folder = shutil.copytree(checkpoints("wavlm"), tmp_path / "torch")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    assert load_encoder(folder).fingerprint == load_encoder(checkpoints("wavlm")).fingerprint


def test_weights_that_would_run_code_are_refused(checkpoints, tmp_path):
    class Hostile:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    folder = shutil.copytree(checkpoints("hubert"), tmp_path / "hostile")
    (folder / "model.safetensors").unlink()
    torch.save({"encoder.layer_norm.weight": Hostile()}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderNotAvailableError, match="cannot be read"):
        load_encoder(folder)
    assert not (tmp_path / "owned").exists()


def test_missing_weights_are_an_error_not_random_numbers(checkpoints, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(checkpoints("hubert"), tmp_path / "cut")
    weights = load_file(folder / "model.safetensors")
    save_file(
        {k: w for k, w in weights.items() if "layers.2.attention" not in k},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(EncoderNotAvailableError, match="lack 8 of the model's"):
        load_encoder(folder)


def test_heads_of_a_finetuned_checkpoint_are_left_out(checkpoints, tmp_path):
    """A checkpoint for speech recognition holds the same model under a prefix, plus a head."""
    with _quiet_transformers() as transformers:
        plain = transformers.AutoModel.from_pretrained(checkpoints("wav2vec2-group"))
        whole = transformers.Wav2Vec2ForCTC(plain.config)
        whole.wav2vec2.load_state_dict(plain.state_dict())
        whole.save_pretrained(tmp_path)
    shutil.copy(checkpoints("wav2vec2-group") / "preprocessor_config.json", tmp_path)
    assert load_encoder(tmp_path).fingerprint == load_encoder(checkpoints("wav2vec2-group")).fingerprint


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "lacks weights"),
        (lambda f: (f / "config.json").unlink(), "lacks config.json"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "lacks preprocessor_config.json"),
        (lambda f: (f / "config.json").write_text("{"), "config.json is damaged"),
        (lambda f: (f / "config.json").write_text("[]"), "config.json is damaged"),
        (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "'bert' checkpoint; encoders are wav2vec"),
        (lambda f: set_json(f / "config.json", model_type=["wav2vec2"]), "encoders are wav2vec"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 100), "cannot be read"),
        (lambda f: cut(f / "model.safetensors"), "cannot be read"),
        (lambda f: set_json(f / "config.json", hidden_size=96), "cannot be read|lack"),
        (lambda f: set_json(f / "config.json", num_hidden_layers=4), "lack 16 of the model's"),
        (lambda f: set_json(f / "config.json", conv_stride=[5, 2, 2, 2, 2, 2, 1]), "frame every 160 samples"),
        (lambda f: set_json(f / "config.json", add_adapter=True), "adapter"),
        (lambda f: set_json(f / "preprocessor_config.json", sampling_rate=8000), "at 8000 Hz"),
        (
            lambda f: set_json(f / "preprocessor_config.json", feature_extractor_type="WhisperFeatureExtractor"),
            "WhisperFeatureExtractor",
        ),
    ],
)
def test_a_folder_that_is_no_good_checkpoint_is_refused(checkpoints, tmp_path, damage, words):
    folder = shutil.copytree(checkpoints("wav2vec2-group"), tmp_path / "bad")
    damage(folder)
    with pytest.raises(EncoderNotAvailableError, match=words):
        load_encoder(folder)


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def set_json(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("layer", [4, -5, True, 1.0, "last"])
def test_a_layer_that_is_not_there_is_refused(checkpoints, layer):
    with pytest.raises(ParameterError, match="hidden layers 0 to 3"):
        load_encoder(checkpoints("hubert"), layer=layer)


@pytest.mark.parametrize("device", ["no such", "cuda:99"])
@pytest.mark.parametrize("name", ["speech-small", None])
def test_a_device_that_is_not_there_is_refused(checkpoints, name, device):
    """Whatever torch raises of it: an AssertionError, where it was built for processors alone."""
    with pytest.raises(ParameterError, match=f"device='{device}' cannot be used here: .* Name another, such as 'cpu'"):
        load_encoder(name or checkpoints("hubert"), device=device)


def test_layers_may_be_counted_by_numpy(checkpoints):
    encoder, same = (load_encoder(checkpoints("hubert"), layer=layer) for layer in (np.int64(1), 1))
    assert (encoder.layer, encoder.fingerprint) == (same.layer, same.fingerprint)


def test_an_absent_hub_checkpoint_says_how_to_bring_it(monkeypatch, tmp_path):
    """Without a network the answer comes at once: one request, no retries."""
    from huggingface_hub import HfApi

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(HfApi, "model_info", unreachable)
    began = time.monotonic()
    with pytest.raises(EncoderNotAvailableError, match="cannot be reached") as caught:
        load_encoder("microsoft/wavlm-base-plus")
    assert time.monotonic() - began < 3
    for words in ("download microsoft/wavlm-base-plus", "preprocessor_config.json", "model.safetensors", "HF_HOME"):
        assert words in str(caught.value)


def unreachable(*_, **__):
    raise ConnectionError("no route to host")


def test_offline_mode_does_not_try_the_network(monkeypatch, tmp_path):
    from huggingface_hub import HfApi

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: pytest.fail("the network was tried"))
    with pytest.raises(EncoderNotAvailableError, match="HF_HUB_OFFLINE is set"):
        load_encoder("facebook/hubert-base-ls960")


def test_a_checkpoint_in_the_hub_cache_is_used_without_the_network(checkpoints, monkeypatch, tmp_path):
    from huggingface_hub import HfApi

    home = tmp_path / "models--owner--model"
    shutil.copytree(checkpoints("hubert"), home / "snapshots" / "abc")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: pytest.fail("the network was tried"))
    encoder = load_encoder("owner/model")
    assert encoder.name == "owner/model"
    assert encoder.fingerprint == load_encoder(checkpoints("hubert")).fingerprint


def test_of_a_hub_checkpoint_only_what_is_needed_is_downloaded(checkpoints, monkeypatch, tmp_path):
    files = ("config.json", "preprocessor_config.json", "model.safetensors", "pytorch_model.bin", "vocab.json", "a.md")
    listed = types.SimpleNamespace(siblings=[types.SimpleNamespace(rfilename=file) for file in files])
    fetched = []

    def download(name, file, **_):
        fetched.append(file)
        return str(checkpoints("hubert") / file)

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: listed)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    load_encoder("owner/model")
    assert fetched == ["config.json", "preprocessor_config.json", "model.safetensors"]


def test_encoding_from_threads_mixes_nothing_up(checkpoints):
    from concurrent.futures import ThreadPoolExecutor

    encoder = load_encoder(checkpoints("wav2vec2-group"), layer="mix")
    clips = [speechlike(1 + k / 10, seed=k) for k in range(8)]
    expected = [encoder.encode(clip) for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        for rows, wanted in zip(pool.map(encoder.encode, clips), expected, strict=True):
            np.testing.assert_allclose(rows, wanted, atol=1e-5)
