import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relaylib.errors import ParameterError, RelayError
from relaylib.types import (
    HOP,
    HOP_MS,
    SAMPLE_RATE,
    Annotation,
    ArtifactType,
    AudioItem,
    DecodeConfig,
    Detection,
    FileResult,
    Frames,
    Manifest,
    Scores,
    Waveform,
    frames_to_ms,
    ms_to_frames,
    ms_to_samples,
    samples_to_ms,
)


def test_a_frame_is_20_ms_of_16_khz():
    assert (SAMPLE_RATE, HOP_MS, HOP) == (16_000, 20, 320)


def test_samples_and_ms_worked_by_hand():
    """At 44.1 kHz a ms is 44.1 samples; halves are rounded up."""
    assert samples_to_ms(16_000) == 1000
    assert samples_to_ms(7) == 0  # 0.4375 ms
    assert samples_to_ms(8) == 1  # 0.5 ms
    assert samples_to_ms(44_100 * 3600 * 10, 44_100) == 36_000_000
    assert ms_to_samples(1) == 16
    assert ms_to_samples(1, 44_100) == 44
    assert ms_to_samples(5, 44_100) == 221  # 220.5


@given(st.integers(0, 10**9), st.sampled_from([8000, 16_000, 22_050, 44_100, 48_000, 192_000]))
def test_ms_survive_the_way_through_samples(ms, sample_rate):
    assert samples_to_ms(ms_to_samples(ms, sample_rate), sample_rate) == ms


@given(st.integers(0, 10**6), st.integers(1, 10**5), st.integers(1, 50))
def test_the_frames_of_a_span_are_those_it_touches(start_ms, length, hop_ms):
    first, last = ms_to_frames(start_ms, start_ms + length, hop_ms)
    assert frames_to_ms(first, hop_ms) <= start_ms < frames_to_ms(first + 1, hop_ms)
    assert frames_to_ms(last - 1, hop_ms) < start_ms + length <= frames_to_ms(last, hop_ms)


@pytest.mark.parametrize("span", [Annotation, Detection])
@pytest.mark.parametrize(("start_ms", "end_ms"), [(-1, 5), (5, 5), (6, 5)])
def test_spans_must_have_a_length_and_start_at_zero_or_later(span, start_ms, end_ms):
    with pytest.raises(ParameterError, match=f"start_ms={start_ms}, end_ms={end_ms}"):
        span(start_ms, end_ms, "echo", 0.5)


@pytest.mark.parametrize("span", [Annotation, Detection])
@pytest.mark.parametrize("confidence", [-0.1, 1.1, float("nan")])
def test_confidences_are_0_to_1(span, confidence):
    with pytest.raises(ParameterError, match="confidence"):
        span(0, 5, "echo", confidence)


@pytest.mark.parametrize("span", [Annotation, Detection])
@pytest.mark.parametrize("name", ["start_ms", "end_ms", "confidence"])
def test_an_empty_cell_of_a_table_is_no_number(span, name):
    given = {"start_ms": 0, "end_ms": 5, "artifact_type": "x", "confidence": 1.0, name: None}
    with pytest.raises(ParameterError, match=f"{name}=None: need a number"):
        span(**given)


@pytest.mark.parametrize("span", [Annotation, Detection])
def test_times_are_kept_as_whole_numbers_that_any_file_can_hold(span):
    found = span(np.int64(5), np.uint16(9), "echo", np.float32(0.25))
    assert [type(value) for value in (found.start_ms, found.end_ms, found.confidence)] == [int, int, float]
    assert found == span(5, 9, "echo", 0.25)
    for times in ((0.5, 9), (0, 9.0), (0, np.float64(9)), (0, "9")):
        with pytest.raises(ParameterError, match=r"_ms=.* need whole ms, as round"):
            span(*times, "echo", 0.5)
    with pytest.raises(ParameterError, match="confidence='high': need a number"):
        span(0, 9, "echo", "high")


def test_lengths_and_settings_are_kept_so_too():
    assert type(AudioItem("a.wav", np.int64(9)).duration_ms) is int
    assert type(FileResult("a.wav", np.int64(9), "completed").duration_ms) is int
    config = DecodeConfig(np.float32(0.5), np.int64(9), np.int64(9), np.float64(0.25))
    assert [type(value) for value in dataclasses.astuple(config)] == [float, int, int, float]
    with pytest.raises(ParameterError, match=r"duration_ms=9\.5: need whole ms"):
        AudioItem("a.wav", 9.5)


def test_errors_are_also_the_built_in_they_resemble():
    for kind in (ValueError, RelayError):
        with pytest.raises(kind):
            Detection(5, 5, "echo", 0.5)


COLUMNS = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(1, 10**5), st.sampled_from(["echo", "click"]), st.integers(0, 64)),
    max_size=20,
)


def columns_of(rows):
    starts = np.array([row[0] for row in rows], np.int64)
    lengths = np.array([row[1] for row in rows], np.int64)
    return starts, starts + lengths, [row[2] for row in rows], np.array([row[3] / 64 for row in rows], np.float32)


