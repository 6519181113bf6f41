"""Which precision is meant, and that detectors and caches can tell precisions apart where it matters."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from labelled_speech import FAST, write_corpus
from small_encoders import SMALL, PlaceholderEncoder, make_checkpoint, speechlike

from relaylib.errors import ParameterError
from relaylib.models import Detector, EmbeddingCache, load_encoder, train
from relaylib.models.fast import precision as module
from relaylib.models.fast.architecture import obstacle
from relaylib.models.golden import tolerance
from relaylib.types import Waveform

KNOWN = {
    "model_type": "hubert",
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "do_stable_layer_norm": False,
}


@pytest.mark.parametrize(
    "change",
    [
        {"model_type": "data2vec-audio"},
        {"feat_extract_norm": "batch"},
        {"feat_extract_activation": "relu"},
        {"hidden_act": "gelu_new"},
        {"conv_pos_batch_norm": True},
        {"adapter_attn_dim": 16},
        {"add_adapter": True},
    ],
)
def test_what_the_fast_path_does_not_know_is_named(change):
    assert obstacle(SimpleNamespace(**KNOWN)) is None
    (field, value), *_ = change.items()
    assert obstacle(SimpleNamespace(**{**KNOWN, **change})) == f"{field}={value!r}"


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [("data2vec", {}), ("hubert", {"hidden_act": "relu"}), ("hubert", {"conv_pos_batch_norm": True})],
)
def test_other_architectures_are_left_to_transformers(tmp_path, architecture, changes):
    folder = make_checkpoint(tmp_path, architecture, **changes)
    encoder = load_encoder(folder)
    assert encoder.precision == "reference"
    assert encoder.encode(speechlike(0.5)).shape == (24, SMALL["hidden_size"])
    with pytest.raises(ParameterError, match="is run by transformers; use 'auto'"):
        load_encoder(folder, precision="fp32")


@pytest.mark.parametrize(("has", "chosen"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_where_the_processor_has_it(checkpoints, monkeypatch, has, chosen):
    monkeypatch.setattr(module, "bf16_pays", lambda device: has)
    assert load_encoder(checkpoints("hubert")).precision == chosen
    assert load_encoder(checkpoints("hubert"), precision="reference").precision == "reference"
    assert load_encoder(checkpoints("hubert"), precision="fp32").precision == "fp32"


@pytest.mark.parametrize(
    ("found", "amd", "pays"),
    [
        ({"amx_bf16": True}, False, True),
        ({"avx512_bf16": True}, True, True),
        ({"avx512_bf16": True}, False, False),
        ({"avx512_f": True, "amx_tile": True}, True, False),
        ({}, True, False),
    ],
)
def test_the_processor_is_asked_for_bf16_itself(monkeypatch, found, amd, pays):
    """AVX-512 alone is not enough, nor is a tile unit of which nobody says that it multiplies bfloat16."""
    monkeypatch.setattr(module, "_is_amd", lambda: amd)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    assert module.bf16_pays("cpu") is pays
    assert module.bf16_pays("meta") is False


@pytest.mark.parametrize(
    ("listed", "named", "amd"),
    [
        ("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9R14\n", "", True),
        ("processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: sold beside AMD\n", "", False),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", "", False),
        (None, "AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", True),
        (None, "Intel64 Family 6 Model 143 Stepping 8, GenuineIntel", False),
    ],
)
def test_the_vendor_is_what_the_system_says(monkeypatch, tmp_path, listed, named, amd):
    """As Linux lists processors, and as Windows names them."""
    path = tmp_path / "cpuinfo"
    if listed is not None:
        path.write_text(listed)
    monkeypatch.setattr(module, "Path", lambda asked: path if asked == "/proc/cpuinfo" else None)
    monkeypatch.setattr(module.platform, "processor", lambda: named)
    assert module._is_amd.__wrapped__() is amd


def test_an_older_torch_is_asked_otherwise(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    for found in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda found=found: found, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
        assert module.bf16_pays("cpu") is found


def test_an_unknown_precision_lists_the_known_ones(checkpoints):
    with pytest.raises(ParameterError, match="need one of auto, bf16, fp32, reference"):
        load_encoder(checkpoints("hubert"), precision="fp8")


def test_the_cache_does_not_mix_precisions(checkpoints, tmp_path):
    """One entry each; of an encoder without a choice, and of transformers itself, the key is what it always was."""
    cache, speech = EmbeddingCache(tmp_path), Waveform(speechlike(1))
    encoders = {p: load_encoder(checkpoints("hubert"), precision=p) for p in ("bf16", "fp32", "reference")}
    for encoder in encoders.values():
        cache.frames(speech, encoder)
    assert len(cache) == 3
    assert len({encoder.fingerprint for encoder in encoders.values()}) == 1
    plain, chosen = PlaceholderEncoder(), PlaceholderEncoder()
    chosen.precision = "reference"
    assert cache._entry(speech, plain).stem == cache._entry(speech, chosen).stem


def test_a_detector_moves_to_a_machine_without_bf16(checkpoints, tmp_path):
    """Trained in bfloat16 it loads and scores in float32, and the other way; spectral files are what they were."""
    manifest = write_corpus(tmp_path)
    bf16, fp32 = (load_encoder(checkpoints("wav2vec2-group"), precision=p) for p in ("bf16", "fp32"))
    path = train(manifest, bf16, FAST, audio_root=tmp_path).save(tmp_path / "d.safetensors")
    sound = speechlike(2)
    there, here = (Detector.load(path, encoder=encoder).score(sound).values for encoder in (bf16, fp32))
    np.testing.assert_allclose(here, there, atol=0.05)
    back = Detector.load(path, encoder=fp32).save(tmp_path / "back.safetensors")
    assert Detector.load(back, encoder=bf16).artifact_types == ("gap", "click")


def test_only_a_change_of_type_widens_what_a_golden_clip_allows():
    assert tolerance("fp32", "reference") == tolerance(None, None) == tolerance("bf16", "bf16") == 0.02
    assert tolerance("bf16", "fp32") == tolerance(None, "bf16") == 0.1
