"""Folders of clean speech become folders of labelled speech, file by file."""

import numpy as np
import pytest

from relaylib.audio import find_audio, load, save
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


def test_unknown_types_are_refused_before_anything_is_written(folder, tmp_path):
    with pytest.raises(ParameterError, match="cannot be put in"):
        list(inject_files(find_audio(folder), tmp_path / "out", types=["clack"]))
    assert not (tmp_path / "out").exists()
