"""Clicks, holes and silences that frames have heard are where the signal has them, to the ms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib import audio
from relaylib.demo import load_demo
from relaylib.postprocess import decode
from relaylib.postprocess.edges import located
from relaylib.postprocess.levels import LevelMeter
from relaylib.types import DecodeConfig, Levels, Scores

RATE = 16_000


def levels_of(samples):
    meter = LevelMeter()
    meter.add(samples.astype(np.float32))
    return meter.levels()


def one(start, end, levels, min_duration_ms=0):
    starts, ends = located(np.array([start]), np.array([end]), levels, min_duration_ms)
    return int(starts[0]), int(ends[0])


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def hum(rng):
    """Return two seconds of a soft hum, in which every ms is as fine as the others."""
    time = np.arange(2 * RATE) / RATE
    return 0.3 * np.sin(2 * np.pi * 120 * time) + 1e-4 * rng.standard_normal(len(time))


@pytest.fixture
def clicked(hum):
    """Return the hum with a click of 3 ms from 1.234 s on."""
    hum[1234 * 16 : 1237 * 16 : 3] += 0.1
    return levels_of(hum)


def test_a_click_is_found_within_the_frames_that_it_is_heard_in(clicked):
    assert one(1200, 1260, clicked) == (1234, 1237)


@pytest.mark.parametrize(("span", "expected"), [((1200, 1300), (1211, 1261)), ((1220, 1280), (1220, 1270))])
def test_it_is_no_shorter_than_the_shortest_that_was_asked_for(clicked, span, expected):
    """In the middle, as far as the frames reach."""
    assert one(*span, clicked, 50) == expected


def test_a_span_that_was_shorter_already_stays_as_long(clicked):
    assert one(1220, 1260, clicked, 50) == (1220, 1260)


def test_two_clicks_are_reported_from_the_first_to_the_second(hum):
    for ms in (1220, 1250):
        hum[ms * 16] += 0.2
    start, end = one(1200, 1280, levels_of(hum))
    assert (start, end) == (1220, 1251)


def test_long_spans_and_those_in_which_nothing_stands_out_stay(clicked):
    assert one(1100, 1260, clicked) == (1100, 1260)
    assert one(500, 560, clicked) == (500, 560)
    assert one(0, 1, levels_of(np.zeros(16))) == (0, 1)
    assert one(5000, 5060, clicked) == (5000, 5060)


def test_many_spans_are_each_their_own(clicked):
    starts, ends = np.array([100, 1200, 1800]), np.array([160, 1260, 1990])
    found = located(starts, ends, clicked)
    assert [values.tolist() for values in found] == [[100, 1234, 1800], [160, 1237, 1990]]
    assert starts.tolist() == [100, 1200, 1800]


def test_detections_of_a_recording_with_levels_are_where_the_click_is(clicked):
    values = np.zeros((100, 2), np.float32)
    values[60:63, 0] = 0.9
    values[10:40, 1] = 0.8
    with_levels = Scores(values, ("glitch", "echo"), 2000, levels=clicked)
    exact = decode(with_levels, DecodeConfig(min_duration_ms=0))
    assert [(d.artifact_type, d.start_ms, d.end_ms) for d in exact] == [("echo", 200, 800), ("glitch", 1234, 1237)]
    usual = decode(with_levels)[1]
    assert (usual.start_ms, usual.end_ms) == (1210, 1260)
    assert decode(Scores(values, ("glitch", "echo"), 2000))[1].start_ms == 1200


@pytest.fixture
def gap(rng):
    """Return two seconds of a loud voice-like sound, silent from 700 to 1203 ms but for soft noise."""
    time = np.arange(2 * RATE) / RATE
    sound = 0.2 * sum(np.sin(2 * np.pi * 120 * k * time + k) / k for k in range(1, 8))
    sound[700 * 16 : 1203 * 16] = 0
    return sound + 1e-4 * rng.standard_normal(len(time))


@pytest.mark.parametrize("span", [(700, 1203), (660, 1240), (738, 1170), (720, 1220)])
def test_a_silence_begins_and_ends_where_the_sound_does(gap, span):
    """Within two frames, to half of what the levels are smoothed over."""
    start, end = one(*span, levels_of(gap))
    assert abs(start - 700) <= 2
    assert abs(end - 1203) <= 2


@pytest.mark.parametrize("gain", [1e-2, 0.3, 2.0])
def test_how_loud_the_recording_is_does_not_matter(gap, gain):
    assert one(720, 1220, levels_of(gap * gain)) == one(720, 1220, levels_of(gap))


def test_sound_that_fades_ends_where_it_is_40_db_softer_or_near_the_noise(gap, rng):
    """A decay by 1 dB per ms: 40 dB are 40 ms after it begins."""
    decay = 10 ** (-np.arange(100 * 16) / 16 / 20)
    faded = gap.copy()
    faded[700 * 16 : 800 * 16] = 0.2 * decay * np.sign(rng.standard_normal(1600))
    assert one(740, 1200, levels_of(faded))[0] == pytest.approx(740, abs=6)
    noisy = faded + 2e-3 * rng.standard_normal(len(faded))  # 40 dB below as well, and 3 dB above it are sooner
    assert 730 <= one(740, 1200, levels_of(noisy))[0] <= 740


def test_edges_further_off_than_two_frames_stay(gap):
    """What ended 60 ms before is not in reach, and what is in reach is silent."""
    assert one(760, 1140, levels_of(gap)) == (760, 1140)


def test_an_edge_with_no_sound_beside_it_stays(gap):
    levels = levels_of(gap[710 * 16 :])  # begins silent
    assert one(0, 480, levels) == (0, pytest.approx(493, abs=2))
    assert one(0, 493, levels_of(gap[710 * 16 : 1203 * 16])) == (0, 493)  # nothing but silence
    assert one(5000, 5600, levels) == (5000, 5600)  # beyond the end


@pytest.mark.parametrize("quieter_db", [0, 10, 18])
def test_what_is_only_softer_is_no_silence(rng, quieter_db):
    sound = 0.1 * rng.standard_normal(2 * RATE)
    sound[700 * 16 : 1200 * 16] *= 10 ** (-quieter_db / 20)
    assert one(710, 1190, levels_of(sound)) == (710, 1190)


def test_a_silence_is_no_shorter_than_the_shortest_that_was_asked_for(gap):
    levels = levels_of(gap)
    start, end = one(680, 1220, levels)
    assert one(680, 1220, levels, end - start) == (start, end)
    assert one(680, 1220, levels, end - start + 1) == (680, 1220)


@pytest.fixture
def voice():
    """Return two seconds of a voice-like sound with a period of 8 ms, in which it fades by 12 dB."""
    time = np.arange(2 * RATE) / RATE
    return 0.2 * np.exp(-(time % 0.008) * 170) * sum(np.sin(2 * np.pi * 125 * k * time + k) for k in range(1, 20))


@pytest.mark.parametrize("length_ms", [12, 57, 130])
@pytest.mark.parametrize(("early", "late"), [(0, 0), (-40, -30), (30, 40), (-20, 35)])
def test_a_hole_is_found_within_two_frames(voice, rng, length_ms, early, late):
    """Of whatever length, where the frames are off by up to 40 ms; noise may be left in it, and lie beneath all."""
    voice[851 * 16 : (851 + length_ms) * 16] = 0
    noisy = voice + 3e-4 * rng.standard_normal(len(voice))
    start, end = min(851 + early, 847 + length_ms), max(855, 851 + length_ms + late)
    for samples in (voice, noisy, 0.05 * noisy):
        assert one(start, end, levels_of(samples)) == (pytest.approx(851, abs=3), pytest.approx(851 + length_ms, abs=3))


@pytest.mark.parametrize("level", [0.02, 0.3])
def test_a_sample_that_is_held_is_a_hole_in_the_detail(voice, level):
    voice[851 * 16 : 899 * 16] = level
    assert one(830, 920, levels_of(voice)) == (pytest.approx(851, abs=2), pytest.approx(899, abs=2))


def test_a_short_hole_is_in_the_middle_of_the_shortest_that_was_asked_for(voice):
    voice[848 * 16 : 864 * 16] = 0
    assert one(820, 900, levels_of(voice), 50) == (pytest.approx(831, abs=2), pytest.approx(881, abs=2))
    as_long_as_before = one(860, 895, levels_of(voice), 50)
    assert as_long_as_before == (pytest.approx(847, abs=2), pytest.approx(882, abs=2))


def test_of_several_holes_it_is_from_the_first_to_the_last(voice):
    """A burst of them, which decoding has joined; one that the frames did not hear is not counted."""
    for first, last in ((830, 845), (880, 920), (955, 970)):
        voice[first * 16 : last * 16] = 0
    assert one(820, 930, levels_of(voice)) == (pytest.approx(830, abs=2), pytest.approx(920, abs=2))


def test_a_hole_beside_a_click_is_no_concern_of_it(voice):
    voice[820 * 16 : 840 * 16] = 0
    voice[870 * 16 : 873 * 16 : 3] += 0.5
    assert one(860, 900, levels_of(voice)) == (870, pytest.approx(873, abs=1))


def test_what_fades_is_no_hole(voice):
    """By 60 dB in 30 ms and back, as before a plosive: it stays what frames made of it."""
    fade = 10 ** (-np.interp(np.arange(80 * 16), [0, 480, 800, 1280], [0, 60, 60, 0]) / 20)
    voice[850 * 16 : 930 * 16] *= fade
    assert one(840, 980, levels_of(voice)) == (840, 980)


def test_a_click_in_digital_silence_is_no_edge_of_a_hole(voice):
    """What is loud for 3 ms does not count as sound that ends."""
    voice[700 * 16 : 900 * 16] = 0
    voice[860 * 16 : 863 * 16 : 3] = 0.3
    assert one(840, 890, levels_of(voice)) == (860, pytest.approx(862, abs=1))


def test_holes_in_real_speech_are_found():
    """Cut out of loud places of the demo's clean recordings: nine in ten are found to within 5 ms at both ends."""
    speech, rng, errors = load_demo(), np.random.default_rng(0), []
    for item in (item for item in speech.train if not item.annotations):
        samples = audio.load(speech.audio_root / item.filename).samples.copy()
        levels = np.abs(samples[: len(samples) // 160 * 160].reshape(-1, 160)).max(1)
        for place in rng.choice(np.flatnonzero(levels[20:-40] > 0.5 * levels.max()) + 20, 3):
            start, length = int(place) * 10 + int(rng.integers(10)), int(rng.integers(15, 120))
            torn = samples.copy()
            torn[start * 16 : (start + length) * 16] = 0
            loud = np.abs(torn[(start + length) * 16 :][:160]).max() > 0.2 * levels.max()
            framed = [int(ms // 20 * 20 + 20 * rng.integers(-1, 2)) for ms in (start, start + length)]
            if loud and framed[1] > framed[0]:
                found = one(*framed, levels_of(torn))
                errors.append(max(abs(found[0] - start), abs(found[1] - start - length)))
    assert len(errors) >= 20
    assert np.quantile(errors, 0.9) <= 5


spans_and_levels = st.tuples(
    st.lists(st.integers(0, 300), min_size=2, max_size=12),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 200), min_size=1, max_size=20),
)


@given(spans_and_levels, st.integers(0, 400))
def test_spans_keep_their_order_and_reach_no_further_than_two_frames(drawn, min_duration_ms):
    """Of whatever levels: none overlap, none is empty, none is shorter than it has to be."""
    steps, seed, runs = drawn
    places = np.cumsum(np.array(steps[: len(steps) // 2 * 2]) + 1) - 1
    starts, ends = places[0::2], places[1::2]
    rng = np.random.default_rng(seed)
    loud = np.concatenate([np.full(run, rng.choice([0, 10, 60, 150, 200])) for run in runs]).astype(np.uint8)
    levels = Levels(power=loud, detail=rng.permutation(loud))
    new_starts, new_ends = located(starts, ends, levels, min_duration_ms)
    assert (new_starts < new_ends).all()
    assert (new_ends[:-1] <= new_starts[1:]).all()
    assert (new_starts >= starts - 40).all()
    assert (new_ends <= ends + 40).all()
    long = ends - starts > 230
    assert (new_starts <= starts + 40)[long].all()
    assert (new_ends >= ends - 40)[long].all()
    kept = np.minimum(ends - starts, min_duration_ms)
    assert (new_ends - new_starts >= kept).all()


def test_the_edges_of_pauses_in_real_speech_are_found():
    """The pauses of the demo's speech, as frames would have them: half of the edges come within 8 ms."""
    speech = load_demo()
    rng = np.random.default_rng(0)
    before, after = [], []
    pauses = ((item, a) for manifest in (speech.train, speech.test) for item in manifest for a in item.annotations)
    for item, span in pauses:
        if span.artifact_type != "long_pause":
            continue
        framed = [int(ms // 20 * 20 + 20 * rng.integers(-1, 2)) for ms in (span.start_ms, span.end_ms)]
        found = one(*framed, levels_of(audio.load(speech.audio_root / item.filename).samples))
        before += [framed[0] - span.start_ms, framed[1] - span.end_ms]
        after += [found[0] - span.start_ms, found[1] - span.end_ms]
    assert len(before) >= 30
    assert np.median(np.abs(before)) >= 16
    assert np.median(np.abs(after)) <= 8
