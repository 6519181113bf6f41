from __future__ import annotations

import pytest

from relaylib.errors import ParameterError
from relaylib.evaluate import pair_files


def paired(reference, results):
    return list(pair_files(reference, results).pairs)


def test_equal_names_pair_first():
    """An equal name wins over a suffix, which then stays alone."""
    pairing = pair_files(["u1.flac"], ["audio/u1.flac", "u1.flac"])
    assert pairing.pairs == ((0, 1),)
    assert pairing.unknown == (0,)


@pytest.mark.parametrize(
    ("reference", "result"),
    [
        ("audio/u1.flac", "u1.flac"),
        ("u1.flac", "/data/set/audio/u1.flac"),
        ("a/b.wav", "./a/b.wav"),
        ("a/b.wav", "x\\a\\b.wav"),
    ],
)
def test_path_suffixes_pair_either_way(reference, result):
    assert paired([reference], [result]) == [(0, 0)]


def test_suffixes_are_whole_path_parts():
    assert paired(["audio/u1.flac"], ["1.flac"]) == []
    assert paired(["a/u1.flac"], ["b/u1.flac"]) == []


def test_ambiguous_suffixes_stay_alone():
    """Two candidates on one side: no guess is made."""
    pairing = pair_files(["a/u1.flac", "b/u1.flac", "c.wav"], ["u1.flac", "x/c.wav"])
    assert pairing.pairs == ((2, 1),)
    assert pairing.missing == (0, 1)
    assert pairing.unknown == (0,)


def test_two_results_for_one_file_are_refused():
    with pytest.raises(ParameterError, match=r"more than one result for 'a/b\.wav'"):
        pair_files(["a/b.wav"], ["a/b.wav", "./a/b.wav"])
