import asyncio
import json
import re
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.evaluate import EvalConfig, evaluate
from relaylib.postprocess import decode
from relaylib.types import (
    Annotation,
    ArtifactType,
    AudioItem,
    DecodeConfig,
    Detection,
    FileResult,
    Manifest,
    Scores,
    Waveform,
)
from relaylib.widgets import explore as explore_module
from relaylib.widgets.explore import explore, figures_html
from relaylib.widgets.explore_picture import curve_columns, span_columns
from relaylib.widgets.explore_state import explore_scores, reference_of
from relaylib.widgets.review import review

TYPES = ("click", "echo")


def scores_with(*spans, n_frames=5000):
    """Make scores of 0.1 with given (first, last, column, value)."""
    values = np.full((n_frames, 2), 0.1, np.float32)
    for first, last, column, value in spans:
        values[first:last, column] = value
    return Scores(values, TYPES, n_frames * 20)


def numbers(packed):
    return np.frombuffer(packed["buffer"], packed["dtype"])


def test_figures_of_a_case_worked_by_hand():
    """One click found, one missed, one false alarm in 100 s: precision 1/2, recall 1/2, F1 1/2, 36 per hour."""
    scores = scores_with((50, 60, 0, 0.875), (500, 510, 0, 0.75))
    truth = [Annotation(1000, 1200, "click"), Annotation(50_000, 50_400, "click")]
    explored = explore_scores(scores, DecodeConfig(), truth)
    figures = explored.figures
    assert explored.detections == (
        Detection(1000, 1200, "click", 0.875),
        Detection(10_000, 10_200, "click", 0.75),
    )
    assert (figures.precision, figures.recall, figures.f1, figures.false_alarms_per_hour) == (0.5, 0.5, 0.5, 36.0)
    assert figures.rows[0] == ("click", 0.5, 0.5, 0.5, 2, 2)


def test_a_higher_threshold_trades_the_false_alarm_for_precision():
    scores = scores_with((50, 60, 0, 0.9), (500, 510, 0, 0.8))
    figures = explore_scores(scores, DecodeConfig(threshold=0.85), [Annotation(1000, 1200, "click")]).figures
    assert (figures.precision, figures.recall, figures.false_alarms_per_hour) == (1.0, 1.0, 0.0)


def test_annotations_of_types_without_scores_are_left_out():
    figures = explore_scores(scores_with(), DecodeConfig(), [Annotation(0, 90, "babble")]).figures
    assert [row[0] for row in figures.rows] == ["click", "echo"]
    assert np.isnan(figures.f1)


def test_without_a_reference_there_are_no_figures():
    assert explore_scores(scores_with(), DecodeConfig()).figures is None
    assert explore_scores(scores_with(), DecodeConfig(), []).figures.false_alarms_per_hour == 0.0


@given(
    values=arrays(np.float32, (60, 2), elements=st.floats(0, 1, width=32)),
    threshold=st.floats(0, 1),
    starts=st.lists(st.integers(0, 1000), max_size=4),
)
def test_figures_are_those_of_the_evaluation(values, threshold, starts):
    """`evaluate`, which reads manifests and results, says the same of the same detections."""
    scores, config = Scores(values, TYPES, 1200), DecodeConfig(threshold=threshold)
    truth = tuple(Annotation(start, start + 100, TYPES[k % 2]) for k, start in enumerate(starts))
    explored = explore_scores(scores, config, truth)
    manifest = Manifest(tuple(map(ArtifactType, TYPES)), (AudioItem("a.wav", 1200, annotations=truth),))
    result = FileResult("a.wav", 1200, "completed", tuple(decode(scores, config)))
    expected = evaluate(manifest, [result], EvalConfig(n_bootstrap=0))
    figures = explored.figures
    event = expected.event
    np.testing.assert_array_equal(
        [figures.precision, figures.recall, figures.f1, figures.false_alarms_per_hour],
        [event.macro_precision, event.macro_recall, event.macro_f1, expected.false_alarms.per_hour],
    )
    assert explored.detections == result.detections


@given(values=arrays(np.float32, st.tuples(st.integers(0, 80), st.just(2)), elements=st.floats(0, 1, width=32)),
       n_columns=st.integers(1, 100))  # fmt: skip
def test_no_peak_is_lost_in_the_curves(values, n_columns):
    drawn = curve_columns(Scores(values, TYPES, len(values) * 20), 0, len(values) * 20, n_columns)
    assert len(drawn["x"]) <= n_columns
    for k in range(2):
        assert drawn[f"y{k}"].max(initial=0) == values[:, k].max(initial=0)


def test_curves_of_a_short_stretch_are_the_scores_at_the_middle_of_their_frames():
    scores = scores_with((50, 60, 0, 0.9))
    drawn = curve_columns(scores, 980, 1060, 100)
    np.testing.assert_allclose(drawn["x"], [0.99, 1.01, 1.03, 1.05])
    np.testing.assert_allclose(drawn["y0"], [0.1, 0.9, 0.9, 0.9])


