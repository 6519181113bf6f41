"""Formats are found by name, by ending and by content; folders and single files mean what they should."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path, PurePath

import pytest

import relaylib.formats.registry as registry
from relaylib.errors import FormatError, ParameterError
from relaylib.formats import (
    Source,
    format_for,
    formats,
    get_format,
    read,
    read_detections,
    register,
    write,
    write_detections,
    write_manifest,
)
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, FileResult, Manifest

ONE = Manifest((ArtifactType("x"),), (AudioItem("a.wav", annotations=(Annotation(0, 10, "x"),)),))
TWO = Manifest(ONE.artifact_types, (*ONE.audio, AudioItem("b.wav")))


def test_all_promised_formats_are_there():
    names = {"audacity", "csv", "detections", "labelstudio", "manifest", "raven", "rttm", "textgrid"}
    assert {known.name for known in formats()} >= names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("m.json", "manifest"),
        ("m.detections.JSON", "detections"),
        ("m.labelstudio.json", "labelstudio"),
        ("a.txt", "audacity"),
        ("a.selections.txt", "raven"),
        ("a.TextGrid", "textgrid"),
    ],
)
def test_the_longest_ending_that_fits_wins(path, name):
    assert format_for(path).name == name


def test_names_and_aliases_are_found_in_any_case():
    assert get_format("Praat") is get_format("textgrid")


def test_an_unknown_name_or_ending_lists_the_known_ones():
    with pytest.raises(ParameterError, match=r"'elan' is not known; known are audacity \(.txt\), csv"):
        get_format("elan")
    with pytest.raises(ParameterError, match=r"x.doc: no format has this ending; name the format, one of audacity"):
        write(ONE, Path("x.doc"))


@pytest.mark.parametrize("name", ["manifest", "detections", "labelstudio"])
def test_json_files_are_told_apart_by_content(name, tmp_path):
    write(TWO, tmp_path / "x.json", name)
    assert read(tmp_path / "x.json") == TWO


@pytest.mark.parametrize("name", ["audacity", "raven"])
def test_txt_files_are_told_apart_by_content(name, tmp_path):
    write(ONE, tmp_path / "a.wav.txt", name)
    assert read(tmp_path / "a.wav.txt", name) == read(tmp_path / "a.wav.txt") == ONE


def test_text_of_no_format_says_what_was_looked_for(tmp_path):
    (tmp_path / "x.txt").write_text("Dear all,")
    with pytest.raises(FormatError, match=r"looks like neither audacity .* nor raven .* begins 'Dear all,'"):
        read(tmp_path / "x.txt")


def test_malformed_json_is_named_by_line_although_it_was_sniffed(tmp_path):
    (tmp_path / "x.json").write_text('{"artifact_types": [],\n"audio": [}')
    with pytest.raises(FormatError, match=r"x.json, line 2, column 11"):
        read(tmp_path / "x.json")


def test_a_format_of_another_package_is_used(monkeypatch, tmp_path):
    """`register` makes a format known, by names in upper or lower case; a name that is taken is refused."""
    monkeypatch.setattr(registry, "_registered", [])
    ours = replace(get_format("csv"), name="Ours", suffixes=(".ours",), aliases=("OUR",))
    register(ours)
    assert get_format("Ours") is get_format("ours") is get_format("our") is ours
    write(TWO, tmp_path / "x.ours")
    assert read(tmp_path / "x.ours") == Manifest(TWO.artifact_types, TWO.audio)
    for name in ("ours", "CSV"):
        with pytest.raises(ParameterError, match=f"{name!r} is registered already"):
            register(replace(ours, name=name, aliases=()))


def test_many_recordings_need_a_folder(tmp_path):
    with pytest.raises(ParameterError, match=r"stands for one recording and the manifest has 2; name a folder"):
        write(TWO, tmp_path / "x.txt")
    assert not list(tmp_path.iterdir())
    assert write(TWO, tmp_path / "out", "audacity") == (tmp_path / "out/a.wav.txt", tmp_path / "out/b.wav.txt")
    assert read(tmp_path / "out") == TWO


def test_a_format_of_many_recordings_needs_a_file(tmp_path):
    with pytest.raises(ParameterError, match="a folder; name a file"):
        write(TWO, tmp_path, "csv")
    with pytest.raises(FormatError, match="a folder, but a csv file holds all recordings"):
        read(tmp_path, "csv")


def test_a_folder_without_labels_says_what_was_looked_for(tmp_path):
    with pytest.raises(FormatError, match=r"no label files in this folder; looked for audacity \(.txt\)"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["../a.wav", "/a.wav", "x/../../a.wav", "..\\a.wav", "C:\\a.wav", "."])
def test_no_file_is_written_outside_the_folder(name, tmp_path):
    manifest = Manifest((), (AudioItem("good.wav"), AudioItem(name)))
    with pytest.raises(ParameterError, match="leads out of the folder"):
        write(manifest, tmp_path / "out", "audacity")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../../a.wav", "/etc/passwd", "\\\\host\\a.wav"])
def test_filenames_that_lead_elsewhere_stay_text(name, tmp_path):
    """Formats keep them as they are and open nothing."""
    manifest = Manifest((), (AudioItem(name),))
    write_manifest(manifest, tmp_path / "m.json")
    assert read(tmp_path / "m.json") == manifest


def test_the_recording_of_a_label_file(tmp_path):
    """Given, else an audio file of that stem beside it, else the stem itself, with .wav where it has no ending."""
    labels = "0.0\t0.5\tx\n"
    for name in ("take1.txt", "take2.flac.txt", "take3.txt"):
        (tmp_path / name).write_text(labels)
    (tmp_path / "take3.mp3").touch()
    assert [read(tmp_path / f"take{i}.txt").audio[0].filename for i in (1, 3)] == ["take1.wav", "take3.mp3"]
    assert read(tmp_path / "take2.flac.txt").audio[0].filename == "take2.flac"
    assert read(tmp_path / "take1.txt", audio="other.wav").audio[0].filename == "other.wav"
    assert [item.filename for item in read(tmp_path)] == ["take1.wav", "take2.flac", "take3.mp3"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    """The new content is moved over the old in one step; nothing half-written stays."""
    path = tmp_path / "m.json"
    write_manifest(ONE, path)
    before = path.read_bytes()

    def broken(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_manifest(TWO, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed_and_folders_are_made(tmp_path):
    write_manifest(ONE, tmp_path / "deep/er/m.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "deep/er/m.json")
    write_manifest(TWO, tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert read(tmp_path / "deep/er/m.json") == TWO


def test_names_a_format_cannot_hold_are_refused():
    """Silently changed names would be other classes on the way back."""
    bad = Manifest((ArtifactType("a\tb"),), (AudioItem("a.wav", annotations=(Annotation(0, 1, "a\tb"),)),))
    for name in ("audacity", "raven"):
        with pytest.raises(ParameterError, match=r"cannot hold the name 'a\\tb'"):
            get_format(name).render(bad)
    assert get_format("rttm").parse(Source(PurePath("x"), get_format("rttm").render(bad), "")).type_names == ("a\tb",)


def test_losses_are_what_the_manifest_has_and_the_format_drops():
    full = Manifest(
        (ArtifactType("x"), ArtifactType("unused", "d")),
        (AudioItem("a.wav", 5, "g", (Annotation(0, 1, "x", 0.5, {"k": 1}),)), AudioItem("b.wav", done=True)),
    )
    assert get_format("manifest").losses(full) == []
    assert get_format("csv").losses(ONE) == []
    assert get_format("rttm").losses(full) == [
        "extra_data",
        "durations",
        "groups",
        "which recordings are done",
        "recordings without annotations",
        "artifact types without annotations",
        "descriptions and colors of types",
    ]


def test_detections_come_back_with_failed_files(tmp_path):
    """Failed files keep their reason; a name that is not Unicode is written with escapes, not refused."""
    results = [
        FileResult("a.wav", 1000, "completed", (Detection(0, 10, "x", 0.1 + 0.2),)),
        FileResult("b.wav", None, "failed", (), "not audio"),
        FileResult("c\udce9.wav", None, "failed", (), "absent: c\udce9.wav"),
    ]
    write_detections(results, tmp_path / "d.json")
    back = read_detections(tmp_path / "d.json")
    assert back[:2] == results[:2]
    assert back[2].original_filename == r"c\udce9.wav"
    assert [item.filename for item in read(tmp_path / "d.json")] == ["a.wav"]
