import numpy as np
import pytest

from relaylib.postprocess.track import Track


def test_recordings_lie_end_to_end_with_their_pauses():
    """60 ms of frames in 70 ms of audio take four frames, then a pause of two; the second begins at 120 ms."""
    track = Track([3, 2], [70, 40], pause_ms=40)
    assert track.starts_ms.tolist() == [0, 120]
    joined = track.join([np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0])], -1.0)
    assert joined.tolist() == [1, 2, 3, -1, -1, -1, 4, 5, -1, -1]
    assert track.pauses.tolist() == [value < 0 for value in joined]


def test_the_nearest_frame_is_that_of_the_recording_which_a_pause_is_closer_to():
    """Of ten frames, 0 to 2 and 6 to 7 are theirs; 4 is as far from 2 as from 6. One without frames is all pause."""
    assert Track([3, 2], [70, 40], pause_ms=40).nearest.tolist() == [0, 1, 2, 2, 6, 6, 6, 7, 7, 7]
    assert Track([1, 0, 1], [20, 0, 20], pause_ms=20).nearest.tolist() == [0, 0, 3, 3, 3]


def test_a_frame_that_begins_at_the_end_or_later_is_not_inside():
    """Of five frames, the last begins at 80 ms; the second recording goes on behind its frames."""
    inside = Track([5, 2], [80, 70], pause_ms=20).inside
    assert inside.tolist() == [True] * 4 + [False] * 2 + [True] * 2 + [False] * 3


def test_tables_are_joined_row_by_row():
    track = Track([1, 2], [20, 40], pause_ms=20)
    joined = track.join([np.ones((1, 2)), np.full((2, 2), 2.0)], 0.0)
    assert joined.tolist() == [[1, 1], [0, 0], [2, 2], [2, 2], [0, 0]]


def test_spans_end_with_their_recording():
    """What holds the last frame reaches the end, what passes it is cut, what begins behind it is dropped."""
    track = Track([5, 5], [108, 93], pause_ms=100)
    second = track.starts_ms[1]
    starts = np.array([0, 80, second, second + 80, second + 95])
    ends = np.array([40, 100, second + 20, second + 100, second + 100])
    cut_starts, cut_ends, inside = track.clamp(starts, ends)
    assert inside.tolist() == [True, True, True, True, False]
    assert cut_starts.tolist() == starts[:4].tolist()
    assert cut_ends.tolist() == [40, 108, second + 20, second + 93]


@pytest.mark.parametrize("n_frames", [[], [0, 0]])
def test_nothing_is_a_track_too(n_frames):
    track = Track(n_frames, [0] * len(n_frames), pause_ms=40)
    starts, ends, inside = track.clamp(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert len(starts) == len(ends) == len(inside) == 0
