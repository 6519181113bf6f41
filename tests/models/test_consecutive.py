"""Windows that follow each other: what two of them share is made once, where it can be."""

import pytest
import torch

from relaylib.models.consecutive import Consecutive

HOP, FIELD = 4, 6


def near(samples, reach):
    """Return frames, each the sum of the samples seen within `reach` frames of it, with zeros outside the window."""
    n_frames = (len(samples) - FIELD) // HOP + 1
    own = samples.as_strided((n_frames, FIELD), (HOP, 1)).sum(1)
    padded = torch.nn.functional.pad(own, (reach, reach))
    return padded.unfold(0, 2 * reach + 1, 1).sum(1)[:, None]


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_frames_with_all_that_is_near_are_those_of_the_whole(reach):
    """Margins are wide enough for what a frame hears, so that only the ends of the recording are missing it."""
    samples = torch.arange(400.0).sin()
    whole, made = near(samples, reach), []

    def frames_of(window):
        made.append(len(window))
        return near(window, reach)

    window, overlap = 100, 40
    frames = Consecutive(frames_of, overlap=overlap, hop=HOP, field=FIELD, margin=reach)
    for start in range(0, 400 - window + 1, window - overlap):
        found = frames(samples[start : start + window])
        first = start // HOP
        inner = slice(0 if start == 0 else reach, len(found) - reach)
        torch.testing.assert_close(found[inner], whole[first : first + len(found)][inner])
    n_shared = (overlap - FIELD) // HOP + 1 - reach
    assert made == [window] + [window - (n_shared - reach) * HOP] * 5


def test_a_window_that_does_not_follow_is_made_whole():
    made = []

    def frames_of(window):
        made.append(len(window))
        return near(window, 0)

    samples = torch.arange(300.0).cos()
    frames = Consecutive(frames_of, overlap=40, hop=HOP, field=FIELD)
    for start in (0, 120, 180):
        torch.testing.assert_close(frames(samples[start : start + 100]), near(samples[start : start + 100], 0))
    assert made == [100, 100, 100 - 36]


@pytest.mark.parametrize("overlap", [0, 5, 14])
def test_windows_that_share_no_more_than_margins_are_made_whole(overlap):
    made = []
    frames = Consecutive(
        lambda window: (made.append(len(window)), near(window, 2))[1], overlap=overlap, hop=HOP, field=FIELD, margin=2
    )
    samples = torch.arange(300.0).cos()
    for start in (0, 100 - overlap, 200 - 2 * overlap):
        torch.testing.assert_close(frames(samples[start : start + 100]), near(samples[start : start + 100], 2))
    assert made == [100] * 3
