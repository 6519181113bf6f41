from __future__ import annotations

import numpy as np

from relaylib.audio.timeline import Timeline

ONES = np.ones(100, np.float32)


def run(timeline, *placed):
    """Place (block, time) after (block, time); return all samples."""
    out = [piece for block, time_s in placed for piece in timeline.place(block, time_s)]
    return np.concatenate([*out, *timeline.finish(), np.zeros(0, np.float32)])


def test_blocks_on_time_join():
    assert run(Timeline(1000), (ONES, 0.0), (ONES, 0.1)).tolist() == [1] * 200


def test_jitter_is_ignored():
    """100 ms at 1 kHz are 100 samples: not yet a gap."""
    assert len(run(Timeline(1000), (ONES, 0.0), (ONES, 0.2), (ONES, 0.15))) == 300


def test_gap_becomes_silence():
    out = run(Timeline(1000), (ONES, 0.0), (ONES, 0.201))
    assert out.tolist() == [1] * 100 + [0] * 101 + [1] * 100


def test_small_gap_after_a_loss_becomes_silence():
    timeline = Timeline(1000)
    first = list(timeline.place(ONES, 0.0))
    timeline.lose()
    out = np.concatenate([*first, *timeline.place(ONES, 0.12), *timeline.place(ONES, 0.24)])
    assert out.tolist() == [1] * 100 + [0] * 20 + [1] * 200


def test_late_start_counts_from_the_containers_clock():
    assert len(run(Timeline(1000, start_s=5.0), (ONES, 5.5))) == 600
    assert len(run(Timeline(1000, start_s=-0.02), (ONES, -0.02))) == 100


def test_a_clock_set_anew_is_no_gap():
    assert len(run(Timeline(1000), (ONES, 0.0), (ONES, 4000.0))) == 200
    assert len(run(Timeline(1000), (ONES, 50.0), (ONES, 0.0))) == 50_200


def test_gaps_that_add_up_to_more_than_an_hour_and_100_times_the_sound_are_a_damaged_clock():
    """Two gaps of half an hour each are long pauses, 1 ms more is not; a minute of sound bears up to 100 minutes."""
    half_hour = 1_800_000
    for n_sound, last_gap, is_stretched in ((100, 0, False), (100, 1, True), (60_000, half_hour, False)):
        timeline = Timeline(1000)
        sound = np.ones(n_sound, np.float32)
        run(timeline, (sound, half_hour / 1000), (sound, (2 * half_hour + n_sound + last_gap) / 1000))
        assert timeline.is_stretched == is_stretched


def test_skip_takes_samples_or_the_first_block_and_shifts_the_clock():
    assert len(run(Timeline(1000, skip=130), (ONES, 0.0), (ONES, 0.1), (ONES, 0.2))) == 170
    assert len(run(Timeline(1000, skip=-1), (ONES, 0.0), (ONES, 0.1), (ONES, 0.2))) == 200


def test_padding_is_cut_at_the_end():
    assert len(run(Timeline(1000, end=250), (ONES, 0.0), (ONES, 0.1), (ONES, 0.2))) == 250
    assert len(run(Timeline(1000, end=150), (ONES, 0.0), (ONES, 0.1), (ONES, 0.2))) == 150
    assert len(run(Timeline(1000, end=300), (ONES, 0.0), (ONES, 0.1), (ONES, 0.2))) == 300


def test_an_end_that_is_wrong_is_not_believed():
    long = np.ones(5000, np.float32)
    assert len(run(Timeline(1000, end=100), (long, 0.0), (ONES, 5.0))) == 5100
