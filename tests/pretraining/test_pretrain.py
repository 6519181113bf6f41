"""The scripts that make the encoder run to their end, at tiny size, and go on where they were cut off."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import torch

from relaylib import load_encoder
from relaylib.audio import load
from relaylib.demo import load_demo
from relaylib.formats import read_manifest
from relaylib.inject import BASIC_TYPES

TINY = ["--tiny", "--steps", "2", "3", "--batch-size", "2", "--crop-s", "2", "--workers", "0", "--device", "cpu"]
TINY += ["--judge-every", "2", "--judged-batches", "2", "--save-every-s", "0"]


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """Return a folder as `make_speech.py` makes it, of the clean speech that comes with the package."""
    folder = tmp_path_factory.mktemp("speech")
    demo = load_demo()
    clean = [item for item in demo.train.audio if not item.annotations]
    entries = []
    for item in clean:
        name = Path(item.filename).stem
        sf.write(folder / f"{name}.flac", load(demo.audio_root / item.filename).samples, 16_000)
        entries.append({"filename": f"{name}.flac", "engine": "demo", "voice": name, "duration_s": 3.0})
    (folder / "speech.json").write_text(json.dumps({"audio": entries}))
    return folder


def weights(folder):
    return torch.load(folder / "state.pt", weights_only=True)["learner"]


@pytest.mark.slow
def test_training_ends_with_an_encoder_that_loads(speech, tmp_path):
    from pretrain import parse, run

    encoder = load_encoder(run(parse([str(speech), "--out", str(tmp_path / "run"), *TINY])))
    rows = encoder.encode(np.random.default_rng(0).standard_normal(16_000).astype(np.float32))
    assert rows.shape == (49, 48)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4, 5]
    assert [entry["stage"] for entry in log] == ["masked", "aware", "aware"]
    assert set(log[-1]["average_precision"]) <= set(
        json.loads((tmp_path / "run/encoder/training.json").read_text())["types"]
    )


@pytest.mark.slow
def test_a_run_that_is_cut_off_goes_on_as_if_it_had_not_been(speech, tmp_path, monkeypatch):
    import pretrain

    whole = pretrain.parse([str(speech), "--out", str(tmp_path / "whole"), *TINY])
    pretrain.run(whole)
    cut = pretrain.parse([str(speech), "--out", str(tmp_path / "cut"), *TINY])
    learn = pretrain.Training.learn
    with monkeypatch.context() as patched:
        patched.setattr(pretrain.Training, "learn", lambda self, batch: learn(self, batch) if self.step < 3 else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pretrain.run(cut)
    pretrain.run(cut)
    for name, values in weights(tmp_path / "whole").items():
        torch.testing.assert_close(weights(tmp_path / "cut")[name], values, rtol=0, atol=0)


def test_the_convolutions_are_those_of_transformers():
    """Products of matrices in the place of convolutions, to the last digits; masking changes its own crop only."""
    from network import Learner, configuration

    torch.manual_seed(0)
    learner = Learner(configuration(tiny=True), 3).eval()
    samples = 0.1 * torch.randn(2, 32_000)
    with torch.no_grad():
        ours = learner(samples)
        normal = (samples - samples.mean(1, keepdim=True)) / torch.sqrt(
            samples.var(1, keepdim=True, unbiased=False) + 1e-7
        )
        theirs = learner.model(normal).last_hidden_state
        mask = torch.zeros(2, ours.shape[1], dtype=torch.bool)
        mask[0, 10:20] = True
        hidden = learner(samples, mask)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5)
    assert (hidden[0] - ours[0]).abs().max() > 1e-3
    torch.testing.assert_close(hidden[1], ours[1], rtol=0, atol=1e-5)


def test_crops_are_the_same_each_time_and_labelled(speech):
    from material import N_CODES, TYPES, Crops, load_speech

    crops = Crops(load_speech(speech), crop_s=4.0, batch_size=6, injected=True, seed=1, n_batches=9)
    batch, again = crops[4], crops[4]
    assert batch.samples.shape == (6, 64_000)
    assert batch.labels.shape == (6, 199, len(TYPES))
    assert batch.codes.shape == (6, 199)
    assert 0 <= int(batch.codes.min()) <= int(batch.codes.max()) < N_CODES
    for name in ("samples", "codes", "labels"):
        torch.testing.assert_close(getattr(batch, name), getattr(again, name), rtol=0, atol=0)
    assert sum(float(crops[k].labels.sum()) for k in range(3)) > 0
    clean = Crops(load_speech(speech), crop_s=4.0, batch_size=6, injected=False, seed=1, n_batches=9)
    assert float(clean[0].labels.sum()) == 0


def test_labelled_speech_is_a_manifest_that_trains(speech, tmp_path, monkeypatch):
    import make_labelled

    out = tmp_path / "labelled"
    monkeypatch.setattr(sys, "argv", ["make_labelled.py", str(speech), "--out", str(out), "--hours", "0.02"])
    make_labelled.main()
    manifest = read_manifest(out / "annotations.json")
    assert manifest.type_names == BASIC_TYPES
    assert all((out / item.filename).exists() and item.group.startswith("demo_") for item in manifest.audio)
    assert any(item.annotations for item in manifest.audio)


def test_labelled_speech_is_added_to_what_is_there_and_never_twice(speech, tmp_path, monkeypatch, capsys):
    import make_labelled

    out = tmp_path / "labelled"
    arguments = ["make_labelled.py", str(speech), "--out", str(out), "--hours", "0.004"]
    monkeypatch.setattr(sys, "argv", arguments)
    make_labelled.main()
    first = read_manifest(out / "annotations.json").audio
    monkeypatch.setattr(sys, "argv", [*arguments, "--add"])
    with pytest.raises(SystemExit):
        make_labelled.main()
    assert f"{len(first)} recordings are in" in capsys.readouterr().err
    seconds = sum(item.duration_ms for item in first) / 1000
    monkeypatch.setattr(sys, "argv", [*arguments, "--add", "--after", str((seconds - 0.5) / 3600)])
    make_labelled.main()
    both = read_manifest(out / "annotations.json").audio
    assert set(first) < set(both)


def test_people_are_told_apart_by_language():
    from recordings import _by_speaker

    names = ("horse_desc_fr.ogg", "horse_desc.ogg", "horse.ogg", "cow_desc_fr.ogg", "cow_desc_ro.ogg")
    found = _by_speaker("tuxpaint", "tuxpaint-stamps-default", [Path(name) for name in names])
    assert {name: len(paths) for name, paths in found.items()} == {"fr": 2, "ro": 1}


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed (apt install espeak-ng)")
def test_speech_is_made_by_the_engines_that_there_are(tmp_path, monkeypatch, capsys):
    import make_speech

    arguments = ["--hours", "0.01", "--workers", "1", "--engines", "espeak"]
    monkeypatch.setattr(sys, "argv", ["make_speech.py", "--out", str(tmp_path), *arguments])
    make_speech.main()
    made = json.loads((tmp_path / "speech.json").read_text())
    assert "espeak" in made["licences"]
    assert sum(entry["duration_s"] for entry in made["audio"]) >= 36
    for entry in made["audio"]:
        samples, rate = sf.read(tmp_path / entry["filename"], dtype="float32")
        assert rate == 16_000
        assert 0.3 < np.abs(samples).max() <= 1
    assert "recordings by" in capsys.readouterr().out


@pytest.mark.slow
def test_the_second_part_begins_with_an_earlier_encoder(speech, tmp_path):
    from material import load_speech
    from network import Learner, configuration
    from pretrain import parse, run
    from safetensors.torch import load_file

    names = load_speech(speech).split(0.06)[0].names
    begun = run(parse([str(speech), "--out", str(tmp_path / "first"), *TINY, "--steps", "2", "0"]))
    learner = Learner(configuration(tiny=True), len(names))
    learner.take(begun, names)
    taken = learner.model.state_dict() | learner.state_dict()
    layers = load_file(begun / "layers.safetensors")
    assert set(layers) == {"types.weight", "types.bias", "speaker.weight", "speaker.bias", "voices.weight"}
    for name, values in {**load_file(begun / "model.safetensors"), **layers}.items():
        torch.testing.assert_close(taken[name], values.float(), rtol=0, atol=0)
    others = Learner(configuration(tiny=True), len(names))
    others.take(begun, [*names[1:], "another"])  # as many voices, but not the same
    assert not torch.equal(others.voices.weight, learner.voices.weight)
    start = ["--start", str(begun), "--steps", "0", "2"]
    run(parse([str(speech), "--out", str(tmp_path / "second"), *TINY, *start]))
    log = [json.loads(line) for line in (tmp_path / "second" / "log.jsonl").read_text().splitlines()]
    assert [entry["stage"] for entry in log] == ["aware"]
    with pytest.raises(RuntimeError, match="size mismatch"):
        Learner(configuration(), 3).take(begun, names)
