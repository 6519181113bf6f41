from __future__ import annotations

import pytest

from relaylib.errors import ParameterError
from relaylib.evaluate import pair_files
from relaylib.evaluate.pairing import align
from relaylib.types import Annotation, ArtifactType, AudioItem, FileResult, Manifest


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


@pytest.mark.parametrize(("end_ms", "is_scored"), [(4000, True), (4100, True), (4101, False), (110_000, False)])
def test_labels_past_the_end_of_what_was_judged_are_not_scored(end_ms, is_scored):
    """The slack is that of the readers, 100 ms; the file is named with what is wrong with it."""
    items = (AudioItem("a.wav", annotations=(Annotation(0, end_ms, "gap"),)), AudioItem("b.wav"))
    results = [FileResult(name, 4000, "completed") for name in ("a.wav", "b.wav")]
    aligned = align(Manifest((ArtifactType("gap"),), items), results)
    assert [item.filename for item in aligned.items] == (["a.wav", "b.wav"] if is_scored else ["b.wav"])
    assert list(aligned.failed_files) == ([] if is_scored else ["a.wav"])
    assert is_scored or f"0 to {end_ms} ms lies past the end" in aligned.failed_files["a.wav"]
