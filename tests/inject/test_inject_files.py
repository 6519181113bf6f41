"""Folders of clean speech become folders of labelled speech, file by file."""

import os
import shutil

import numpy as np
import pytest

from relaylib.audio import AudioFile, find_audio, load, save
from relaylib.errors import ParameterError, RelayError
from relaylib.inject import inject_files, labelled_manifest
from relaylib.types import AudioItem


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    time = np.arange(8 * 16_000) / 16_000
    (tmp_path / "clean" / "sub").mkdir(parents=True)
    for k in range(3):
        sound = 0.2 * np.sin(2 * np.pi * (140 + 60 * k) * time) * (np.sin(2 * np.pi * 1.3 * time) > -0.6)
        save(
            tmp_path / "clean" / "sub" / f"take{k}.wav",
            (sound + 1e-4 * rng.standard_normal(len(time))).astype(np.float32),
        )
    return tmp_path / "clean"


def test_copies_are_written_with_labels_that_fit(folder, tmp_path):
    made = list(inject_files(find_audio(folder), tmp_path / "out", copies=2, clean_share=0.0, per_minute=30))
    assert [item.filename for item in made[:2]] == ["sub/take0.flac", "sub/take0-2.flac"]
    assert made[0].group == made[1].group == "sub/take0.wav"
    for item in made:
        assert load(tmp_path / "out" / item.filename).duration_ms == item.duration_ms
        assert all(span.end_ms <= item.duration_ms for span in item.annotations)
    assert sum(len(item.annotations) for item in made) > 5
    assert len(labelled_manifest(made).audio) == 6


def test_without_variation_and_artifacts_sound_stays_as_it_is(folder, tmp_path):
    options = {"clean_share": 1.0, "benign_per_minute": 0.0, "varied": False}
    for item in inject_files(find_audio(folder), tmp_path / "out", **options):
        assert item.annotations == ()
        before = load(folder / item.filename.replace(".flac", ".wav")).samples
        np.testing.assert_allclose(load(tmp_path / "out" / item.filename).samples, before, atol=2e-7)


def test_a_file_that_cannot_be_read_is_told_and_the_rest_goes_on(folder, tmp_path):
    (folder / "sub" / "take1.wav").write_bytes(b"no sound")
    made = list(inject_files(find_audio(folder), tmp_path / "out"))
    assert [isinstance(result, AudioItem) for result in made] == [True, False, True]
    assert isinstance(made[1], RelayError)
    assert "take1.wav" in str(made[1])


def test_the_same_seed_writes_the_same_bytes(folder, tmp_path):
    files = find_audio(folder)
    for name in ("a", "b"):
        list(inject_files(files, tmp_path / name, seed=3))
    for file in files:
        name = file.name.replace(".wav", ".flac")
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": ["clack"]}, "cannot be put in"),
        ({"per_minute": -1.0}, r"per_minute=-1\.0: need"),
        ({"copies": 0}, "copies=0: need 1 or more"),
        ({"clean_share": float("nan")}, "clean_share=nan: need 0 <="),
        ({"groups": ["anna"]}, "1 groups for 3 files"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(folder, tmp_path, options, message):
    with pytest.raises(ParameterError, match=message):
        list(inject_files(find_audio(folder), tmp_path / "out", **options))
    assert not (tmp_path / "out").exists()


def test_whatever_the_names_all_is_written_into_the_folder(folder, tmp_path, monkeypatch):
    """Files given by paths that lead elsewhere, and those whose names differ in their endings alone, get one each."""
    monkeypatch.chdir(folder)
    given = folder / "sub" / "take0.wav"
    shutil.copy(given, folder / "sub" / "take0-2.flac")
    (tmp_path / "sub").mkdir()
    shutil.copy(given, tmp_path / "sub" / "take0.wav")
    files = find_audio(["sub/take0.wav", tmp_path / "sub" / "take0.wav", "../sub/take0.wav", "sub/take0-2.flac"])
    files.append(AudioFile(given, "../sub/take0.wav"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    made = list(inject_files(files, tmp_path / "out", copies=2))
    names = [item.filename for item in made]
    assert len(set(names)) == 2 * len(files)
    assert {path for path in tmp_path.rglob("*.*") if path not in before} == {tmp_path / "out" / name for name in names}
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(labelled_manifest(made).audio) == len(names)


def test_no_recording_is_written_over(folder, tmp_path):
    """Neither directly nor by way of a link."""
    save(folder / "sub" / "other.flac", load(folder / "sub" / "take0.wav"))
    (tmp_path / "link").symlink_to(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    for out in (folder, tmp_path / "link"):
        with pytest.raises(ParameterError, match=r"other\.flac is one of the recordings .* write to another folder"):
            list(inject_files(find_audio(folder), out))
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_a_name_that_is_not_text_is_escaped(folder, tmp_path):
    strange = os.fsdecode(os.fsencode(folder) + b"/bad\xff.wav")
    shutil.move(folder / "sub" / "take0.wav", strange)
    made = list(inject_files(find_audio(folder), tmp_path / "out"))
    assert made[0].filename == "bad\\udcff.flac"
    assert made[0].group == "bad\\udcff.wav"
    assert all((tmp_path / "out" / item.filename).is_file() for item in made)


def test_a_full_disk_and_a_folder_that_cannot_be_made_are_told(folder, tmp_path, files_at_most):
    with files_at_most(10_000):
        made = list(inject_files(find_audio(folder), tmp_path / "out"))
    assert ["cannot be written: File too large" in str(error) for error in made] == [True] * 3
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "sub").touch()
    made = list(inject_files(find_audio(folder), tmp_path / "file"))
    assert [f"{tmp_path / 'file' / 'sub'}: the folder cannot be made" in str(error) for error in made] == [True] * 3
