"""torchaudio's bundles, with small random weights in the place that torch hub looks into."""

import dataclasses
import urllib.error

import numpy as np
import pytest
import torch
from small_encoders import speechlike

from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models import bundles, embed, load_encoder
from relaylib.optional import import_torchaudio

DEPTH, WIDTH = 3, 48
SMALL = {
    "extractor_conv_layer_config": [(32, 10, 5), *[(32, 3, 2)] * 4, *[(32, 2, 2)] * 2],
    "encoder_embed_dim": WIDTH,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": DEPTH,
    "encoder_num_heads": 4,
    "encoder_ff_interm_features": 96,
}
WAVLM = {"encoder_num_buckets": 320, "encoder_max_distance": 800}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Return the folder of torch hub, empty, with a network that is down."""

    def unreachable(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def install(name, hub, monkeypatch):
    """Make a small bundle of `name`, put its weights where they belong, and return its model."""
    pipelines = import_torchaudio().pipelines
    found = getattr(pipelines, name)
    small = dataclasses.replace(found, _params={**found._params, **SMALL})
    monkeypatch.setattr(pipelines, name, small)
    torch.manual_seed(0)
    model = pipelines._wav2vec2.utils._get_model(small._model_type, small._params)
    state = model.state_dict()
    if "aux.weight" in state:  # the files of speech recognisers hold three letters too many
        state = {k: torch.cat([v[:1], v[:3], v[1:]]) if k.startswith("aux.") else v for k, v in state.items()}
    torch.save(state, hub / small._path)
    return small.get_model()


@pytest.mark.parametrize("name", ["WAV2VEC2_BASE", "HUBERT_LARGE", "WAVLM_BASE_PLUS", "WAV2VEC2_ASR_LARGE_LV60K_960H"])
def test_short_clips_embed_as_in_torchaudio(name, hub, monkeypatch):
    """Hidden states are those of ``extract_features``; the last one is after the final norm, where there is one."""
    model = install(name, hub, monkeypatch)
    samples = speechlike(1.234) + np.float32(0.05)
    with torch.inference_mode():
        expected = [h[0].numpy() for h in model.extract_features(torch.from_numpy(samples)[None])[0]]
        inner = getattr(model, "model", model)
        if not inner.encoder.transformer.layer_norm_first:
            expected[-1] = inner.encoder.transformer.layer_norm(torch.from_numpy(expected[-1])).numpy()
    for layer in range(1, DEPTH + 1):
        rows = load_encoder(f"torchaudio:{name}", layer=layer).encode(samples)
        np.testing.assert_allclose(rows, expected[layer - 1], atol=1e-4, rtol=0)
    encoder = load_encoder(f"torchaudio:{name}")
    np.testing.assert_allclose(encoder.encode(samples), expected[-1], atol=1e-4, rtol=0)
    assert (encoder.name, encoder.dim, encoder.receptive_field) == (f"torchaudio:{name}", WIDTH, 400)
    mix = load_encoder(f"torchaudio:{name}", layer="mix").encode(samples)
    np.testing.assert_allclose(mix[:, WIDTH:], np.concatenate(expected, axis=1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["WAV2VEC2_BASE", "WAV2VEC2_LARGE_LV60K"])
def test_windows_are_normalised_by_the_whole_recording(name, hub, monkeypatch):
    """What enters the first layer, before any attention, is what it is in the whole clip, however loudness changes."""
    install(name, hub, monkeypatch)
    encoder = load_encoder(f"torchaudio:{name}", layer=0, window=200 * 320, context=80 * 320)
    samples = speechlike(8)
    samples[4 * 16000 :] *= 0.01
    np.testing.assert_allclose(embed(samples, encoder).embeddings, encoder.encode(samples), atol=2e-3)


def test_absent_weights_say_where_to_put_them(hub):
    with pytest.raises(EncoderNotAvailableError, match="cannot be reached") as caught:
        load_encoder("torchaudio:WAV2VEC2_BASE")
    assert "https://download.pytorch.org/torchaudio/models/wav2vec2_fairseq_base_ls960.pth" in str(caught.value)
    assert str(hub / "wav2vec2_fairseq_base_ls960.pth") in str(caught.value)


def test_damaged_weights_are_told(hub):
    (hub / "wav2vec2_fairseq_base_ls960.pth").write_bytes(b"no weights")
    with pytest.raises(EncoderNotAvailableError, match="cannot be read"):
        load_encoder("torchaudio:WAV2VEC2_BASE")


def test_an_unknown_bundle_lists_the_known_ones():
    with pytest.raises(EncoderNotAvailableError, match=r"no bundle 'WAV2VEC3'; it has .*HUBERT_BASE.*WAV2VEC2_BASE"):
        load_encoder("torchaudio:WAV2VEC3")


def test_the_fingerprint_tells_weights_and_layers_apart(hub, monkeypatch):
    install("WAV2VEC2_BASE", hub, monkeypatch)
    same = load_encoder("torchaudio:WAV2VEC2_BASE").fingerprint
    assert load_encoder("torchaudio:WAV2VEC2_BASE", layer=DEPTH).fingerprint == same
    assert load_encoder("torchaudio:WAV2VEC2_BASE", layer=1).fingerprint != same
    path = hub / "wav2vec2_fairseq_base_ls960.pth"
    state = torch.load(path, weights_only=True)
    state["encoder.transformer.layers.0.layer_norm.bias"][0] += 1e-3
    torch.save(state, path)
    assert load_encoder("torchaudio:WAV2VEC2_BASE").fingerprint != same


def test_a_layer_that_is_not_there_is_refused(hub, monkeypatch):
    install("WAV2VEC2_BASE", hub, monkeypatch)
    with pytest.raises(ParameterError, match="hidden layers 0 to 3"):
        load_encoder("torchaudio:WAV2VEC2_BASE", layer=4)


def test_all_bundles_of_torchaudio_have_a_known_shape():
    """Whatever torchaudio offers is 16 kHz and built of the two kinds of model that are read here."""
    pipelines = import_torchaudio().pipelines
    names = [n for n in pipelines.__all__ if isinstance(getattr(pipelines, n), pipelines.Wav2Vec2Bundle)]
    assert len(names) >= 20
    for name in names:
        assert bundles._find(name)._model_type in ("Wav2Vec2", "WavLM")
