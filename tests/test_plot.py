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


@pytest.mark.parametrize("n", [1, 7, 400, 16_000])
def test_silence_and_very_short_sound_can_be_drawn(n):
    figure = plot_detections(Waveform(np.zeros(n, np.float32), 8000 if n > 400 else 200))
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize(("start_ms", "end_ms"), [(5000, None), (-1, 100), (100, 100)])
def test_empty_stretches_are_refused(start_ms, end_ms):
    with pytest.raises(ParameterError, match="within the recording"):
        plot_detections(WAVE, start_ms=start_ms, end_ms=end_ms)


def test_colors_go_by_order_and_text_reads_on_them():
    assert type_colors(["b", "a", "b"]) == {"b": OKABE_ITO[0], "a": OKABE_ITO[1]}
    assert _on("#000000") == "white"
    assert _on("#E6E600") == "black"
