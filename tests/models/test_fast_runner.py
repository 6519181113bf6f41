"""The fast path gives what transformers gives: float32 to the last digits, bfloat16 in direction."""

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from small_encoders import ARCHITECTURES, SMALL, make_checkpoint, speechlike

from relaylib.models import embed, load_encoder
from relaylib.models.fast.convolutions import Convolutions

_log = logging.getLogger(__name__)  # pytest --log-cli-level=info shows the figures

FAST = [name for name in ARCHITECTURES if name != "data2vec"]
LAYERS = (None, 0, 2, "mix")


def closeness(rows, wanted):
    """Return the cosine of each frame with what is wanted."""
    return (rows * wanted).sum(1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(wanted, axis=1)


@pytest.mark.parametrize("architecture", FAST)
def test_fp32_is_transformers_to_the_last_digits(checkpoints, architecture):
    """Every layer choice, for clips of one frame, of one block of frames and of several, within 1e-4."""
    folder = checkpoints(architecture)
    for layer in LAYERS:
        fast, reference = (load_encoder(folder, layer=layer, precision=p) for p in ("fp32", "reference"))
        assert (fast.precision, reference.precision) == ("fp32", "reference")
        for seconds in (0.01, 0.025, 1.511, 4.3):
            clip = speechlike(seconds, seed=3) + np.float32(0.05)
            np.testing.assert_allclose(fast.encode(clip), reference.encode(clip), atol=1e-4, rtol=0)


@pytest.mark.parametrize("architecture", FAST)
def test_bf16_points_where_fp32_does(checkpoints, architecture):
    """Mean cosine at least 0.9998 and never below 0.999, of clips and of windows of a long recording."""
    folder, clip = checkpoints(architecture), speechlike(3, seed=3) + np.float32(0.05)
    for layer in LAYERS:
        options = {"layer": layer, "window": 50 * 320, "context": 10 * 320}
        bf16, reference = (load_encoder(folder, precision=p, **options) for p in ("bf16", "reference"))
        for way in (lambda encoder: encoder.encode(clip), lambda encoder: embed(clip, encoder).embeddings):
            rows = way(bf16)
            cosine = closeness(rows, way(reference))
            _log.info("%s, layer %s: cosine mean %.5f, min %.4f", architecture, layer, cosine.mean(), cosine.min())
            assert rows.dtype == np.float32
            assert cosine.mean() >= 0.9998
            assert cosine.min() >= 0.999


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer", "hubert", "wavlm"])
def test_windows_take_the_statistics_of_the_recording(checkpoints, architecture):
    """However loudness changes along a recording, windows are what they are with transformers."""
    options = {"window": 200 * 320, "context": 80 * 320}
    samples = speechlike(8)
    samples[4 * 16000 :] *= 0.01
    fast, reference = (
        embed(samples, load_encoder(checkpoints(architecture), precision=p, **options)).embeddings
        for p in ("fp32", "reference")
    )
    np.testing.assert_allclose(fast, reference, atol=1e-3, rtol=0)  # quiet sound is lifted, and rounding with it


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer-unnormalised"])
def test_what_windows_share_goes_through_the_convolutions_once(checkpoints, monkeypatch, architecture):
    """And the embeddings are those of windows that share nothing."""
    window, context = 200 * 320, 80 * 320
    encoder = load_encoder(checkpoints(architecture), precision="fp32", window=window, context=context)
    samples = speechlike(20)
    pieces = [samples[k : k + window] for k in range(0, len(samples) - 2 * context, window - 2 * context)]
    apart = [encoder.for_recording([samples])(piece) for piece in pieces]
    seen = []
    convolve = Convolutions.__call__
    monkeypatch.setattr(
        Convolutions, "__call__", lambda *args, **options: (seen.append(len(args[1])), convolve(*args, **options))[1]
    )
    encode = encoder.for_recording([samples])
    for piece, expected in zip(pieces, apart, strict=True):
        np.testing.assert_allclose(encode(piece), expected, atol=1e-5, rtol=0)
    assert len(seen) == len(pieces) > 5
    assert sum(seen) <= len(samples) + len(pieces) * encoder.receptive_field
    encode(pieces[3])  # a window that does not follow is made whole
    assert seen[-1] == window


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("wav2vec2-group", {"conv_bias": True}),
        ("wav2vec2-layer", {"conv_bias": False}),
        ("wav2vec2-layer", {"do_stable_layer_norm": False}),
        ("wav2vec2-group", {"num_conv_pos_embeddings": 33}),
        ("hubert", {"feat_proj_layer_norm": False}),
        ("wavlm", {"num_buckets": 32, "max_bucket_distance": 40}),
    ],
)
def test_less_common_settings_are_known(tmp_path, architecture, changes):
    folder = make_checkpoint(tmp_path, architecture, **changes)
    clip = speechlike(2, seed=3)
    fast, reference = (load_encoder(folder, layer="mix", precision=p) for p in ("fp32", "reference"))
    np.testing.assert_allclose(fast.encode(clip), reference.encode(clip), atol=1e-4, rtol=0)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_it_is_deterministic_and_threads_do_not_meet(checkpoints, precision):
    encoder = load_encoder(checkpoints("wavlm"), layer="mix", precision=precision)
    clips = [speechlike(1 + k / 10, seed=k) for k in range(6)]
    expected = [encoder.encode(clip) for clip in clips]
    np.testing.assert_array_equal(encoder.encode(clips[0]), expected[0])
    with ThreadPoolExecutor(4) as pool:
        for rows, wanted in zip(pool.map(encoder.encode, clips), expected, strict=True):
            np.testing.assert_array_equal(rows, wanted)


def test_layers_above_the_chosen_one_are_not_taken(checkpoints):
    runner = load_encoder(checkpoints("hubert"), layer=1, precision="fp32")._runner
    assert len(runner._layers) == 1


def test_fp32_shares_its_weights_with_the_model(checkpoints):
    """Of what is large, nothing is held twice; and the model still has the weights that were read."""
    encoder = load_encoder(checkpoints("wav2vec2-group"), precision="fp32")
    layer, module = encoder._runner._layers[0], encoder._model.encoder.layers[0]
    inward, width = layer._attention._inward.weight, SMALL["hidden_size"]
    assert module.attention.q_proj.weight.data_ptr() == inward.data_ptr()
    assert module.attention.v_proj.weight.data_ptr() == inward[2 * width :].data_ptr()
    assert module.feed_forward.output_dense.weight.data_ptr() == layer._down.weight.data_ptr()
    convolution = encoder._model.feature_extractor.conv_layers[1].conv
    assert convolution.weight.data_ptr() == encoder._runner._convolutions._stages[1].product.weight.data_ptr()


def test_bf16_lets_go_of_the_float32_weights(checkpoints):
    encoder = load_encoder(checkpoints("wav2vec2-group"), precision="bf16")
    assert encoder._model is None
    assert encoder._runner._layers[0]._up.weight.dtype == torch.bfloat16
    assert encoder.fingerprint == load_encoder(checkpoints("wav2vec2-group"), precision="reference").fingerprint
