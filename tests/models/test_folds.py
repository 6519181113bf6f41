import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.errors import ParameterError, TrainingError
from relaylib.models.folds import fold_items
from relaylib.types import Annotation, AudioItem

TYPES = ("click", "pause")


def item(name, *types, group=None, duration_ms=10_000):
    spans = tuple(Annotation(100 * k, 100 * k + 50, kind) for k, kind in enumerate(types))
    return AudioItem(name, duration_ms, group, spans)


@settings(max_examples=30, deadline=None)
@given(
    groups=st.lists(st.none() | st.sampled_from("abcdef"), min_size=2, max_size=14),
    n_folds=st.integers(2, 6),
    seed=st.integers(0, 5),
)
def test_each_recording_is_in_one_fold_and_groups_are_whole(groups, n_folds, seed):
    items = [item(f"{k}.wav", group=group) for k, group in enumerate(groups)]
    folds = fold_items(items, TYPES, n_folds, seed)
    assert sorted(k for fold in folds for k in fold) == list(range(len(items)))
    assert all(fold == sorted(fold) and fold for fold in folds)
    assert 2 <= len(folds) <= n_folds
    if len(set(groups)) > 1:
        fold_of = {k: number for number, fold in enumerate(folds) for k in fold}
        for group in set(groups) - {None}:
            assert len({fold_of[k] for k, other in enumerate(groups) if other == group}) == 1


def test_every_type_and_clean_speech_stand_on_both_sides_where_they_can():
    """Two recordings of each kind among sixteen: both folds get one of each."""
    kinds = [("click",), ("click",), ("pause",), ("pause",)]
    items = [item(f"{k}.wav", *types) for k, types in enumerate(kinds)] + [item("c.wav"), item("d.wav")]
    for seed in range(5):
        for fold in fold_items(items, TYPES, 2, seed):
            held = [items[k] for k in fold]
            assert {span.artifact_type for one in held for span in one.annotations} == set(TYPES)
            assert any(not one.annotations for one in held)


def test_a_type_in_two_groups_only_is_never_held_out_whole():
    """Pauses are in the groups a and b: no fold has both, so that pauses can be learned whichever is held out."""
    items = [item(f"{g}{k}.wav", "click", *(["pause"] if g in "ab" else []), group=g) for g in "abcdef" for k in "01"]
    for n_folds in (2, 3, 5):
        for fold in fold_items(items, TYPES, n_folds, 0):
            assert not {"a", "b"} <= {items[k].group for k in fold}


def test_folds_are_of_like_length():
    """Recordings of 10 to 40 s make three folds of 100 s, give or take the shortest recording."""
    items = [item(f"{k}.wav", duration_ms=ms) for k, ms in enumerate([40_000, 30_000, 20_000, 10_000] * 3)]
    lengths = [sum(items[k].duration_ms for k in fold) for fold in fold_items(items, TYPES, 3, 0)]
    assert sum(lengths) == 300_000
    assert max(lengths) - min(lengths) <= 10_000


def test_a_seed_gives_the_same_folds_and_another_one_others():
    items = [item(f"{k}.wav", "click") for k in range(12)]
    assert fold_items(items, TYPES, 3, 4) == fold_items(items, TYPES, 3, 4)
    assert len({str(fold_items(items, TYPES, 3, seed)) for seed in range(6)}) > 1


def test_fewer_groups_than_folds_make_fewer_folds():
    items = [item(f"{k}.wav", "click", group=g) for k, g in enumerate("aabbcc")]
    folds = fold_items(items, TYPES, 5, 0)
    assert sorted(folds) == [[0, 1], [2, 3], [4, 5]]


def test_one_group_is_divided_with_a_warning(caplog):
    """One voice only: files are dealt singly, and the log says what that means for the metrics."""
    items = [item(f"{k}.wav", "click", group="nova") for k in range(6)]
    with caplog.at_level(logging.WARNING, "relaylib"):
        folds = fold_items(items, TYPES, 3, 0)
    assert [len(fold) for fold in folds] == [2, 2, 2]
    assert "group nova" in caplog.text
    assert "known voices" in caplog.text


def test_a_file_without_group_is_a_group_of_its_own():
    """A group called as a file is not that file."""
    items = [item("a.wav"), item("b.wav", group="a.wav"), item("c.wav", group="a.wav")]
    folds = fold_items(items, TYPES, 3, 0)
    assert sorted(folds) == [[0], [1, 2]]


def test_recordings_of_unknown_length_are_dealt_too():
    folds = fold_items([item(f"{k}.wav", duration_ms=None) for k in range(4)], TYPES, 2, 0)
    assert sorted(len(fold) for fold in folds) == [2, 2]


def test_too_few_recordings_or_folds_are_refused():
    with pytest.raises(TrainingError, match="at least 2"):
        fold_items([item("a.wav")], TYPES, 2, 0)
    with pytest.raises(ParameterError, match="n_folds=1"):
        fold_items([item("a.wav"), item("b.wav")], TYPES, 1, 0)
