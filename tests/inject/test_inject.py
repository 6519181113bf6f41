"""Artifacts land where the labels say, nothing else changes, and what is benign stays unlabelled."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.stats import kurtosis

from relaylib.audio import load
from relaylib.demo import load_demo
from relaylib.errors import ParameterError
from relaylib.inject import BASIC_TYPES, SHAPES, inject, shape_names, type_names, vary
from relaylib.inject.canvas import Canvas, Edit, blend, fade
from relaylib.inject.robotic import zero_phase
from relaylib.types import SAMPLE_RATE, Waveform

BY_NAME = {shape.name: shape for shape in SHAPES}


def voice(seconds, seed):
    """Return syllables of harmonics that glide, with silences between words [shape=(n,), float32]."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pitch = 90 + 60 * rng.random() + 20 * np.sin(2 * np.pi * 0.7 * time + rng.random())
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 20))
    syllables = np.abs(np.sin(2 * np.pi * 2.1 * time)) ** 0.5 * (np.sin(2 * np.pi * 0.8 * time) > -0.75)
    return (0.12 * sound * syllables).astype(np.float32) + 1e-4 * rng.standard_normal(len(time)).astype(np.float32)


@pytest.fixture(scope="module")
def speech():
    return voice(12, 1), [voice(8, 2), voice(8, 3)]


def edit_of(name, speech, seed=0):
    """Return the first edit of a shape for which the recording has a place."""
    for k in range(20):
        edit = BY_NAME[name].make(Canvas(speech[0], SAMPLE_RATE, np.random.default_rng([seed, k]), speech[1]))
        if edit is not None:
            return edit
    raise AssertionError(f"{name} finds no place")


@pytest.mark.parametrize("name", shape_names())
def test_every_shape_finds_a_place_and_changes_what_it_says(speech, name):
    """Inside the recording, with finite samples within full scale, and a label inside what is put in."""
    for seed in range(3):
        edit = edit_of(name, speech, seed)
        assert 0 <= edit.start <= edit.end <= len(speech[0])
        assert 0 <= edit.first < edit.last <= len(edit.piece)
        assert np.isfinite(edit.piece).all()
        assert np.abs(edit.piece).max() <= 1.0
        before = speech[0][edit.start : edit.end]
        assert len(before) != len(edit.piece) or np.abs(before - edit.piece).max() > 1e-5


@pytest.mark.parametrize("name", [s.name for s in SHAPES if s.artifact_type == "glitch" and s.name != "splice"])
def test_outside_its_label_a_glitch_changes_nothing(speech, name):
    edit = edit_of(name, speech)
    before = speech[0][edit.start : edit.end]
    assert len(before) == len(edit.piece)
    np.testing.assert_array_equal(edit.piece[: edit.first], before[: edit.first])
    np.testing.assert_array_equal(edit.piece[edit.last :], before[edit.last :])
    assert edit.last - edit.first >= SAMPLE_RATE // 100


@pytest.mark.parametrize("name", shape_names())
def test_every_shape_can_be_made_at_the_rate_of_a_telephone(speech, name):
    """Filters stay below half of the rate, and outside of the label nothing changes."""
    samples, others = speech[0][::2], [other[::2] for other in speech[1]]
    made = 0
    for seed in range(40):
        edit = BY_NAME[name].make(Canvas(samples, 8000, np.random.default_rng(seed), others))
        if edit is not None:
            made += 1
            assert np.isfinite(edit.piece).all()
            np.testing.assert_array_equal(edit.piece[: edit.first], samples[edit.start :][: edit.first])
    assert made


def test_silence_is_not_mangled_into_numbers_that_are_none():
    """Nor does anything warn: there is nothing to divide by."""
    found = inject(np.zeros(20 * SAMPLE_RATE, np.float32), 1, types=["robotic", "distortion"], per_minute=60)
    assert np.isfinite(found.samples).all()


def test_beside_a_glitch_samples_beyond_full_scale_stay():
    """Recordings in floating point may go over; the label tells where something was put in."""
    loud = 8 * np.random.default_rng(0).standard_normal(SAMPLE_RATE).astype(np.float32)
    edit = BY_NAME["pop"].make(Canvas(loud, SAMPLE_RATE, np.random.default_rng(0)))
    before = loud[edit.start : edit.end]
    np.testing.assert_array_equal(edit.piece[: edit.first], before[: edit.first])
    np.testing.assert_array_equal(edit.piece[edit.last :], before[edit.last :])
    assert np.abs(edit.piece[edit.first : edit.last]).max() <= 1.0


