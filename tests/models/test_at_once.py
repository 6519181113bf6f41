"""Windows that are encoded together are what they are one by one; on other devices transformers computes them."""

import logging

import numpy as np
import pytest
import torch
from small_encoders import ARCHITECTURES, PlaceholderEncoder, closeness, speechlike

from relaylib.errors import ParameterError
from relaylib.models import embed, load_encoder, pretrained
from relaylib.models.embedding import embed_stream
from relaylib.models.first_block import FullPrecisionConv
from relaylib.models.lowered import in_bfloat16
from relaylib.models.windows import together, windows

_log = logging.getLogger(__name__)  # pytest --log-cli-level=info shows the figures

WINDOWS = {"window": 50 * 320, "context": 10 * 320}


@pytest.mark.parametrize(("at_once", "sizes"), [(1, [1] * 8), (3, [3, 3, 2]), (4, [4, 4]), (100, [8])])
def test_windows_of_equal_length_come_together(rng, at_once, sizes):
    """In order, and none is lost; the last two are shorter, and equally long."""
    encoder = PlaceholderEncoder()
    samples = rng.standard_normal(40 * 320 + 7 * 32 * 320).astype(np.float32)
    cut = list(windows([samples], encoder))
    groups = list(together(cut, at_once))
    assert [window for group in groups for window in group] == cut
    assert [len(group) for group in groups] == sizes
    shorter = list(windows([samples[:-5000]], encoder))
    assert all(len({len(window.samples) for window in group}) == 1 for group in together(shorter, at_once))


@pytest.mark.parametrize("precision", ["reference", "fp32"])
@pytest.mark.parametrize("architecture", ["wav2vec2-group", "wav2vec2-layer-unnormalised", "hubert", "wavlm-layer"])
def test_several_windows_give_what_each_gives(checkpoints, architecture, precision):
    """Of every layer choice, with statistics of the recording and without."""
    samples = speechlike(7.3)
    samples[: 2 * 16_000] *= 0.1
    for layer in (None, 1, "mix"):
        one, several = (
            load_encoder(checkpoints(architecture), layer=layer, precision=precision, at_once=n, **WINDOWS)
            for n in (1, 4)
        )
        expected = embed(samples, one).embeddings
        np.testing.assert_allclose(embed(samples, several).embeddings, expected, atol=2e-5, rtol=0)
        rest = np.concatenate(list(embed_stream([samples], several, skip=101)))
        np.testing.assert_allclose(rest, expected[101:], atol=2e-5, rtol=0)


def test_several_windows_are_one_call_of_the_model(checkpoints, monkeypatch):
    encoder = load_encoder(checkpoints("hubert"), precision="reference", at_once=4, **WINDOWS)
    seen = []
    run = encoder._runner._final
    monkeypatch.setattr(encoder._runner, "_final", lambda batch: (seen.append(tuple(batch.shape)), run(batch))[1])
    embed(speechlike(1 + 6 * 0.6), encoder)  # seven windows, each 30 frames after the one before
    assert seen == [(4, 16_000), (3, 16_000)]


def test_one_window_is_taken_at_a_time_on_a_cpu(checkpoints):
    assert load_encoder(checkpoints("hubert")).at_once == 1


@pytest.mark.parametrize("at_once", [0, -1, 2.0, True])
def test_no_windows_at_once_are_refused(checkpoints, at_once):
    with pytest.raises(ParameterError, match="at_once"):
        load_encoder(checkpoints("hubert"), at_once=at_once)


@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if name != "data2vec"])
def test_transformers_in_bf16_points_where_it_does_in_fp32(checkpoints, architecture):
    """As on a GPU, but that torch's choice of types for CPUs is taken; samples themselves are not rounded."""
    clips = torch.from_numpy(np.stack([speechlike(2, seed) + np.float32(0.05) for seed in (1, 2, 3)]))
    for layer in (None, 1, "mix"):
        rows = {}
        for precision in ("bf16", "fp32"):
            model = pretrained._load_model("small", checkpoints(architecture)).eval()
            runner = pretrained._reference(model, layer, precision)
            with torch.inference_mode():
                rows[precision] = runner(clips, None).numpy()
            assert rows[precision].dtype == np.float32
            assert runner.precision == precision
        cosine = closeness(rows["bf16"], rows["fp32"])
        _log.info("%s, layer %s: cosine mean %.5f, min %.4f", architecture, layer, cosine.mean(), cosine.min())
        assert cosine.mean() >= 0.9998
        assert cosine.min() >= 0.999
        assert np.abs(rows["bf16"] - rows["fp32"]).max() > 1e-4  # another type was computed in


def test_the_first_convolution_takes_samples_as_they_are(checkpoints):
    model = in_bfloat16(pretrained._load_model("small", checkpoints("wav2vec2-group")).eval())
    first, second = model.feature_extractor.conv_layers[:2]
    clips = torch.from_numpy(speechlike(1))[None, None]
    with torch.inference_mode():
        expected = first.conv(clips)
        FullPrecisionConv.put_into(first)
        with torch.autocast("cpu", torch.bfloat16):
            found = first.conv(clips)
            assert second.conv(found).dtype == torch.bfloat16
    assert torch.equal(found, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_what_the_cpu_gives(checkpoints):
    samples = speechlike(7.3)
    for architecture in ARCHITECTURES:
        expected = embed(samples, load_encoder(checkpoints(architecture), precision="reference", **WINDOWS)).embeddings
        encoder = load_encoder(checkpoints(architecture), device="cuda", **WINDOWS)
        assert encoder.at_once > 1
        cosine = closeness(embed(samples, encoder).embeddings, expected)
        assert cosine.mean() >= 0.9998, architecture
        assert cosine.min() >= 0.999, architecture