def test_bars_lie_in_the_row_of_their_type():
    bars = span_columns([Detection(500, 700, "echo", 0.8)], TYPES, {"click": "#111111", "echo": "#222222"})
    assert (bars["left"], bars["right"], bars["color"]) == ([0.5], [0.7], ["#222222"])
    assert 1 <= bars["top"].item() < bars["bottom"].item() <= 2


def test_sliders_decode_by_the_core():
    """Whatever the sliders say, detections and bars are what `decode` makes of it."""
    scores = scores_with((50, 60, 0, 0.9), (65, 70, 0, 0.55), (500, 502, 1, 0.8))
    explorer = explore(scores)
    assert explorer.config == DecodeConfig()
    moves = [("threshold", 0.6), ("merge_window_ms", 0), ("min_duration_ms", 0), ("threshold", 0.5)]
    for name, value in moves:
        explorer._sliders[name].value = value
        assert getattr(explorer.config, name) == value
        assert explorer.detections == decode(scores, explorer.config)
        starts = [found.start_ms for found in explorer.detections]
        np.testing.assert_array_equal(numbers(explorer._view.data_found["start"]), starts)
    assert len(explorer.detections) == 3


def test_a_low_threshold_stays_at_or_below_the_threshold():
    explorer = explore(scores_with((50, 60, 0, 0.9), (60, 65, 0, 0.4)))
    explorer._low.value = True
    assert explorer.config.low_threshold == 0.3
    assert explorer.detections[0].end_ms == 1300
    explorer._sliders["threshold"].value = 0.2
    assert explorer.config == DecodeConfig(threshold=0.2, low_threshold=0.2)
    explorer._low.value = False
    assert explorer.config.low_threshold is None


def test_setting_the_configuration_moves_the_sliders_and_tells_observers():
    explorer, seen = explore(scores_with((50, 60, 0, 0.9))), []
    explorer.observe(lambda change: seen.append(change["new"]), "detections")
    explorer.config = DecodeConfig(threshold=0.95, merge_window_ms=3000)
    assert explorer._sliders["threshold"].value == 0.95
    assert explorer._sliders["merge_window_ms"].value == 3000
    assert seen == [[]]


def test_moving_into_a_stretch_draws_it_finer():
    explorer = explore(scores_with(n_frames=50_000), Waveform(np.zeros(16_000, np.float32)))
    coarse = np.diff(numbers(explorer._view.data_curves["x"])).max()
    explorer._view._handle_custom_msg({"kind": "range", "name": "time", "start": 10, "end": 12}, [])
    x = numbers(explorer._view.data_curves["x"])
    assert coarse > 0.1
    assert np.diff(x).max() == pytest.approx(0.02, abs=1e-4)
    assert x[0] <= 10
    assert x[-1] >= 12 - 0.02


def test_the_whole_recording_comes_into_view_each_time():
    """The second time too, although the kernel has said the same before: a person has zoomed in since."""
    explorer = explore(scores_with())
    for times in (1, 2):
        explorer.show(0, 100_000)
        assert explorer._view.assigned["time"] == times
        explorer._view._handle_custom_msg({"kind": "range", "name": "time", "start": 10, "end": 12}, [])


def test_a_stretch_is_drawn_last_that_was_asked_for_last(monkeypatch):
    """While one thread draws, for more is decoded, another hears that the picture was moved."""
    explorer = explore(scores_with(), Waveform(np.zeros(1_600_000, np.float32)))
    drawing, moved, outline = threading.Event(), threading.Event(), explore_module.outline

    def slow(*asked):
        if not drawing.is_set():
            drawing.set()
            moved.wait(0.3)
        return outline(*asked)

    monkeypatch.setattr(explore_module, "outline", slow)
    progress = threading.Thread(target=explorer._draw_wave)
    progress.start()
    drawing.wait(10)
    explorer._view._handle_custom_msg({"kind": "range", "name": "time", "start": 10, "end": 12}, [])
    moved.set()
    progress.join()
    assert numbers(explorer._view.data_wave["x"])[-1] < 14


def test_a_name_is_no_detector():
    with pytest.raises(ParameterError, match=r"scores is a str; give Scores, or a detector as Detector\.load gives it"):
        explore("tts-artifacts", np.zeros(160, np.float32))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["click", "echo", "long_pause", "robotic", "repetition", "hallucination"], 6),
        ([f"a type with a long name, number {k}" for k in range(12)], 2),
        (["x" * 200, "y"], 1),
    ],
)
def test_a_legend_wider_than_the_picture_goes_on_below(names, expected):
    """Else the last types could not be read, nor hidden by a click on them."""
    scores = Scores(np.zeros((10, len(names)), np.float32), tuple(names), 200)
    drawn = explore(scores)._view.item
    (columns,) = re.findall(r'"ncols": ?(\d+)', json.dumps(drawn))
    assert int(columns) == expected


