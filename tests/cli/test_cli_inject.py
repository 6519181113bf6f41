"""`relaylib inject`: what it writes, `relaylib train` takes."""

import json

import numpy as np
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


def test_an_unknown_type_is_an_error_that_names_those_there_are(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    done = CliRunner().invoke(main, ["inject", str(tmp_path), "--out", str(tmp_path / "out"), "--type", "clack"])
    assert done.exit_code == 1
    assert "need one of glitch" in str(done.output) + str(done.exception)
