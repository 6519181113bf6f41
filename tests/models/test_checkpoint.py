"""Weights read without transformers: the same names and numbers as it has, and nothing where anything is unclear."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_encoders import ARCHITECTURES

from relaylib.models import load_encoder
from relaylib.models.fast.checkpoint import read_model
from relaylib.models.pretrained import _quiet_transformers
from relaylib.models.speech.encoder import CHECKPOINT

KNOWN = [name for name in ARCHITECTURES if name != "data2vec"]
UNUSED = "masked_spec_embed"


def read(folder):
    return read_model(folder, json.loads((folder / "config.json").read_text()))


@pytest.fixture
def copied(checkpoints, tmp_path):
    """Return a copy of a checkpoint, to be changed."""
    return lambda architecture: shutil.copytree(checkpoints(architecture), tmp_path / "copied")


def assert_same_weights(model, folder):
    with _quiet_transformers() as transformers:
        expected = transformers.AutoModel.from_pretrained(folder).float().state_dict()
    found = model.state_dict()
    assert found.keys() == expected.keys() - {UNUSED}
    for name, weight in found.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, expected[name]), name


@pytest.mark.parametrize("architecture", KNOWN)
def test_names_and_numbers_are_those_of_transformers(checkpoints, architecture):
    assert_same_weights(read(checkpoints(architecture)), checkpoints(architecture))


def test_half_precision_is_widened_as_transformers_does():
    """The checkpoint that comes with the package is in float16."""
    assert_same_weights(read(CHECKPOINT), CHECKPOINT)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_fingerprint_does_not_depend_on_the_reader(checkpoints, architecture):
    folder = checkpoints(architecture)
    assert load_encoder(folder).fingerprint == load_encoder(folder, precision="reference").fingerprint


def test_configurations_of_before_are_read_as_transformers_does(copied):
    """HuBERT's of 2021 lack two fields, and its weight norm had other names."""
    folder = copied("hubert")
    expected = load_encoder(folder, precision="reference").fingerprint
    config = json.loads((folder / "config.json").read_text())
    assert config.pop("conv_pos_batch_norm") is False
    assert config.pop("feat_proj_layer_norm") is True
    (folder / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    for new, old in (
        ("parametrizations.weight.original0", "weight_g"),
        ("parametrizations.weight.original1", "weight_v"),
    ):
        weights[f"encoder.pos_conv_embed.conv.{old}"] = weights.pop(f"encoder.pos_conv_embed.conv.{new}")
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert read(folder) is not None
    assert load_encoder(folder).fingerprint == load_encoder(folder, precision="reference").fingerprint == expected


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wavlm"])
def test_what_transformers_does_not_heed_changes_nothing(copied, architecture):
    """Only HuBERT's have a choice of the norm before the projection."""
    folder = copied(architecture)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "feat_proj_layer_norm": False}))
    assert_same_weights(read(folder), folder)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden_size": 96},
        {"num_hidden_layers": 4},
        {"conv_bias": None, "conv_kernel": [10]},
        {"feat_extract_norm": "batch"},
        {"hidden_act": "relu"},
        {"adapter_attn_dim": 16},
        {"layer_norm_eps": "small"},
        {"num_attention_heads": 5},
        {"model_type": "data2vec-audio"},
        {"model_type": "wavlm"},
    ],
)
def test_what_is_not_plainly_known_is_left_to_transformers(checkpoints, change):
    folder = checkpoints("wav2vec2-group")
    config = json.loads((folder / "config.json").read_text())
    assert read_model(folder, config) is not None
    assert read_model(folder, {**config, **change}) is None


def test_a_configuration_without_sizes_is_left_to_transformers(checkpoints):
    folder = checkpoints("wav2vec2-group")
    config = json.loads((folder / "config.json").read_text())
    for field in (
        "conv_dim",
        "layer_norm_eps",
        "num_attention_heads",
        "num_conv_pos_embeddings",
        "do_stable_layer_norm",
    ):
        assert read_model(folder, {name: value for name, value in config.items() if name != field}) is None


def test_damaged_weights_are_left_to_transformers_which_says_so(copied):
    folder = copied("wav2vec2-group")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    assert read(folder) is None
    weights.unlink()
    assert read(folder) is None  # as weights in several files are


def test_weights_in_several_files_come_before_those_of_torch(copied):
    """As transformers has it."""
    folder = copied("wav2vec2-group")
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.rename(folder / "model-00001-of-00001.safetensors")
    assert read(folder) is not None
    (folder / "model.safetensors.index.json").write_text("{}")
    assert read(folder) is None


def test_a_model_does_not_change_with_its_file(copied):
    folder = copied("wav2vec2-group")
    model = read(folder)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    size = (folder / "model.safetensors").stat().st_size
    with (folder / "model.safetensors").open("r+b") as file:
        file.write(b"\0" * size)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


def test_loading_takes_no_random_numbers(checkpoints):
    folder = checkpoints("wavlm")  # making it does
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    read(folder)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", ["speech-small", "folder"])
def test_neither_transformers_nor_what_is_as_slow_to_import_is_loaded(checkpoints, name):
    """They would take five seconds, again in each process."""
    name = name if name == "speech-small" else str(checkpoints("hubert"))
    code = (
        f"import relaylib, numpy, sys; encoder = relaylib.load_encoder({name!r}, precision='fp32');"
        "relaylib.embed(numpy.zeros(16000, numpy.float32), encoder);"
        "print({'transformers', 'librosa', 'numba', 'scipy.signal', 'torch._dynamo', 'sympy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
