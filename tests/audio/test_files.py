from __future__ import annotations

import hashlib

import pytest

from relaylib.audio import AUDIO_EXTENSIONS, AudioFile, content_digest, find_audio


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """a.wav, notes.txt, sub/{b.MP3, a.wav}, sub/deep/c.flac, .hidden/d.wav; the working folder is their parent."""
    for name in ("a.wav", "notes.txt", "sub/b.MP3", "sub/a.wav", "sub/deep/c.flac", ".hidden/d.wav", ".e.wav"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tree"


def test_folder_is_searched_and_sorted(tree):
    assert [file.name for file in find_audio([tree])] == ["a.wav", "sub/a.wav", "sub/b.MP3", "sub/deep/c.flac"]
    assert all(file.path == tree / file.name for file in find_audio([tree]))


def test_file_goes_by_its_base_name_whatever_its_ending(tree):
    assert find_audio([tree / "notes.txt"]) == [AudioFile(tree / "notes.txt", "notes.txt")]


def test_order_is_that_of_the_arguments(tree):
    names = [file.name for file in find_audio([tree / "sub" / "b.MP3", tree / "sub" / "deep", "tree/notes.txt"])]
    assert names == ["b.MP3", "c.flac", "notes.txt"]


def test_shared_names_become_the_paths_as_given(tree):
    names = [file.name for file in find_audio(["tree/a.wav", "tree/sub/a.wav", "tree/sub/b.MP3"])]
    assert names == ["tree/a.wav", "tree/sub/a.wav", "b.MP3"]
    names = [file.name for file in find_audio(["tree/a.wav", "tree/sub"])]
    assert names == ["tree/a.wav", "tree/sub/a.wav", "b.MP3", "deep/c.flac"]


def test_a_file_given_twice_comes_once(tree):
    assert [file.name for file in find_audio(["tree", "tree/a.wav", tree / "a.wav"])] == [
        "a.wav",
        "sub/a.wav",
        "sub/b.MP3",
        "sub/deep/c.flac",
    ]


def test_absent_path_is_kept_for_the_batch_to_report(tree):
    assert [file.name for file in find_audio([tree / "absent.wav"])] == ["absent.wav"]


def test_nothing_gives_nothing(tree):
    (tree / "none").mkdir()
    assert find_audio([]) == []
    assert find_audio([tree / "none"]) == []


def test_one_path_will_do(tree):
    assert find_audio(str(tree / "sub" / "deep")) == find_audio([tree / "sub" / "deep"])


def test_extensions_are_lower_case_with_a_dot():
    assert all(e.startswith(".") and e == e.lower() for e in AUDIO_EXTENSIONS)
    assert {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".mp4", ".aac", ".webm"} <= set(AUDIO_EXTENSIONS)


def test_digest_is_sha256_of_the_bytes(tmp_path, rng):
    data = rng.bytes(3_000_000)
    (tmp_path / "x").write_bytes(data)
    assert content_digest(tmp_path / "x") == hashlib.sha256(data).hexdigest()