def test_a_cell_that_runs_holds_the_waveform_up_no_longer_than_decoding(tmp_path):
    """Of the explorer and of a review, while the cell keeps the event loop busy."""
    save(tmp_path / "a.wav", Waveform(np.full(1_600_000, 0.5, np.float32)))
    span = Annotation(99_000, 99_500, "click")
    manifest = Manifest((ArtifactType("click"),), (AudioItem("a.wav", annotations=(span,)),))

    async def cell():
        shown = explore(scores_with(), tmp_path / "a.wav")._view
        reviewed = review(manifest, {"a.wav": []}, audio_root=tmp_path)._view.widget
        told_by_s = time.monotonic() + 10
        while not (last(shown) > 99 and last(reviewed) > 99) and time.monotonic() < told_by_s:
            time.sleep(0.01)
        assert last(shown) > 99
        assert last(reviewed) > 99

    def last(view):
        return max(numbers(view.data_wave["x"]), default=0) if isinstance(view.data_wave["x"], dict) else 0

    asyncio.run(cell())


def tap(explorer, source, row):
    """Tap a bar as the picture has it now, and give what that would send."""
    columns = getattr(explorer._view, f"data_{source}")
    values = {name: (numbers(column) if isinstance(column, dict) else column)[row] for name, column in columns.items()}
    return {"kind": "tap", "source": source, "row": values}


def test_a_tap_on_a_bar_plays_it():
    explorer = explore(scores_with((10, 20, 0, 0.9)), Waveform(np.zeros(32_000, np.float32)))
    explorer._view._handle_custom_msg(tap(explorer, "found", 0), [])
    assert "<audio" in explorer._player.value


def test_what_was_tapped_plays_although_the_sliders_have_moved_it(monkeypatch):
    """A click at 2 s goes with a higher threshold, and the one at 30 s becomes the first."""
    scores = scores_with((100, 120, 0, 0.6), (1500, 1530, 0, 0.95))
    explorer, played = explore(scores, Waveform(np.zeros(1_600_000, np.float32))), []
    monkeypatch.setattr(explorer._player, "play", lambda _, *stretch: played.append(stretch))
    first = tap(explorer, "found", 0)
    explorer._sliders["threshold"].value = 0.8
    explorer._view._handle_custom_msg(first, [])
    assert played == [(1000, 3400)]
    explorer._view._handle_custom_msg(tap(explorer, "wave", 0), [])
    assert len(played) == 1


def test_audio_that_cannot_be_read_is_said_and_the_curves_are_there(tmp_path):
    explorer = explore(scores_with((10, 20, 0, 0.9)), tmp_path / "none.wav")
    assert "none.wav: cannot be read" in explorer._player.value
    assert len(explorer.detections) == 1


def test_a_recording_without_frames_has_no_detections():
    explorer = explore(Scores(np.zeros((0, 2), np.float32), TYPES, 0), reference=[])
    assert explorer.detections == []
    assert explorer.figures.false_alarms_per_hour is None


def test_an_hour_is_decoded_and_redrawn_in_less_than_a_tenth_of_a_second():
    rng = np.random.default_rng(0)
    values = (rng.random((180_000, 6)) * 0.2).astype(np.float32)
    for start, column in zip(rng.integers(0, 179_000, 900), rng.integers(0, 6, 900), strict=True):
        values[start : start + 30, column] = rng.random()
    truth = [Annotation(int(at), int(at) + 500, f"t{at % 6}") for at in rng.integers(0, 3_500_000, 900)]
    explorer = explore(Scores(values, tuple(f"t{k}" for k in range(6)), 3_600_000), reference=truth)
    times = []
    for threshold in np.linspace(0.3, 0.8, 11):
        before = time.perf_counter()
        explorer._sliders["threshold"].value = float(threshold)
        times.append(time.perf_counter() - before)
    assert np.median(times) < 0.1


def test_the_reference_is_that_of_the_file():
    a, b = (Annotation(at, at + 10, "click") for at in (0, 50))
    manifest = Manifest(
        (ArtifactType("click"),), (AudioItem("x/a.wav", annotations=(a,)), AudioItem("x/b.wav", annotations=(b,)))
    )
    assert reference_of(manifest, "/somewhere/x/b.wav") == (b,)
    assert reference_of([a], None) == (a,)
    assert reference_of(Manifest(manifest.artifact_types, manifest.audio[:1]), None) == (a,)
    with pytest.raises(ParameterError, match=r"audio 'c\.wav' is not one of the 2 recordings"):
        reference_of(manifest, "c.wav")


def test_a_detector_needs_audio():
    with pytest.raises(ParameterError, match="a detector needs a recording"):
        explore(object())


def test_names_are_escaped_in_the_table():
    scores = Scores(np.zeros((5, 1), np.float32), ("<b>",), 100)
    html = figures_html(explore_scores(scores, DecodeConfig(), []).figures, 0)
    assert "<b>" not in html.replace('<b style="font-size:18px">', "").replace("</b>", "")
    assert "&lt;b&gt;" in html
