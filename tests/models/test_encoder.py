"""Encoders are found by name, and what is not found is told."""

import subprocess
import sys

import pytest
from small_encoders import PlaceholderEncoder

from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models import encoder as encoder_module
from relaylib.models import encoder_names, load_encoder, register_encoder
from relaylib.models.encoder import check_encoder


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(encoder_module, "_FACTORIES", dict(encoder_module._FACTORIES))


def test_the_spectral_encoder_is_found():
    encoder = load_encoder("spectral")
    assert encoder.name == "spectral"
    assert encoder.n_layers == 1


@pytest.mark.usefixtures("registry")
def test_a_registered_factory_is_called_with_the_options():
    register_encoder("mine", PlaceholderEncoder)
    assert load_encoder("mine", dim=7).dim == 7
    assert "mine" in encoder_names()


@pytest.mark.usefixtures("registry")
def test_a_registered_prefix_hands_the_rest_of_the_name_on():
    register_encoder("mine:", lambda rest, layer=None: (rest, layer))
    assert load_encoder("mine:a:b", layer="mix") == ("a:b", "mix")


@pytest.mark.usefixtures("registry")
def test_a_name_that_is_taken_is_refused():
    register_encoder("mine", PlaceholderEncoder)
    register_encoder("mine", PlaceholderEncoder)  # the same again changes nothing
    with pytest.raises(ParameterError, match="registered already"):
        register_encoder("mine", dict)
    with pytest.raises(ParameterError, match="need a name"):
        register_encoder("", PlaceholderEncoder)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(
        EncoderNotAvailableError, match=r"'wav2vec' is unknown; known are spectral, speech-small, torchaudio:.*folder"
    ):
        load_encoder("wav2vec")


@pytest.mark.parametrize("name", ["", "spectral+"])
def test_an_empty_name_is_not_the_folder_one_is_in(name):
    with pytest.raises(EncoderNotAvailableError, match="encoder '' is unknown"):
        load_encoder(name)


@pytest.mark.parametrize("name", ["spectral", "torchaudio:WAV2VEC2_BASE", "microsoft/wavlm-base-plus"])
def test_a_name_that_could_be_found_passes_the_check(name):
    check_encoder(name)


def test_an_unknown_name_fails_the_check_without_loading_torch():
    code = "import sys; from relaylib.models.encoder import check_encoder; check_encoder('spectral'); "
    code += "sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(EncoderNotAvailableError, match="'wav2vec' is unknown"):
        check_encoder("wav2vec")


def test_an_absent_folder_is_named():
    with pytest.raises(EncoderNotAvailableError, match=r"no folder \./no/such/folder"):
        load_encoder("./no/such/folder")


def test_an_option_that_an_encoder_does_not_take_is_refused():
    with pytest.raises(ParameterError, match=r"'spectral' does not take the options \['layer'\]"):
        load_encoder("spectral", layer=3)


def test_importing_the_room_loads_neither_torch_nor_transformers():
    code = "import sys, relaylib.models; print({'torch', 'transformers', 'torchaudio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_the_function_embed_is_not_hidden_by_a_module():
    """Whatever of the room is imported first, ``relaylib.models.embed`` is the function."""
    code = "import relaylib.models.cache; from relaylib.models import embed; print(type(embed).__name__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "function\n"