def test_a_long_pause_is_silent_from_end_to_end_of_its_label(speech):
    for name in ("digital_silence", "hissing_silence", "room_silence"):
        edit = edit_of(name, speech)
        inside = edit.piece[edit.first : edit.last]
        assert len(inside) >= 0.52 * SAMPLE_RATE
        blocks = inside[: len(inside) // 320 * 320].reshape(-1, 320)
        canvas = Canvas(speech[0], SAMPLE_RATE, np.random.default_rng(0))
        assert np.sqrt(np.square(blocks[1:-1]).mean(axis=1)).max() < 0.1 * canvas.level


def test_a_loop_says_the_same_again(speech):
    """The label begins where the first is said, and what follows it is that once more."""
    edit = edit_of("loop", speech)
    n = edit.end - edit.start
    times = len(edit.piece) // n
    assert (edit.first, edit.last, len(edit.piece)) == (0, times * n, times * n)
    assert times >= 2
    edge = n // 3
    for k in range(1, times):
        np.testing.assert_array_equal(edit.piece[k * n + edge : (k + 1) * n], edit.piece[edge:n])


def test_a_slap_comes_back_after_its_delay(speech):
    """What is added is the recording itself, later and softer, to the last digit where nothing is cross-faded."""
    edit = edit_of("slap", speech)
    inner = slice(SAMPLE_RATE // 20, len(edit.piece) - SAMPLE_RATE // 20)
    added = (edit.piece - speech[0][edit.start : edit.end])[inner].astype(np.float64)
    lags = np.arange(SAMPLE_RATE // 20, SAMPLE_RATE * 43 // 100)
    lags = lags[lags <= edit.start]
    origin = edit.start + inner.start
    earlier = np.stack([speech[0][origin - lag : origin - lag + len(added)] for lag in lags])
    delay = int((earlier @ added / np.linalg.norm(earlier, axis=1)).argmax())
    gain = earlier[delay] @ added / np.square(earlier[delay]).sum()
    assert 0.35 <= gain <= 0.85
    np.testing.assert_allclose(added, gain * earlier[delay], atol=1e-5)


def test_partials_in_step_make_pulses_of_noise_at_the_rate_of_the_frames():
    """Where they are in step within the frames; at their starts, where windows are zero, nothing is left of a pulse."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    found = []
    for seed in range(12):
        canvas = Canvas(noise, SAMPLE_RATE, np.random.default_rng(seed))
        damaged = zero_phase(canvas, noise)[SAMPLE_RATE // 4 : -SAMPLE_RATE // 4]
        likeness = signal.correlate(damaged, damaged)[len(damaged) - 1 :]
        repeats = likeness[SAMPLE_RATE // 1000 : SAMPLE_RATE // 25].max() / likeness[0] > 0.7
        found.append(repeats and kurtosis(damaged) > 5)
    assert sum(found) >= 6
    assert kurtosis(noise) < 0.2


def test_shapes_that_need_another_voice_are_left_out_without_one(speech):
    made = inject(speech[0], 0, types=["crosstalk"], per_minute=60)
    assert made.spans == ()


@given(
    seed=st.integers(0, 10_000), seconds=st.floats(0.0, 9.0), types=st.sets(st.sampled_from(type_names()), min_size=1)
)
@settings(max_examples=60, deadline=None)
def test_laws(seed, seconds, types):
    """Spans are inside, in order and apart; only types that are asked for; the same seed gives the same."""
    samples, other = voice(9, 5)[: int(seconds * SAMPLE_RATE)], voice(6, 6)
    made = inject(samples, seed, types=sorted(types), per_minute=40, others=[other])
    again = inject(samples, seed, types=sorted(types), per_minute=40, others=[other])
    np.testing.assert_array_equal(made.samples, again.samples)
    assert made.spans == again.spans
    assert {span.artifact_type for span in made.spans} <= types
    assert all(span.artifact_type is None for span in made.benign)
    spans = sorted([*made.spans, *made.benign])
    assert all(0 <= s.start < s.end <= len(made.samples) for s in spans)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    if not spans:
        np.testing.assert_array_equal(made.samples, samples)


def test_before_the_first_and_after_the_last_change_nothing_moves():
    samples = voice(12, 7)
    made = inject(samples, 3, per_minute=20, benign_per_minute=0)
    assert len(made.spans) >= 2
    reach = SAMPLE_RATE // 20  # edits reach a little further than their labels
    first, last = made.spans[0].start, len(made.samples) - made.spans[-1].end
    np.testing.assert_array_equal(made.samples[: first - reach], samples[: first - reach])
    np.testing.assert_array_equal(
        made.samples[len(made.samples) - last + reach :], samples[len(samples) - last + reach :]
    )


def test_real_speech_takes_as_many_as_asked_for():
    """About 12 a minute, of all six types, in the clean speech that comes with the package."""
    demo = load_demo()
    speech = [load(demo.audio_root / item.filename).samples for item in demo.train.audio if not item.annotations]
    assert len(speech) >= 3
    found = [
        inject(samples, 100 * seed + k, per_minute=12, others=speech[:k] + speech[k + 1 :])
        for k, samples in enumerate(speech)
        for seed in range(8)
    ]
    minutes = sum(len(samples) for samples in speech) * 8 / SAMPLE_RATE / 60
    assert {s.artifact_type for f in found for s in f.spans} == set(BASIC_TYPES)
    assert 6 < sum(len(f.spans) for f in found) / minutes < 14


def test_annotations_are_whole_ms_around_the_samples():
    made = inject(voice(10, 8), 1, per_minute=20)
    for span, annotation in zip(made.spans, made.annotations(), strict=True):
        assert annotation.start_ms * 16 <= span.start < (annotation.start_ms + 1) * 16
        assert (annotation.end_ms - 1) * 16 < span.end <= annotation.end_ms * 16
        assert annotation.artifact_type == span.artifact_type


def test_without_keeps_shapes_out():
    names = [n for n in shape_names("glitch") if n != "click"]
    made = inject(voice(12, 9), 0, types=["glitch"], per_minute=60, without=names)
    assert {span.shape for span in made.spans} == {"click"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"types": ["gitch"]}, "type 'gitch' cannot be put in; need one of glitch, "),
        ({"without": ["clack"]}, "shape 'clack' cannot be put in; need one of click, "),
        ({"types": ["hum"], "without": ["hum"]}, "'hum' has no shape left"),
    ],
)
def test_unknown_names_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        inject(voice(1, 0), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_minute": -1}, "per_minute=-1: need a finite number, 0 or more"),
        ({"benign_per_minute": float("nan")}, "benign_per_minute=nan: need"),
        ({"per_minute": float("inf")}, "per_minute=inf: need"),
        ({"types": {"glitch": 2.0, "echo": -1.0}}, "echo=-1.0: need"),
    ],
)
def test_rates_that_are_none_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        inject(voice(1, 0), **options)


@pytest.mark.parametrize("change", [inject, vary])
@pytest.mark.parametrize(
    ("samples", "sample_rate", "message"),
    [
        (np.zeros((2, 5)), SAMPLE_RATE, "one dimension"),
        (np.array([0.0, np.nan]), SAMPLE_RATE, "not finite"),
        (np.zeros(5), 4000, "sample_rate=4000: need 8000 Hz or more"),
        (np.zeros(5, np.int16), SAMPLE_RATE, "int16; need floats"),
        (Waveform(np.zeros(5, np.float32)), SAMPLE_RATE, "those of a Waveform"),
    ],
)
def test_unusable_samples_are_refused(change, samples, sample_rate, message):
    with pytest.raises(ParameterError, match=message):
        change(samples, sample_rate=sample_rate)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 300)), max_size=30))
@settings(deadline=None)
def test_a_place_is_free_where_it_is_far_enough_from_all_that_are_taken(places):
    canvas = Canvas(np.zeros(4 * 8000, np.float32), 8000, np.random.default_rng(0), gap_ms=10)
    taken = []
    for start, n in places:
        free = all(start + n + 80 <= a or b + 80 <= start for a, b in taken) and start >= 800
        assert canvas.is_free(start, start + n) is free
        if free:
            canvas.take(Edit(start, start + n, np.zeros(n, np.float32), 0, n))
            taken.append((start, start + n))


def test_unusable_voices_of_others_are_refused(speech):
    """Rather than heard in the recording, where somebody happens to borrow them."""
    with pytest.raises(ParameterError, match="not finite"):
        inject(speech[0], types=["crosstalk"], others=[np.full(50_000, np.nan)])


def test_cross_fades_add_up_to_one():
    ones = np.ones(1000, np.float32)
    np.testing.assert_allclose(blend(ones, ones, 300), ones, atol=1e-6)
    assert fade(ones, 100)[0] < 0.01
    assert fade(ones, 100)[500] == 1
