import numpy as np
import pytest

from relaylib.types import ms_to_samples
from relaylib.widgets.clip_player import ClipPlayer


class Growing:
    """A sound that is decoded as far as the test says."""

    def __init__(self, decoded_ms, duration_ms):
        self.decoded_ms, self.duration_ms, self.error = decoded_ms, duration_ms, None

    def samples(self, start, end):
        return np.ones(max(0, min(end, ms_to_samples(self.decoded_ms)) - start), np.int16)


@pytest.mark.parametrize(("end_ms", "enough_ms"), [(2000, 2000), (9000, 3000)])
def test_a_stretch_that_is_not_decoded_yet_plays_once_it_is(end_ms, enough_ms):
    """Whole, up to the end of the recording: never a part of it."""
    player, sound = ClipPlayer(), Growing(decoded_ms=0, duration_ms=3000)
    player.play(sound, 1000, end_ms)
    for sound.decoded_ms in (500, 1500, enough_ms - 1):
        player.progressed(sound)
        assert "still being decoded" in player.value
    sound.decoded_ms = enough_ms
    player.progressed(sound)
    assert "<audio" in player.value
    played = player.value
    player.value = "seen"
    player.progressed(sound)
    assert player.value == "seen"  # it is played once
    player.play(sound, 1000, end_ms)
    assert player.value == played


def test_what_was_asked_for_is_forgotten_when_something_else_is_chosen():
    player, sound, other = ClipPlayer(), Growing(0, 3000), Growing(3000, 3000)
    player.play(sound, 0, 1000)
    player.progressed(other)
    assert "still being decoded" in player.value
    player.clear()
    sound.decoded_ms = 3000
    player.progressed(sound)
    assert player.value == ""


def test_of_a_recording_that_breaks_off_the_reason_is_said_and_what_there_is_plays():
    player, sound = ClipPlayer(), Growing(1500, 3000)
    player.play(sound, 0, 2000)
    sound.error = "a<b>.wav: broken"
    player.progressed(sound)
    assert player.value == "<b>a&lt;b&gt;.wav: broken</b>"
    player.play(sound, 0, 2000)
    assert "<audio" in player.value
    played = player.value
    player.progressed(sound)  # the picture has moved
    assert player.value == played
    player.clear()
    player.progressed(sound)
    assert "broken" in player.value
