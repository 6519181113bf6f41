"""``relaylib train``, ``tune``, ``detect`` and ``embed`` on tiny recordings, with everything real."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from relaylib.cli import main
from relaylib.formats import read_detections
from relaylib.types import DecodeConfig

RATE = 16_000
N = 4
QUICK = ("--epochs", "1", "--head", "linear", "--seed", "1")


def _recording(seed: int, n_clicks: int) -> tuple[np.ndarray, list[int]]:
    """Return 3 s of humming noise with clicks, and where they are in ms."""
    rng = np.random.default_rng(seed)
    t = np.arange(3 * RATE) / RATE
    samples = 0.1 * np.sin(2 * np.pi * 150 * t) + 0.01 * rng.standard_normal(len(t))
    at = [400 + 700 * i + int(rng.integers(0, 200)) for i in range(n_clicks)]
    for ms in at:
        start = ms * RATE // 1000
        samples[start : start + 320] = rng.choice([-0.9, 0.9], 320)
    return samples.astype(np.float32), at


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    """Return a folder of recordings with clicks, half of them clean, and their manifest."""
    folder = tmp_path_factory.mktemp("speech")
    (folder / "audio").mkdir()
    audio, annotations = [], []
    for i in range(N):
        samples, clicks = _recording(i, n_clicks=3 if i % 2 else 0)
        soundfile.write(folder / f"audio/r{i}.wav", samples, RATE)
        audio.append({"filename": f"r{i}.wav", "duration_ms": 3000})
        annotations += [
            {"filename": f"r{i}.wav", "artifact_type": "glitch", "start_ms": ms, "end_ms": ms + 20} for ms in clicks
        ]
    body = {"artifact_types": ["glitch"], "audio": audio, "annotations": annotations}
    (folder / "labels.json").write_text(json.dumps(body))
    return folder


@pytest.fixture(scope="module")
def trained(speech) -> tuple[Path, Result]:
    """Return a detector that the command trained, and what it said."""
    model = speech / "models/my.safetensors"
    args = ("train", speech / "labels.json", "--audio", speech / "audio", "--out", model, "--progress", *QUICK)
    result = CliRunner().invoke(main, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return model, result


def test_train_prints_figures_and_where_the_detector_is(trained):
    model, result = trained
    assert model.is_file()
    assert "glitch" in result.stdout
    assert f"The detector is in {model}" in result.stdout
    assert "embedding: " in result.stderr
    assert "training: " in result.stderr


def test_train_answers_in_json(run, speech, trained, tmp_path):
    """Stdout holds JSON alone, stderr nothing; the same seed gives the same file, with a cache too."""
    model = tmp_path / "a.safetensors"
    result = run(
        *("train", speech / "labels.json", "--audio", speech / "audio", "--out", model, *QUICK),
        *("--json", "--cache", tmp_path / "cache"),
    )
    body = json.loads(result.stdout)
    assert body["model"] == str(model)
    assert set(body["metrics"]) >= {"precision", "recall", "f1_score", "per_class"}
    assert result.stderr == ""
    assert list((tmp_path / "cache").rglob("*"))
    assert model.read_bytes() == trained[0].read_bytes()


def test_train_learns_on_from_a_detector_or_begins_anew(run, speech, tmp_path):
    """The file says from which; what cannot be a start is refused before any work."""
    from relaylib.models import Detector

    began = []
    model, options = tmp_path / "anew.safetensors", ("--encoder", "spectral", "--head", "mlp", "--epochs", "1")
    for start, out in (("none", model), (model, tmp_path / "on.safetensors")):
        args = ("train", speech / "labels.json", "--audio", speech / "audio", "--out", out, "--start", start, *options)
        run(*args)
        began.append(Detector.load(out).config["start"])
    assert began == [None, "anew.safetensors"]
    result = run("train", speech / "labels.json", "--audio", speech / "audio", "--out", out, "--start", model, status=1)
    assert "was trained on encoder 'spectral'" in result.stderr


def test_train_hears_other_speeds_or_does_not(run, speech, tmp_path):
    """The file says which; what is no speed is refused before any work."""
    args = ("train", speech / "labels.json", "--audio", speech / "audio", "--out", tmp_path / "my.safetensors", *QUICK)
    from relaylib.models import Detector

    heard = []
    for speeds in ("auto", "none", "0.9,1.2"):
        run(*args, "--speeds", speeds)
        heard.append(Detector.load(tmp_path / "my.safetensors").config["speeds"])
    assert heard == [[0.87, 1.15], [], [0.9, 1.2]]
    assert "'fast': give auto, none, or numbers" in run(*args, "--speeds", "fast", status=2).stderr
    assert "speeds=(3.0,): need" in run(*args, "--speeds", "3", status=1).stderr


def test_train_leaves_out_what_cannot_be_read(run, speech, tmp_path):
    """The rest is learned from; the file is named, and the exit status is 1."""
    shutil.copytree(speech / "audio", tmp_path / "audio")
    (tmp_path / "audio/r2.wav").write_bytes(b"no audio")
    model = tmp_path / "a.safetensors"
    result = run(
        *("train", speech / "labels.json", "--audio", tmp_path / "audio", "--out", model, *QUICK, "--json"), status=1
    )
    assert json.loads(result.stdout)["metrics"]["skipped_files"] == ["r2.wav"]
    assert result.stderr.startswith("warning: r2.wav is left out: ")
    assert model.is_file()


def test_train_names_all_missing_recordings_before_it_starts(run, labels, tmp_path):
    result = run("train", labels, "--audio", tmp_path, "--out", tmp_path / "m.safetensors", status=1)
    assert result.stderr == (
        f"error: 2 of 2 recordings are not in {tmp_path}: a.wav, b.wav; correct --audio or the manifest.\n"
    )


def test_tune_moves_thresholds_and_says_by_how_much(run, speech, trained, tmp_path):
    """The clean recordings alone, of a detector whose threshold lets all pass: fewer alarms, in the file as well."""
    from relaylib.models import Detector

    loud = Detector.load(trained[0])
    low = [replace(point, logit=-9.0) for point in loud.points]
    model, quiet = (
        loud.at(low, metrics=loud.metrics).save(tmp_path / "loud.safetensors"),
        tmp_path / "new/q.safetensors",
    )
    labels = json.loads((speech / "labels.json").read_text())
    labels["audio"] = [item for item in labels["audio"] if item["filename"] in ("r0.wav", "r2.wav")]
    (tmp_path / "clean.json").write_text(json.dumps({**labels, "annotations": []}))
    args = ("tune", model, tmp_path / "clean.json", "--audio", speech / "audio", "--out", quiet, "--progress")
    result = run(*args, "--max-false-alarms-per-hour", "100")
    row = result.stdout.splitlines()[1].split()
    assert row[:2] == ["glitch", "0"]
    assert float(row[2]) > 0
    assert float(row[-2]) > float(row[-1]) == 0
    assert f"The detector is in {quiet}" in result.stdout
    assert "embedding: " in result.stderr
    body = json.loads(run(*args[:-1], "--json").stdout)
    assert body["tuned"]["per_class"]["glitch"]["threshold"] == Detector.load(quiet).thresholds["glitch"]
    for name in ("r0.wav", "deep/r2.wav"):
        (tmp_path / "clean" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(speech / "audio" / Path(name).name, tmp_path / "clean" / name)
    folder = run("tune", model, "--audio", tmp_path / "clean", "--out", quiet, "--json")
    assert json.loads(folder.stdout) == body  # nothing is wrong in a folder without a manifest
    (tmp_path / "empty").mkdir()
    assert "no audio file in" in run("tune", model, "--audio", tmp_path / "empty", "--out", quiet, status=1).stderr


def test_tune_leaves_out_what_cannot_be_read(run, speech, trained, tmp_path):
    shutil.copytree(speech / "audio", tmp_path / "audio")
    (tmp_path / "audio/r2.wav").write_bytes(b"no audio")
    args = (
        "tune",
        trained[0],
        speech / "labels.json",
        "--audio",
        tmp_path / "audio",
        "--out",
        tmp_path / "t.safetensors",
    )
    assert "r2.wav is left out" in run(*args, status=1).stderr
    assert (tmp_path / "t.safetensors").is_file()
    (tmp_path / "audio/r2.wav").unlink()
    assert "1 of 4 recordings are not in" in run(*args, status=1).stderr


def test_train_refuses_a_seed_that_is_too_large(run, speech, tmp_path):
    result = run(
        *("train", speech / "labels.json", "--audio", speech / "audio", "--out", tmp_path / "m", "--seed", "9" * 23),
        status=2,
    )
    assert "is not in the range 0<=x<=9223372036854775807" in result.stderr


def test_train_refuses_an_encoder_that_is_unknown(run, speech, tmp_path):
    result = run(
        *("train", speech / "labels.json", "--audio", speech / "audio", "--out", tmp_path / "m", "--encoder", "none"),
        status=1,
    )
    assert result.stderr.startswith("error: encoder 'none' is unknown")


def test_detect_prints_a_table(run, speech, trained):
    text = run("detect", trained[0], speech / "audio/r1.wav", speech / "audio/r0.wav").stdout
    assert text.endswith(" detections in 2 of 2 files\n")


def test_detect_writes_json_that_evaluate_reads(run, speech, trained, tmp_path):
    """The folder's names are those of the manifest, so that the two fit."""
    run("detect", trained[0], speech / "audio", "--out", tmp_path / "found.json")
    results = read_detections(tmp_path / "found.json")
    assert [result.original_filename for result in results] == [f"r{i}.wav" for i in range(N)]
    figures = json.loads(run("evaluate", tmp_path / "found.json", speech / "labels.json", "--json").stdout)
    assert figures["n_files"] == N
    assert figures["missing_files"] == figures["unknown_files"] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_detect_tells_what_it_cannot_write(run, speech, trained):
    """All that was found, as without --out, and then which file it was."""
    for options in ((), ("--json",)):
        args = ("detect", trained[0], speech / "audio/r1.wav", *options)
        result = run(*args, "--out", "/dev/full", status=1)
        assert result.stdout == run(*args).stdout
        assert result.stderr == "error: /dev/full: No space left on device\n"


