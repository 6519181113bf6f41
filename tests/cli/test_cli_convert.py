"""``relaylib convert``."""

from __future__ import annotations

import json
import os

import pytest

from relaylib.formats import read, write
from relaylib.types import ArtifactType, AudioItem, Manifest


def test_there_and_back_by_ending(run, labels, tmp_path):
    """To CSV and back: times and confidences are the same, the durations are said to be lost."""
    result = run("convert", labels, tmp_path / "x.csv")
    assert result.stdout == f"2 annotations of 2 recordings written to {tmp_path / 'x.csv'} (CSV table)\n"
    assert result.stderr == "note: csv does not hold durations.\n"
    assert (tmp_path / "x.csv").read_text().splitlines() == [
        "filename,start_ms,end_ms,artifact_type,confidence",
        "a.wav,1000,1050,glitch,1.0",
        "a.wav,2000,3001,echo,0.5",
        "b.wav,,,,",
    ]
    run("convert", tmp_path / "x.csv", tmp_path / "back.json")
    before, after = read(labels), read(tmp_path / "back.json")
    assert [item.annotations for item in after] == [item.annotations for item in before]


def test_a_folder_of_textgrids_and_back(run, labels, tmp_path):
    result = run("convert", labels, tmp_path / "grids", "--to", "textgrid")
    assert "written to 2 files in" in result.stdout
    assert result.stderr == ""
    run("convert", tmp_path / "grids", tmp_path / "back.json")
    assert read(tmp_path / "back.json") == read(labels)


def test_formats_by_name(run, tmp_path):
    """--from, --to and --recording say what endings cannot."""
    (tmp_path / "x").write_text("1.0\t1.05\tglitch\n")
    run("convert", tmp_path / "x", tmp_path / "y", "--from", "audacity", "--to", "manifest", "--recording", "t.flac")
    assert json.loads((tmp_path / "y").read_text())["audio"] == [{"filename": "t.flac", "duration_ms": None}]


@pytest.mark.parametrize("name", ["labels.txt", "labels.TextGrid"])
def test_a_file_that_is_called_otherwise_than_its_recording_is_told(run, tmp_path, name):
    """What stands for one recording has no room for its name, and would be read as labels of another."""
    write(Manifest((ArtifactType("echo"),), (AudioItem("day/a.flac", 900),)), tmp_path / "one.json")
    result = run("convert", tmp_path / "one.json", tmp_path / name)
    assert "labels of 'labels.wav', not of 'day/a.flac': read it with --recording." in result.stderr
    write(Manifest((ArtifactType("echo"),), (AudioItem("a.flac", 900),)), tmp_path / "one.json")
    result = run("convert", tmp_path / "one.json", tmp_path / f"a.flac{(tmp_path / name).suffix}")
    assert "--recording" not in result.stderr


def test_what_is_read_is_not_written_over(run, labels):
    before = labels.read_bytes()
    result = run("convert", labels, labels, "--to", "csv", status=1)
    assert "is read by this command, and would be written over" in result.stderr
    assert labels.read_bytes() == before


def test_detections_become_annotations_with_confidence(run, found, tmp_path):
    """The failed file is not taken for a clean one."""
    run("convert", found, tmp_path / "x.json")
    body = json.loads((tmp_path / "x.json").read_text())
    assert [item["filename"] for item in body["audio"]] == ["a.wav", "b.wav"]
    assert [span["confidence"] for span in body["annotations"]] == [0.9, 0.6]


def test_a_file_is_told_whose_name_is_not_unicode(run, labels, tmp_path):
    result = run("convert", labels, tmp_path / "x\udcff.csv")
    assert result.stdout == f"2 annotations of 2 recordings written to {tmp_path}/x\\udcff.csv (CSV table)\n"
    assert os.listdir(os.fsencode(tmp_path)).count(b"x\xff.csv") == 1


def test_a_bad_line_is_named(run, tmp_path):
    (tmp_path / "x.csv").write_text("filename,start_ms,end_ms,artifact_type\na.wav,5,1,x\n")
    result = run("convert", tmp_path / "x.csv", tmp_path / "y.json", status=1)
    assert result.stderr == (
        f"error: {tmp_path / 'x.csv'}, line 2: start_ms=5, end_ms=1: need 0 <= start_ms < end_ms.\n"
    )
    assert not (tmp_path / "y.json").exists()
