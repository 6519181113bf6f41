import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from relaylib.errors import ParameterError
from relaylib.widgets.bokeh_view import BokehView, pack_columns


def a_view():
    plot = figure(x_range=Range1d(0, 1, name="time"))
    plot.line("x", "y", source=ColumnDataSource({"x": [1.0, 2.0], "y": [3.0, 4.0]}, name="curve"))
    return BokehView(plot, label="a curve")


def test_numbers_travel_as_bytes_and_the_rest_as_lists():
    packed = pack_columns({"x": np.array([0.5, -2.0]), "n": np.array([1, 2]), "name": ["a", "b"]})
    assert packed["x"] == {"dtype": "f4", "buffer": np.array([0.5, -2.0], "<f4").tobytes()}
    assert packed["n"] == {"dtype": "i4", "buffer": bytes([1, 0, 0, 0, 2, 0, 0, 0])}
    assert packed["name"] == ["a", "b"]


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ParameterError, match=r"lengths \{'x': 1, 'y': 2\}; need the same"):
        pack_columns({"x": [1], "y": [1, 2]})


def test_what_is_replaced_is_in_the_state_of_a_view_that_is_opened_later():
    """A page that is loaded again asks for the state, and gets the columns of now."""
    view = a_view()
    assert view.get_state()["data_curve"] == {"x": [1.0, 2.0], "y": [3.0, 4.0]}
    view.replace("curve", {"x": [5.0], "y": [6.0]})
    assert view.get_state()["data_curve"] == {"x": [5.0], "y": [6.0]}


def test_columns_travel_once_beside_the_drawing_and_not_in_it():
    assert "3.0" not in str(a_view().item)


def test_properties_of_one_model_add_up():
    view = a_view()
    view.assign("time", start=1.0)
    view.assign("time", end=2.0)
    assert view.properties == {"time": {"start": 1.0, "end": 2.0}}


def test_what_is_assigned_again_is_told_again():
    """A person may have moved it meanwhile, which only the view knows."""
    view, told = a_view(), []
    view.observe(lambda change: told.append(change["new"]), "assigned")
    for _ in range(2):
        view.assign("time", start=1.0)
    assert told == [{"time": 1}, {"time": 2}]


def test_a_range_that_was_moved_is_in_the_state_of_a_view_that_is_opened_later():
    """Where it is open already it is not set: a person may be moving it."""
    view = a_view()
    view.on_range("time", lambda *_: None)
    view.assign("time", start=0.0, end=1.0)
    view._handle_custom_msg({"kind": "range", "name": "time", "start": 0.25, "end": 0.5}, [])
    state = view.get_state()
    assert state["properties"] == {"time": {"start": 0.25, "end": 0.5}}
    assert state["assigned"] == {"time": 1}


def test_views_share_one_script():
    """A page with ten drawings gets BokehJS once, as the installed package has it."""
    one, other = a_view(), a_view()
    assert one.bokehjs is other.bokehjs
    assert "embed_item" in one.bokehjs.text
    assert f'"{one.bokehjs.version}"' in one.bokehjs.text


def test_a_script_that_was_closed_is_made_again():
    a_view().bokehjs.close()
    assert a_view().bokehjs.comm is not None


def test_an_unknown_source_is_refused():
    with pytest.raises(ParameterError, match="source 'wave' is not one of 'curve'"):
        a_view().replace("wave", {})


def test_a_source_without_a_name_is_refused():
    plot = figure()
    plot.line([0, 1], [1, 0])
    with pytest.raises(ParameterError, match="has no name"):
        BokehView(plot)


def test_taps_and_moves_reach_their_handlers():
    view, heard = a_view(), []
    view.on_tap(lambda source, row: heard.append((source, row)))
    view.on_range("time", lambda start, end: heard.append((start, end)))
    assert view.watched == ["time"]
    view._handle_custom_msg({"kind": "tap", "source": "curve", "row": {"x": 3.0}}, [])
    view._handle_custom_msg({"kind": "range", "name": "time", "start": 0, "end": 2.5}, [])
    view._handle_custom_msg({"kind": "range", "name": "gain", "start": 0, "end": 9}, [])
    assert heard == [("curve", {"x": 3.0}), (0.0, 2.5)]
