import pytest

from relaylib.errors import ParameterError
from relaylib.widgets.worklist import FILTERS, Progress, QueuedFile, next_of, previous_of, progress_of, shown

FILES = [
    QueuedFile("a.wav", done=True, n_marks=2),
    QueuedFile("b.wav"),
    QueuedFile("c.wav", n_marks=1, n_suggestions=3),
    QueuedFile("d.wav", done=True),
    QueuedFile("e.wav", n_suggestions=1),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("all", [0, 1, 2, 3, 4]), ("unlabelled", [1, 4]), ("suggestions", [2, 4]), ("done", [0, 3])],
)
def test_filters_show_what_they_say(name, expected):
    """A clean recording that is done is not unlabelled."""
    assert shown(FILES, name) == expected
    assert shown([], name) == []


def test_an_unknown_filter_is_refused_with_the_known_ones():
    with pytest.raises(ParameterError, match="'new' is not one of 'all', 'unlabelled', 'suggestions', 'done'"):
        shown(FILES, "new")
    assert len(FILTERS) == 4


@pytest.mark.parametrize(
    ("current", "before", "after"),
    [(0, None, 1), (1, None, 4), (2, 1, 4), (4, 1, None)],
)
def test_neighbours_are_those_that_the_filter_shows(current, before, after):
    """Also of a file that it does not show, as one is that was just done; there is no way round the ends."""
    indices = shown(FILES, "unlabelled")
    assert (previous_of(indices, current), next_of(indices, current)) == (before, after)


def test_nothing_shown_has_no_neighbours():
    assert (previous_of([], 2), next_of([], 2)) == (None, None)


def test_progress_counts_recordings():
    assert progress_of(FILES) == Progress(n_files=5, n_done=2, n_unlabelled=2, n_with_suggestions=2)
    assert progress_of([]) == Progress(0, 0, 0, 0)
