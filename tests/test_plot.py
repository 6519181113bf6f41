from __future__ import annotations

import io

import numpy as np
import pytest

from relaylib.errors import ParameterError
from relaylib.plot import OKABE_ITO, _on, _stack, plot_detections, type_colors
from relaylib.types import Annotation, Detection, Scores, Waveform

WAVE = Waveform(np.sin(np.arange(32_000) * 0.3).astype(np.float32))


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_all_panels_share_one_time_axis_and_alignment():
    scores = Scores(np.zeros((100, 2), np.float32), ("echo", "glitch"), 2000)
    figure = plot_detections(WAVE, reference=[Annotation(100, 900, "echo")], scores=scores, start_ms=50, end_ms=1500)
    assert len(figure.axes) == 4
    assert {axis.get_xlim() for axis in figure.axes} == {(0.05, 1.5)}
    assert len({(axis.get_position().x0, axis.get_position().x1) for axis in figure.axes}) == 1
    tops = [axis.get_position().y0 for axis in figure.axes]
    assert tops == sorted(tops, reverse=True)


def test_lanes_hold_what_is_in_sight():
    """Spans outside the stretch are not drawn; detections carry their confidence."""
    figure = plot_detections(
        WAVE,
        reference=[Annotation(100, 900, "echo"), Annotation(1700, 1900, "glitch")],
        detections=[Detection(150, 800, "echo", 0.87)],
        end_ms=1500,
    )
    assert texts(figure) == ["echo", "echo 0.87"]
    assert len(plot_detections(WAVE).axes) == 2


def test_overlapping_spans_are_stacked():
    spans = [Annotation(0, 500, "echo"), Annotation(400, 900, "glitch"), Annotation(500, 600, "echo")]
    assert _stack(spans) == [[spans[0], spans[2]], [spans[1]]]


def test_figure_needs_no_pyplot_and_can_be_saved():
    import sys

    figure = plot_detections(WAVE, detections=[Detection(0, 3, "glitch", 1.0)], title="a.wav", paper="none")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    assert out.getvalue().startswith(b"\x89PNG")
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("name", ["$\\no{math$", "a take of \udcff.wav"])
def test_names_are_drawn_as_they_are(name):
    """Neither dollars, between which matplotlib would read formulas, nor bytes that are no text end the drawing."""
    spans = [Annotation(0, 1500, name.replace("\udcff", ""))]
    scores = Scores(np.ones((100, 1), np.float32), (spans[0].artifact_type,), 2000)
    figure = plot_detections(WAVE, reference=spans, scores=scores, title=name)
    figure.savefig(io.BytesIO(), format="png")
    assert texts(figure) == [spans[0].artifact_type]


@pytest.mark.parametrize("n", [1, 7, 400, 16_000])
def test_silence_and_very_short_sound_can_be_drawn(n):
    figure = plot_detections(Waveform(np.zeros(n, np.float32), 8000 if n > 400 else 200))
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("width_inches", [4, 9])
@pytest.mark.parametrize(
    ("names", "title"),
    [
        (("echo", "glitch"), "take.wav"),
        (tuple(f"an artifact with a long name, {k}" for k in range(8)), "a title that is nearly as long as can be.wav"),
        (tuple(f"an artifact with a long name, {k}" for k in range(8)), None),
        (("echo",), "a title that leaves no room for a key beside it, however short.wav"),
    ],
)
def test_keys_and_title_have_a_place_of_their_own(names, title, width_inches):
    """However many types there are: nothing lies over the title or the waveform, or beyond the edge."""
    scores = Scores(np.ones((100, len(names)), np.float32), names, 2000)
    figure = plot_detections(WAVE, scores=scores, title=title, width_inches=width_inches)
    figure.canvas.draw()
    (keys,) = figure.legends
    box, wave = keys.get_window_extent(), figure.axes[0].get_window_extent()
    assert box.x0 >= 0
    assert box.y0 >= wave.y1
    assert box.y1 <= figure.bbox.y1
    assert not any(box.overlaps(text.get_window_extent()) for text in figure.texts)


@pytest.mark.parametrize("width_inches", [0, 1, float("nan")])
def test_a_picture_without_room_is_refused(width_inches):
    with pytest.raises(ParameterError, match=f"width_inches={width_inches}: need more than 1"):
        plot_detections(WAVE, width_inches=width_inches)


def test_samples_that_are_none_are_refused():
    with pytest.raises(ParameterError, match="NaN"):
        plot_detections(Waveform(np.full(16_000, np.nan, np.float32)))


@pytest.mark.parametrize(("start_ms", "end_ms"), [(5000, None), (-1, 100), (100, 100)])
def test_empty_stretches_are_refused(start_ms, end_ms):
    with pytest.raises(ParameterError, match="within the recording"):
        plot_detections(WAVE, start_ms=start_ms, end_ms=end_ms)


def test_colors_go_by_order_and_text_reads_on_them():
    assert type_colors(["b", "a", "b"]) == {"b": OKABE_ITO[0], "a": OKABE_ITO[1]}
    assert _on("#000000") == "white"
    assert _on("#E6E600") == "black"