def test_detect_makes_the_folder_before_the_work(run, speech, tmp_path):
    (tmp_path / "file").touch()
    result = run("detect", "no-such-model", speech / "audio", "--out", tmp_path / "file/found.json", status=1)
    assert result.stderr == f"error: {tmp_path / 'file'}: File exists\n"
    run("detect", "no-such-model", speech / "audio", "--out", tmp_path / "new/found.json", status=1)
    assert (tmp_path / "new").is_dir()


def test_detect_hands_its_settings_on(run, trained, monkeypatch):
    """None where nothing was asked for; what was not named keeps the API's default."""
    seen = []
    monkeypatch.setattr("relaylib.models.detect_files", lambda detector, files, config: seen.append(config) or [])
    run("detect", trained[0], "a.wav")
    run("detect", trained[0], "a.wav", "--threshold", 0.7, "--low-threshold", 0.2, "--merge-window-ms", 0)
    run("detect", trained[0], "a.wav", "--min-duration-ms", 1000)
    assert seen == [None, DecodeConfig(0.7, 0, 50, 0.2), DecodeConfig(min_duration_ms=1000)]


@pytest.fixture
def batch(speech, tmp_path) -> list[Path]:
    """Return good, empty, cut, random, text and absent files."""
    good = (speech / "audio/r1.wav").read_bytes()
    flac = tmp_path / "whole.flac"
    soundfile.write(flac, _recording(1, 3)[0], RATE)
    contents = {
        "good.wav": good,
        "empty.wav": b"",
        "cut.flac": flac.read_bytes()[:40],
        "random.mp3": np.random.default_rng(0).bytes(20_000),
        "text.wav": b"This is no audio.\n" * 100,
        "good2.wav": (speech / "audio/r2.wav").read_bytes(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [*(tmp_path / name for name in contents), tmp_path / "absent.wav"]


BAD = {"empty.wav", "cut.flac", "random.mp3", "text.wav", "absent.wav"}


def test_a_batch_with_bad_files_does_the_good_ones(run, trained, batch, tmp_path):
    """Good files are done, each bad one is failed with a reason, the exit status is 1, nothing is a traceback."""
    result = run("detect", trained[0], *batch, "--out", tmp_path / "found.json", status=1)
    results = {Path(r.original_filename).name: r for r in read_detections(tmp_path / "found.json")}
    assert set(results) == {path.name for path in batch}
    assert {name for name, r in results.items() if r.status == "failed"} == BAD
    assert {name for name, r in results.items() if r.status == "completed"} == {"good.wav", "good2.wav"}
    for name in BAD:
        assert results[name].error_message
        assert results[name].detections == ()
        assert name in result.stderr
    assert result.stdout.startswith(f"{sum(len(r.detections) for r in results.values())} detections in 2 of 7 files")


def test_a_file_with_a_name_that_is_not_unicode_is_reported(run, speech, trained, tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9\x1b.wav"
    Path(os.fsdecode(name)).write_bytes((speech / "audio/r1.wav").read_bytes())
    run("detect", trained[0], tmp_path)
    assert json.loads(run("detect", trained[0], tmp_path, "--json").stdout)["files"][0]["status"] == "completed"


def test_detect_with_a_model_that_is_none(run, speech, batch):
    for model in ("no-such-model", batch[4], batch[3]):
        result = run("detect", model, speech / "audio/r0.wav", status=1)
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1


def test_embed_writes_arrays_and_an_index(run, speech, tmp_path):
    """The arrays are what `embed` of the library gives, the index says what they are."""
    from relaylib.models import embed, load_encoder

    run("embed", speech / "audio", "--out", tmp_path / "out")
    index = json.loads((tmp_path / "out/index.json").read_text())
    encoder = load_encoder("speech-small")
    assert (index["encoder"], index["fingerprint"], index["hop_ms"]) == ("speech-small", encoder.fingerprint, 20)
    assert [entry["filename"] for entry in index["files"]] == [f"r{i}.wav" for i in range(N)]
    entry = index["files"][3]
    array = np.load(tmp_path / "out" / entry["npy"])
    assert array.dtype == np.float32
    assert array.shape == (entry["n_frames"], encoder.dim)
    assert entry["duration_ms"] == 3000
    np.testing.assert_array_equal(array, embed(speech / "audio/r3.wav", encoder).embeddings)
    assert not list((tmp_path / "out").rglob("*.part"))
    run("embed", speech / "audio/r3.wav", "--out", tmp_path / "out")  # over its own index


def test_embed_lists_bad_files_as_failed(run, batch, tmp_path):
    """All arrays lie inside the folder, and bad files leave none."""
    result = run("embed", *batch, "--out", tmp_path / "out", "--json", status=1)
    entries = {Path(entry["filename"]).name: entry for entry in json.loads(result.stdout)["files"]}
    assert {name for name, entry in entries.items() if entry["status"] == "failed"} == BAD
    assert len(list((tmp_path / "out").rglob("*.npy"))) == 2
    assert len(list(tmp_path.rglob("*.npy"))) == 2


def test_embed_gives_each_file_an_array_of_its_own(run, speech, tmp_path, monkeypatch):
    """Files of one name by two paths, and a name that is not UTF-8, under the names that the index has."""
    strange = os.fsdecode(b"bad\xff.wav")
    for source, target in (("r0", "d/a.wav"), ("r1", "x/d/a.wav"), ("r2", f"x/{strange}")):
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(speech / f"audio/{source}.wav", tmp_path / target)
    monkeypatch.chdir(tmp_path / "x")
    given = ("../d/a.wav", "d/a.wav", strange)
    run("embed", *given, "--out", tmp_path / "out", "--encoder", "spectral")
    entries = json.loads((tmp_path / "out/index.json").read_text())["files"]
    arrays = [np.load(tmp_path / "out" / entry["npy"]) for entry in entries]
    from relaylib.models import embed, load_encoder

    for path, array in zip(given, arrays, strict=True):
        np.testing.assert_array_equal(array, embed(path, load_encoder("spectral")).embeddings)
