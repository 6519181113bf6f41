"""Encoders side by side: each column is what its own encoder gives."""

import numpy as np
import pytest
from small_encoders import PlaceholderEncoder, speechlike

from relaylib import embed, load_encoder
from relaylib.errors import EncoderNotAvailableError, ParameterError
from relaylib.models.fused import FusedEncoder


def test_columns_are_those_of_the_parts(checkpoints):
    folder = checkpoints("wav2vec2-group")
    fused = load_encoder(f"spectral+{folder}", precision="fp32")
    spectral, plain = load_encoder("spectral"), load_encoder(folder, precision="fp32")
    clip = speechlike(2.3, seed=1)
    rows = fused.encode(clip)
    n = min(len(spectral.encode(clip)), len(plain.encode(clip)))
    assert (fused.dim, fused.hop, fused.name) == (spectral.dim + plain.dim, 320, f"spectral+{folder}")
    np.testing.assert_array_equal(rows, np.concatenate([spectral.encode(clip)[:n], plain.encode(clip)[:n]], axis=1))
    assert fused.precision == "fp32"
    assert fused.fingerprint not in (spectral.fingerprint, plain.fingerprint)


def test_a_long_recording_keeps_the_statistics_of_all_of_it(checkpoints):
    """Windows of a recording that grows loud are close to the whole, as they are for the pretrained part alone."""
    folder = checkpoints("wav2vec2-group")
    samples = speechlike(8)
    samples[4 * 16000 :] *= 0.01
    options = {"precision": "fp32", "window": 200 * 320, "context": 80 * 320}
    plain = load_encoder(folder, **options)
    fused = FusedEncoder([PlaceholderEncoder(window=200 * 320, context=80 * 320), plain])
    np.testing.assert_allclose(embed(samples, fused).embeddings[:, 5:], embed(samples, plain).embeddings, atol=1e-5)


def test_what_cannot_be_fused_is_refused(checkpoints):
    folder = checkpoints("wav2vec2-group")
    with pytest.raises(ParameterError, match="two or more"):
        FusedEncoder([load_encoder("spectral")])
    with pytest.raises(ParameterError, match="several layers"):
        load_encoder(f"spectral+{folder}", layer="mix")
    with pytest.raises(EncoderNotAvailableError, match="'nonsense' is unknown"):
        load_encoder("spectral+nonsense")
    with pytest.raises(ParameterError, match=r"none of the encoders.*\['sharpness'\]"):
        load_encoder(f"spectral+{folder}", sharpness=3)


def test_the_same_encoder_twice_stands_there_twice():
    once, twice = load_encoder("spectral"), load_encoder("spectral+spectral")
    rows = twice.encode(speechlike(1.0))
    assert twice.dim == 2 * once.dim
    np.testing.assert_array_equal(rows[:, : once.dim], rows[:, once.dim :])
