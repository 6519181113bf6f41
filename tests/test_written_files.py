"""Files go inside of their folder, each to a place of its own, whole or not at all."""

import os
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.files import is_stream, targets, write_atomic

NAMES = st.lists(st.text(st.sampled_from("aAb.:/\\-2~\udcff"), max_size=8) | st.text(max_size=6), max_size=8)


@given(names=NAMES, short=st.booleans())
def test_targets_are_inside_and_no_two_are_the_same(names, short):
    found = targets(names, [".flac", "-2.flac"], short=short)
    assert [len(paths) for paths in found] == [2] * len(names)
    every = list(chain.from_iterable(found))
    assert len({path.casefold() for path in every}) == len(every)
    for path in every:
        assert path.encode()
        assert not {"/", "//", ".."}.intersection(PurePosixPath(path).parts)
        assert not {"a:", "A:", "b:"}.intersection(path.split("/"))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["sub/a.b.wav", "c"], ["sub/a.b.flac", "c.flac"]),
        (["/v1/a.wav", "//v2/a.wav", "../a.wav"], ["v1/a.flac", "v2/a.flac", "a.flac"]),
        (["d/a.wav", "../d/a.wav", "/d/a.wav"], ["d/a.flac", "d/a.wav.flac", "d/a.wav~2.flac"]),
        (["bad\udcff.wav", "..", ".."], ["bad\\udcff.flac", "_.flac", "_~2.flac"]),
        (["C:\\v\\a.wav", "d:/v/b.wav"], ["v/a.flac", "v/b.flac"]),  # drives of Windows
        (["A.wav", "a.wav", "\xe4.wav", "a\u0308.wav"], ["A.flac", "a.wav.flac", "\xe4.flac", "a\u0308.wav.flac"]),
    ],
)
def test_targets_worked_out_by_hand(names, expected):
    assert targets(names, [".flac"], short=True) == [[path] for path in expected]


def test_a_file_that_cannot_be_written_is_named_as_it_was_asked_for(tmp_path, monkeypatch, files_at_most):
    """And stays as it was; nothing else is left."""
    monkeypatch.chdir(tmp_path)
    write_atomic("x.json", "before")
    with files_at_most(1000), pytest.raises(OSError, match="File too large") as caught:
        write_atomic("x.json", "x" * 2000)
    assert caught.value.filename == "x.json"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
    with pytest.raises(NotADirectoryError) as caught:
        write_atomic(Path("x.json/y/z.json"), "")
    assert caught.value.filename == "x.json/y/z.json"
    with pytest.raises(FileExistsError, match=r"/x\.json'"):
        write_atomic(Path("x.json/y.json"), "")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="has no paths of open files")
def test_a_pipe_is_written_to_and_nothing_takes_its_place():
    """As ``/dev/stdout`` is where another program reads on, and ``>(…)`` in a shell."""
    reading, writing = os.pipe()
    try:
        assert is_stream(f"/dev/fd/{writing}")
        write_atomic(f"/dev/fd/{writing}", "text")
        assert os.read(reading, 100) == b"text"
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_device_that_cannot_be_written_is_named():
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write_atomic("/dev/full", "text")