@given(COLUMNS)
def test_detections_made_in_bulk_equal_those_made_one_by_one(rows):
    """In value, in hash, in the types of their fields, and frozen."""
    starts, ends, names, confidences = columns_of(rows)
    singly = [Detection(s, s + n, name, level / 64) for s, n, name, level in rows]
    made = Detection.many(starts, ends, names, confidences)
    assert made == singly
    assert list(map(hash, made)) == list(map(hash, singly))
    assert repr(made) == repr(singly)
    for detection in made:
        with pytest.raises(dataclasses.FrozenInstanceError):
            detection.start_ms = 0


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "confidence"),
    [(-1, 5, 0.5), (5, 5, 0.5), (0, 5, 1.5), (0, 5, -0.5), (0, 5, float("nan"))],
)
def test_detections_made_in_bulk_keep_the_rules(start_ms, end_ms, confidence):
    starts, ends, names, confidences = columns_of([(0, 10, "echo", 32)] * 3)
    starts[1], ends[1], confidences[1] = start_ms, end_ms, confidence
    with pytest.raises(ParameterError, match=r"need 0 <="):
        Detection.many(starts, ends, names, confidences)


def test_spans_come_in_order_of_time():
    spans = [Detection(20, 30, "a", 0.5), Detection(0, 40, "b", 0.5), Detection(0, 30, "c", 0.5)]
    assert [span.artifact_type for span in sorted(spans)] == ["c", "b", "a"]


def test_what_is_kept_beside_an_annotation_does_not_make_it_another():
    assert Annotation(0, 5, "echo", 1.0, {"by": "nova"}) == Annotation(0, 5, "echo")


def test_names_of_types_have_1_to_100_characters():
    ArtifactType("x" * 100)
    for name in ("", "x" * 101):
        with pytest.raises(ParameterError, match="1 to 100"):
            ArtifactType(name)


def test_a_manifest_knows_its_types_and_its_files_once():
    echo, click = ArtifactType("echo"), ArtifactType("click")
    item = AudioItem("a.wav", annotations=(Annotation(0, 5, "echo"),))
    manifest = Manifest((echo, click), (item, AudioItem("b.wav")))
    assert manifest.type_names == ("echo", "click")
    assert len(manifest) == 2
    assert [one.filename for one in manifest] == ["a.wav", "b.wav"]
    with pytest.raises(ParameterError, match=r"filename given twice: 'a.wav'"):
        Manifest((echo,), (item, item))
    with pytest.raises(ParameterError, match="artifact type given twice: 'echo'"):
        Manifest((echo, echo), ())
    with pytest.raises(ParameterError, match=r"a.wav: artifact_type 'echo' is not one of 'click'"):
        Manifest((click,), (item,))


def test_waveforms_are_mono_and_dated():
    assert Waveform(np.zeros(44_100, np.float32), 44_100).duration_ms == 1000
    with pytest.raises(ParameterError, match="mono"):
        Waveform(np.zeros((5, 2), np.float32))
    with pytest.raises(ParameterError, match="sample_rate=0"):
        Waveform(np.zeros(5, np.float32), 0)


def test_frames_and_scores_have_two_dimensions():
    assert len(Frames(np.zeros((7, 3), np.float32), 140)) == 7
    assert len(Scores(np.zeros((7, 2), np.float32), ("a", "b"), 140)) == 7
    with pytest.raises(ParameterError, match="n_frames, dim"):
        Frames(np.zeros(7, np.float32), 140)
    with pytest.raises(ParameterError, match="a column for each"):
        Scores(np.zeros((7, 3), np.float32), ("a", "b"), 140)


def test_decoding_has_the_defaults_and_ranges_of_the_api():
    config = DecodeConfig()
    assert (config.threshold, config.merge_window_ms, config.min_duration_ms) == (0.5, 200, 50)
    DecodeConfig(0.0, 0, 0)
    DecodeConfig(1.0, 5000, 1000, 1.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("threshold", -0.1),
        ("threshold", 1.1),
        ("threshold", float("nan")),
        ("merge_window_ms", -1),
        ("merge_window_ms", 5001),
        ("min_duration_ms", -1),
        ("min_duration_ms", 1001),
        ("low_threshold", 0.6),
        ("low_threshold", -0.1),
    ],
)
def test_decoding_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ParameterError, match=field):
        DecodeConfig(**{field: value})


def test_a_file_has_a_length_and_one_of_two_states():
    with pytest.raises(ParameterError, match=r"a.wav: duration_ms=-5: need 0 <= duration_ms"):
        FileResult("a.wav", -5, "completed")
    with pytest.raises(ParameterError, match=r"a.wav: status='zz': need 'completed' or 'failed'"):
        FileResult("a.wav", 100, "zz")


def test_a_recording_has_a_name_and_no_negative_length():
    """A manifest with such a one could be written, and not read again."""
    with pytest.raises(ParameterError, match="filename is empty"):
        AudioItem("")
    with pytest.raises(ParameterError, match=r"a.wav: duration_ms=-5: need 0 <= duration_ms"):
        AudioItem("a.wav", -5)


def test_a_failed_file_has_a_reason_and_no_detections():
    FileResult("a.wav", None, "failed", error_message="cut off")
    with pytest.raises(ParameterError, match=r"a.wav: a failed file"):
        FileResult("a.wav", None, "failed")
    with pytest.raises(ParameterError, match=r"a.wav: a failed file"):
        FileResult("a.wav", 100, "failed", (Detection(0, 5, "echo", 0.5),), "cut off")
