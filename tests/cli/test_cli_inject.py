"""`relaylib inject`: what it writes, `relaylib train` takes."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from relaylib.audio import save
from relaylib.cli import main


def test_it_writes_recordings_and_labels_and_reports_failures(tmp_path):
    time = np.arange(9 * 16_000) / 16_000
    (tmp_path / "clean").mkdir()
    for k in range(2):
        sound = 0.2 * np.sin(2 * np.pi * (150 + 70 * k) * time) * (np.sin(2 * np.pi * 1.1 * time) > -0.6)
        save(tmp_path / "clean" / f"take{k}.wav", sound.astype(np.float32))
    (tmp_path / "clean" / "worse.wav").write_bytes(b"")
    out = tmp_path / "out"
    arguments = ["inject", str(tmp_path / "clean"), "--out", str(out), "--clean-share", "0", "--per-minute", "30"]
    done = CliRunner().invoke(main, [*arguments, "--type", "glitch", "--type", "hum", "--copies", "2"])
    assert done.exit_code == 1
    assert "in 4 recordings written to" in done.output
    assert "worse.wav" in done.output
    labels = json.loads((out / "annotations.json").read_text())
    assert {entry["artifact_type"] for entry in labels["annotations"]} <= {"glitch", "hum"}
    assert len(labels["annotations"]) > 3
    assert all((out / entry["filename"]).exists() for entry in labels["audio"])


@pytest.fixture
def clean(tmp_path):
    """Return a folder of two recordings."""
    (tmp_path / "clean").mkdir()
    for k in range(2):
        sound = 0.2 * np.sin(np.arange(2 * 16_000) * (0.05 + 0.02 * k))
        save(tmp_path / "clean" / f"take{k}.wav", sound.astype(np.float32))
    return tmp_path / "clean"


def test_a_type_may_be_named_twice(run, clean, tmp_path):
    run("inject", clean, "--out", tmp_path / "out", "--type", "hum", "--type", "hum")
    assert json.loads((tmp_path / "out/annotations.json").read_text())["artifact_types"] == ["hum"]


def test_the_same_again_is_written_over_and_labels_of_others_are_not(run, clean, tmp_path):
    """Whether other recordings of this run, or made by hand; what is no manifest is kept as well."""
    out = tmp_path / "out"
    labels = out / "annotations.json"
    run("inject", clean, "--out", out)
    before = labels.read_bytes()
    run("inject", clean, "--out", out)
    assert labels.read_bytes() == before
    result = run("inject", clean / "take0.wav", "--out", out, status=1)
    assert result.stderr == (
        f"error: {labels} has labels of recordings that are not written now: take1.flac; "
        "move it away, or write to another folder.\n"
    )
    labels.write_text("[]")
    assert "would be written over; move it away" in run("inject", clean, "--out", out, status=1).stderr
    assert labels.read_text() == "[]"


def test_into_the_folder_of_the_recordings_labels_made_by_hand_stay(run, clean, labels):
    text = labels.read_text()
    labels.rename(clean / "annotations.json")
    run("inject", clean, "--out", clean, status=1)
    assert (clean / "annotations.json").read_text() == text
    assert len(list(clean.iterdir())) == 3


def test_what_failed_is_told_though_the_labels_cannot_be_written(run, clean, tmp_path, monkeypatch):
    def fail(manifest, path):
        raise OSError(28, "No space left on device", str(path))

    (clean / "worse.wav").write_bytes(b"")
    monkeypatch.setattr("relaylib.formats.write_manifest", fail)
    told, error = run("inject", clean, "--out", tmp_path / "out", status=1).stderr.splitlines()
    assert told.startswith(f"failed: {clean / 'worse.wav'}")
    assert error == f"error: {tmp_path / 'out' / 'annotations.json'}: No space left on device"


def test_an_unknown_type_is_an_error_that_names_those_there_are(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    done = CliRunner().invoke(main, ["inject", str(tmp_path), "--out", str(tmp_path / "out"), "--type", "clack"])
    assert done.exit_code == 1
    assert "need one of glitch" in str(done.output) + str(done.exception)
