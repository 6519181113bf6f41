"""The fast path gives what transformers gives: float32 to the last digits, bfloat16 in direction."""

import copy
import logging
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from small_encoders import ARCHITECTURES, closeness, make_checkpoint, speechlike

from relaylib.models import embed, load_encoder
from relaylib.models.fast import parts, strided
from relaylib.models.fast.convolutions import Convolutions

_log = logging.getLogger(__name__)  # pytest --log-cli-level=info shows the figures

FAST = [name for name in ARCHITECTURES if name != "data2vec"]
LAYERS = (None, 0, 2, "mix")


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


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda encoder: pickle.loads(pickle.dumps(encoder))])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", FAST)
def test_copies_are_the_same_encoder(checkpoints, architecture, precision, copied):
    """To the last digit, whatever order the weights lie in."""
    encoder, clip = load_encoder(checkpoints(architecture), precision=precision), speechlike(1.5, seed=3)
    twin = copied(encoder)
    assert twin.fingerprint == encoder.fingerprint
    np.testing.assert_array_equal(twin.encode(clip), encoder.encode(clip))


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


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer", "hubert", "wavlm"])
def test_frames_that_only_the_positional_convolution_sees_go_through_no_layer(
    checkpoints, through_layers, architecture
):
    """It sees 64 on either side, so many are left out at inner edges; what enters the layers is right all the same."""
    samples = speechlike(10)
    options = {"precision": "fp32", "window": 300 * 320, "context": 100 * 320}
    entering = load_encoder(checkpoints(architecture), layer=0, **options)
    np.testing.assert_allclose(embed(samples, entering).embeddings, entering.encode(samples), atol=1e-3, rtol=0)
    encoder = load_encoder(checkpoints(architecture), layer=1, **options)
    cosine = closeness(embed(samples, encoder).embeddings, encoder.encode(samples))
    assert through_layers == [299 - 64, 299 - 128, 299 - 64, 499]
    assert cosine.min() >= 0.995


def test_frames_beside_those_that_are_kept_go_through_the_layers(checkpoints, through_layers):
    """Where a short context leaves no half second of them, all frames do."""
    for context in (88, 90):
        encoder = load_encoder(
            checkpoints("hubert"), layer=1, precision="fp32", window=300 * 320, context=context * 320
        )
        embed(speechlike(6.1), encoder)
    assert through_layers == [240, 239, 242 - 64, 241 - 64]


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


@pytest.mark.parametrize("seconds", [0.03, 0.7, 3.3, 12])
def test_in_float32_any_number_of_threads_gives_the_same(seconds):
    """To the last digit, since the number changes with what else is computed at the moment."""
    encoder = load_encoder("speech-small")._source
    clip = speechlike(seconds, seed=5)
    rows = [(torch.set_num_threads(n), encoder.encode(clip))[1] for n in (1, 2, 3, 4)]
    for others in rows[1:]:
        np.testing.assert_array_equal(others, rows[0])


def test_layers_above_the_chosen_one_are_not_taken(checkpoints):
    runner = load_encoder(checkpoints("hubert"), layer=1, precision="fp32")._runner
    assert len(runner._layers) == 1


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_are_not_held_twice(checkpoints, precision):
    encoder = load_encoder(checkpoints("wav2vec2-group"), precision=precision)
    assert encoder._model is None
    assert encoder.fingerprint == load_encoder(checkpoints("wav2vec2-group"), precision="reference").fingerprint


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() != "AVX512", reason="other oneDNN convolutions elsewhere")
def test_weights_lie_as_they_are_read(capfd):
    """In blocks of the usual length no convolution puts its weights in another order first, which takes longer."""
    encoder = load_encoder("speech-small")._source.parts[1]._source
    clip = speechlike(3.3)[: 79 * 320 + 400]
    encoder.encode(clip)
    capfd.readouterr()
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        encoder.encode(clip)
    done = [line.split(",") for line in capfd.readouterr().out.splitlines() if "primitive,exec" in line]
    assert sum(fields[5] == "convolution" for fields in done) == 4
    moved = [fields for fields in done if fields[5] == "reorder"]
    assert len(moved) == 1  # the first convolution's, which is another for each recording


@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer", "wavlm"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_without_packed_weights_it_is_the_same(checkpoints, monkeypatch, architecture, precision):
    """As on other processors than x86."""
    clip, folder = speechlike(3, seed=3), checkpoints(architecture)
    packed = load_encoder(folder, precision=precision).encode(clip)
    for module in (parts, strided):
        monkeypatch.setattr(module, "packs", lambda *_: False)
    plain = load_encoder(folder, precision=precision).encode(clip)
    if precision == "fp32":
        np.testing.assert_allclose(packed, plain, atol=1e-4, rtol=0)
    else:
        assert closeness(packed, plain).min() >= 0.999


def test_a_split_convolution_is_as_exact_as_its_result_can_be():
    """Off by half a step of bfloat16, where factors rounded to it err by several."""
    rng = torch.Generator().manual_seed(0)
    samples, weight, bias = (torch.randn(shape, generator=rng) for shape in ((5000,), (64, 1, 10), (64,)))
    wanted = torch.nn.functional.conv1d(samples[None, None], weight, bias, stride=5)[0].t()
    weights = strided.split_weight(weight.transpose(1, 2), bias)
    convolution = strided.StridedConvolution(weights, None, 5, torch.bfloat16, n_usual=100)
    found = convolution(strided.split_samples(samples[:, None]))
    assert ((found.float() - wanted).abs() <= wanted.abs() * 2**-8 + 1e-3).all()


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "n_in"), [(3, 2, 32), (2, 2, 32), (5, 2, 16), (4, 1, 8), (10, 5, 1)])
def test_rows_are_convolved_as_torch_does(monkeypatch, packed, kernel, stride, n_in):
    if not packed:
        for module in (parts, strided):
            monkeypatch.setattr(module, "packs", lambda *_: False)
    rng = torch.Generator().manual_seed(0)
    rows, weight, bias = (torch.randn(shape, generator=rng) for shape in ((97, n_in), (24, n_in, kernel), (24,)))
    wanted = torch.nn.functional.conv1d(rows.t()[None], weight, bias, stride=stride)[0].t()
    convolution = strided.StridedConvolution(weight.transpose(1, 2), bias, stride, torch.float32, n_usual=20)
    torch.testing.assert_close(convolution(rows), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(convolution(rows, gelu=True), torch.nn.functional.gelu(wanted), atol=1e-4, rtol=1e-4)
