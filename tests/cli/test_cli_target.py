"""Where commands write: never over what they read, and nowhere after long work that could be known before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from relaylib.audio import save

ALL = ["found.json", "labels.json", "model", "sound/a.wav"]
ORDERS = [
    ("detect", "model", "sound/a.wav", "--out", "sound/a.wav"),
    ("detect", "model", "sound", "--out", "link.wav"),
    ("detect", "model", "sound", "--out", "sound/../model"),
    ("train", "labels.json", "--audio", "sound", "--out", "labels.json"),
    ("train", "labels.json", "--audio", "sound", "--out", "sound/a.wav"),
    ("tune", "model", "labels.json", "--audio", "sound", "--out", "labels.json"),
    ("tune", "model", "--audio", "sound", "--out", "sound/a.wav"),
    ("evaluate", "found.json", "labels.json", "--report", "labels.json"),
    ("evaluate", "found.json", "labels.json", "--report", "found.json"),
    ("evaluate", "found.json", "labels.json", "--audio", "sound", "--report", "sound/a.wav"),
]


@pytest.fixture
def desk(tmp_path, monkeypatch, found, labels) -> Path:
    """Return a folder to work in, with a recording, its labels and detections, and what passes for a model."""
    monkeypatch.chdir(tmp_path)
    body = json.loads(labels.read_text())
    body["audio"] = body["audio"][:1]
    labels.write_text(json.dumps(body))
    Path("sound").mkdir()
    save("sound/a.wav", np.full(80_000, 0.1, np.float32))
    Path("link.wav").symlink_to("sound/a.wav")
    Path("model").touch()
    return tmp_path


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_nothing_is_written_over_what_is_read(order, run, desk):
    """Under whatever name; the work is not begun."""
    before = [Path(name).read_bytes() for name in ALL]
    result = run(*order, status=1)
    assert (
        result.stderr == f"error: {order[-1]} is read by this command, and would be written over; name another file.\n"
    )
    assert [Path(name).read_bytes() for name in ALL] == before


@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[3], ORDERS[6], ORDERS[7]], ids=" ".join)
def test_a_folder_that_takes_no_file_is_told_before_the_work(order, run, desk, monkeypatch):
    closed = os.path.realpath("closed")
    can = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: os.path.realpath(path) != closed and can(path, mode))
    result = run(*order[:-1], "closed/x.out", status=1)
    assert result.stderr == "error: closed: no file can be written to this folder\n"


def test_a_folder_that_embed_cannot_make_is_told_before_the_work(run, desk):
    result = run("embed", "sound", "--out", "model/embeddings", "--encoder", "no-such-encoder", status=1)
    assert result.stderr == "error: model/embeddings: Not a directory\n"


@pytest.mark.parametrize("command", ["detect", "embed", "inject", "tune"])
def test_a_folder_without_audio_is_an_error(command, run, desk):
    """Rather than a success with nothing in it; its files may have another ending."""
    Path("other").mkdir()
    Path("other/a.wma").touch()
    start = {"detect": ["detect", "model", "other"], "tune": ["tune", "model", "--audio", "other"]}
    result = run(*start.get(command, [command, "other"]), "--out", "out", status=1)
    assert result.stderr.startswith("error: there is no audio file in other; folders are searched for .wav, ")
    assert not Path("out").exists()


def test_embed_leaves_an_index_alone_that_is_not_its_own(run, desk):
    Path("out").mkdir()
    Path("out/index.json").write_text('{"pages": ["mine"]}')
    result = run("embed", "sound", "--out", "out", "--encoder", "no-such-encoder", status=1)
    assert result.stderr == "error: out/index.json is there, and no index of `relaylib embed`; name another folder.\n"
    assert Path("out/index.json").read_text() == '{"pages": ["mine"]}'
