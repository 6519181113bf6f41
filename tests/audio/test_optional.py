"""relaylib.optional: torchaudio with a torch that its compiled extension does not fit."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from relaylib.optional import OptionalPackageError, import_torchaudio


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def torchaudio():
    return import_torchaudio()


def test_resample_works_without_the_extension(torchaudio):
    import torch

    assert torchaudio.functional.resample(torch.zeros(2, 44100), 44100, 16000).shape == (2, 16000)


def test_wav2vec2_builder_gives_a_model_that_runs(torchaudio):
    """A tiny wav2vec 2.0 turns 400 + 3 * 320 samples into 4 frames."""
    import torch

    model = torchaudio.models.wav2vec2_model(
        extractor_mode="group_norm",
        extractor_conv_layer_config=[(8, 10, 5)] + [(8, 3, 2)] * 4 + [(8, 2, 2)] * 2,
        extractor_conv_bias=False,
        encoder_embed_dim=16,
        encoder_projection_dropout=0.0,
        encoder_pos_conv_kernel=4,
        encoder_pos_conv_groups=2,
        encoder_num_layers=1,
        encoder_num_heads=2,
        encoder_attention_dropout=0.0,
        encoder_ff_interm_features=16,
        encoder_ff_interm_dropout=0.0,
        encoder_dropout=0.0,
        encoder_layer_norm_first=False,
        encoder_layer_drop=0.0,
        aux_num_out=None,
    )
    with torch.inference_mode():
        features, _ = model.eval()(torch.zeros(1, 400 + 3 * 320))
    assert features.shape == (1, 4, 16)


def test_pipelines_and_transforms_are_there(torchaudio):
    assert torchaudio.pipelines.WAV2VEC2_BASE.sample_rate == 16000
    assert torchaudio.transforms.Resample(48000, 16000) is not None


def test_filters_fall_back_to_their_python_form(torchaudio):
    import torch

    impulse = torch.zeros(4)
    impulse[0] = 1
    out = torchaudio.functional.lfilter(impulse, torch.tensor([1.0, -0.5]), torch.tensor([1.0, 0.0]), clamp=False)
    assert out.tolist() == [1.0, 0.5, 0.25, 0.125]


def test_second_call_gives_the_same_module(torchaudio):
    assert import_torchaudio() is torchaudio is sys.modules["torchaudio"]


def test_a_torch_with_cuda_is_not_given_the_stand_in():
    """An extension that fails beside a CUDA torch is a clear error, and nothing of torchaudio stays loaded."""
    run_python(
        """
        import sys, torch
        from relaylib import optional
        optional._torch_is_cpu_only = lambda: False
        class Broken:
            def find_spec(self, name, path=None, target=None):
                if name == "torchaudio._extension":
                    raise OSError("libcudart.so: cannot open shared object file")
        sys.meta_path.insert(0, Broken())
        try:
            optional.import_torchaudio()
        except optional.OptionalPackageError as exc:
            assert "libcudart" in str(exc) and "same index" in str(exc), exc
        else:
            raise SystemExit("no error")
        assert not [n for n in sys.modules if n.split(".")[0] == "torchaudio"]
        """
    )


def test_absent_torchaudio_says_how_to_install_it(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "torchaudio"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    with pytest.raises(OptionalPackageError, match="pip install torch torchaudio"):
        import_torchaudio()


class _Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torchaudio":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_broken_extension_of_a_cpu_torch_is_left_out():
    """Whatever the installed pair is, a failing extension beside a CPU-only torch gives a working package."""
    out = run_python(
        """
        import sys, torch
        from relaylib import optional
        optional._torch_is_cpu_only = lambda: True
        class Broken:
            def find_spec(self, name, path=None, target=None):
                if name == "torchaudio._extension":
                    raise OSError("libcudart.so: cannot open shared object file")
        sys.meta_path.insert(0, Broken())
        ta = optional.import_torchaudio()
        print(ta.functional.resample(torch.zeros(441), 44100, 16000).shape[-1])
        try:
            ta.functional.forced_align(torch.zeros(1, 4, 2), torch.ones(1, 1, dtype=torch.int32))
        except RuntimeError as exc:
            print("extension" in str(exc))
        import torchaudio
        print(torchaudio._extension._IS_TORCHAUDIO_EXT_AVAILABLE)
        """
    )
    assert out.split() == ["160", "True", "False"]
