"""The arithmetic of the annotator's view, run by node: what lies where, what is under the pointer, what plays next."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pytest
from copied import copied
from hypothesis import given, settings
from hypothesis import strategies as st

from relaylib.types import Annotation
from relaylib.widgets.editing import Change, Nudge, Rules, apply
from relaylib.widgets.marks import marks_of
from relaylib.widgets.sound import bands_hz

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

# Calls a function of a module for each line of arguments, so that a test with many cases starts node once.
SERVE = """
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  const [file, name, calls] = JSON.parse(line);
  const called = (await import("./" + file))[name];
  console.log(JSON.stringify(calls.map((one) => called(...one) ?? null)));
}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Give a function that calls one of a module with each of several lists of arguments."""
    folder = copied(tmp_path_factory.mktemp("scripts"))
    (folder / "serve.js").write_text(SERVE)
    with subprocess.Popen(
        ["node", "serve.js"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def call(function, *calls):
            file, name = function.split(":")
            process.stdin.write(json.dumps([file, name, calls]) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield call
        process.stdin.close()


durations = st.integers(1, 4_000_000)
shares = st.floats(0, 1)


@st.composite
def views(draw):
    """Return a view inside of a recording, and how long that is."""
    duration_ms = draw(durations)
    length = max(20, draw(shares) * duration_ms)
    start = draw(shares) * max(0, duration_ms - length)
    return [start, start + length], duration_ms


@settings(max_examples=60, deadline=None)
@given(views(), st.floats(0.1, 10), shares)
def test_zooming_keeps_what_is_under_the_pointer(node, case, factor, share):
    """Unless the recording ends there; the view stays inside of it and between its bounds."""
    view, duration_ms = case
    at_ms = view[0] + share * (view[1] - view[0])
    ((start, end),) = node("view.js:zoomView", [view, factor, at_ms, duration_ms])
    longest = max(duration_ms, 20)
    assert end - start == pytest.approx(min(max((view[1] - view[0]) * factor, 20), longest))
    assert -1e-6 <= start <= end <= longest + 1e-6
    if start > 1e-6 and end < longest - 1e-6:
        assert start + share * (end - start) == pytest.approx(at_ms, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(views(), st.floats(-1e7, 1e7))
def test_panning_keeps_the_length_and_stays_inside(node, case, by_ms):
    view, duration_ms = case
    ((start, end),) = node("view.js:panView", [view, by_ms, duration_ms])
    assert end - start == pytest.approx(view[1] - view[0])
    wanted = min(max(view[0] + by_ms, 0), max(duration_ms, 20) - (view[1] - view[0]))
    assert start == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(
    ("view", "span", "expected"),
    [
        ([0, 1000], [200, 300], [0, 1000]),  # in sight: nothing moves
        ([0, 1000], [4000, 4200], [3600, 4600]),  # as long as before, with the span in its middle
        ([0, 1000], [4000, 6000], [3500, 6500]),  # a longer span gets half its length more
        ([0, 1000], [9900, 9990], [9000, 10_000]),  # the recording ends
    ],
)
def test_a_span_is_brought_into_sight(node, view, span, expected):
    assert node("view.js:reveal", [view, *span, 10_000]) == [expected]


def test_pixels_and_times_are_each_others_inverse(node):
    """10 s on 500 pixels: 20 ms each."""
    assert node("view.js:xAt", [[1000, 11_000], 500, 1000], [[1000, 11_000], 500, 3000]) == [0, 100]
    assert node("view.js:msAt", [[1000, 11_000], 500, 0], [[1000, 11_000], 500, 100]) == [1000, 3000]


def test_the_clock_shows_what_a_step_needs(node):
    """Rounded, with no digit beyond; hours only where there are any."""
    cases = {
        (0, 1): "0:00.000", (1234, 1): "0:01.234", (61_250, 10): "1:01.25", (61_250, 100): "1:01.3",
        (59_999.6, 1): "1:00.000", (3_599_000, 1000): "59:59", (3_600_000, 1000): "1:00:00",
        (3_725_500, 100): "1:02:05.5",
    }  # fmt: skip
    assert node("view.js:clock", *map(list, cases)) == list(cases.values())


@settings(max_examples=60, deadline=None)
@given(views(), st.integers(300, 3000))
def test_marks_of_the_ruler_are_round_and_far_enough_apart(node, case, width):
    """The next finer step would be too near for its labels, unless it is the finest."""
    view, _ = case
    ((step, times),) = [(found["step"], found["times"]) for found in node("view.js:rulerTicks", [view, width])]
    pixels = width / (view[1] - view[0])
    assert step * pixels >= 75.9
    assert step == 1 or step * pixels / 2.5 < 76 or step >= 600_000
    assert all(time % step == 0 and view[0] <= time <= view[1] + 1e-9 for time in times)
    assert all(later - time == step for time, later in pairwise(times))
    assert len(times) >= int((view[1] - view[0]) / step)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.01, 50_000))
def test_tiles_have_a_column_for_each_pixel_and_not_two(node, ms_per_pixel):
    """Below 4 ms a pixel there is nothing finer."""
    (level,) = node("tiles.js:levelFor", [ms_per_pixel])
    (length,) = node("tiles.js:columnMs", [level])
    assert length == 4 * 2**level
    assert length <= max(ms_per_pixel, 4) < 2 * length or ms_per_pixel < 4


def test_tiles_in_sight_cover_the_view_and_end_with_the_recording(node):
    """A tile of level 0 is 1024 ms."""
    calls = [[[0, 1024], 0, 9999], [[0, 1025], 0, 9999], [[1023, 3000], 0, 9999], [[0, 9999], 0, 1500], [[0, 20], 0, 0]]
    assert node("tiles.js:tilesIn", *calls) == [[0, 0], [0, 1], [0, 2], [0, 1], [0, 0]]


MARKS = [
    {"id": 1, "start_ms": 1000, "end_ms": 3000, "lane": 0},
    {"id": 2, "start_ms": 2000, "end_ms": 2400, "lane": 1},
    {"id": 3, "start_ms": 5000, "end_ms": 5001, "lane": 0},
]


@pytest.mark.parametrize(
    ("x", "options", "expected"),
    [
        (150, {}, (1, "body")),
        (97, {}, (1, "start")),
        (103, {}, (1, "start")),
        (302, {}, (1, "end")),
        (220, {}, (2, "body")),  # the shorter one lies above
        (201, {}, (2, "start")),
        (220, {"selected": 1}, (1, "body")),  # what is selected comes first
        (220, {"lane": 0}, (1, "body")),
        (150, {"lane": 1}, None),
        (400, {}, None),
        (500, {}, (3, "body")),  # one of 1 ms is wide enough to be taken
        (496, {}, (3, "start")),
        (504, {}, (3, "end")),
    ],
)
def test_what_is_under_the_pointer(node, x, options, expected):
    """10 s on 1000 pixels; edges reach 5 pixels."""
    (found,) = node("hit.js:hit", [MARKS, x, {"view": [0, 10_000], "width": 1000, **options}])
    assert (found and (found["mark"]["id"], found["part"])) == expected


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 998), st.integers(1, 500), st.integers(-2000, 2000), st.sampled_from(["start", "end", "body"]))
def test_a_drag_shows_what_the_kernel_will_make_of_it(node, start_ms, length, by_ms, part):
    """The edges that are sent, and the nudge that a key would send, both give what was on the screen."""
    end_ms = min(start_ms + length, 1000)
    marks, rules = marks_of([Annotation(start_ms, end_ms, "a")]), Rules(1000, ("a",))
    (dragged,) = node("hit.js:dragged", [{"start_ms": start_ms, "end_ms": end_ms}, part, by_ms, 1000])
    for edit in (Change(1, **dragged), Nudge(1, by_ms, "both" if part == "body" else part)):
        (mark,) = apply(marks, edit, rules).items
        assert dragged == {"start_ms": mark.start_ms, "end_ms": mark.end_ms}


def test_a_drawn_span_is_whole_ms_inside_of_the_recording(node):
    calls = [[10.4, 20.6, 100], [20.6, 10.4, 100], [-5, 500, 100], [10.1, 10.4, 100], [150, 200, 100]]
    spans = [found and (found["start_ms"], found["end_ms"]) for found in node("hit.js:spanBetween", *calls)]
    assert spans == [(10, 21), (10, 21), (0, 100), None, None]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 50), st.integers(1, 60), shares, st.booleans(), st.integers(3, 20))
def test_pieces_one_behind_the_other_are_the_sound(node, start, length, share, loop, block):
    """From where it begins to the end, and over and over from the start with a loop; no piece crosses a block."""
    end = start + length
    plan = {"start": start, "end": end, "from": start + int(share * (length - 1)), "loop": loop}
    expected = np.concatenate([np.arange(plan["from"], end), *([np.arange(start, end)] * 3 if loop else [])])
    played = []
    while len(played) < len(expected):
        (piece,) = node("schedule.js:nextPiece", [plan, len(played), block])
        assert piece["start"] // block == (piece["end"] - 1) // block
        played += range(piece["start"], piece["end"])
    np.testing.assert_array_equal(played, expected)
    assert node("schedule.js:sampleAt", *([plan, k] for k in range(len(expected)))) == expected.tolist()
    if not loop:
        assert node("schedule.js:nextPiece", [plan, len(played), block]) == [None]
        assert node("schedule.js:sampleAt", [plan, len(played) + 5]) == [end]


def test_the_audio_clock_says_how_much_was_played(node):
    """16 kHz at double speed: 3200 samples in 0.1 s; before the beginning nothing was."""
    anchor = {"time": 2.0, "played": 1000}
    assert node("schedule.js:playedAt", [anchor, 2.1, 2, 16_000]) == [pytest.approx(4200)]
    assert node("schedule.js:playedAt", [anchor, 1.9, 2, 16_000]) == [1000]
    assert node("schedule.js:timeOf", [anchor, 4200, 2, 16_000]) == [pytest.approx(2.1)]


def key(name, **held):
    return {"key": name, "ctrlKey": False, "metaKey": False, "altKey": False, "shiftKey": False, **held}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (key(" "), {"action": "play"}),
        (key("a"), {"action": "accept"}),
        (key("A", shiftKey=True), {"action": "accept"}),
        (key("z", ctrlKey=True), {"action": "undo"}),
        (key("Z", metaKey=True, shiftKey=True), {"action": "redo"}),
        (key("3"), {"action": "type", "index": 2}),
        (key("é", code="Digit2"), {"action": "type", "index": 1}),
        (key("%", code="Digit5", shiftKey=True), None),
        (key("ArrowLeft"), {"action": "arrow", "sign": -1, "by_ms": -10, "edge": "both"}),
        (key("ArrowRight", shiftKey=True), {"action": "arrow", "sign": 1, "by_ms": 1, "edge": "both"}),
        (key("ArrowRight", altKey=True), {"action": "arrow", "sign": 1, "by_ms": 10, "edge": "end"}),
        (key("ArrowRight", ctrlKey=True), {"action": "arrow", "sign": 1, "by_ms": 10, "edge": "start"}),
        (key("Tab", shiftKey=True), {"action": "tab", "sign": -1}),
        (key("s", ctrlKey=True), None),
        (key("s", altKey=True), None),
        (key("F5"), None),
    ],
)
def test_keys(node, event, expected):
    """With the digits of other keyboards, and without what belongs to the browser or the application."""
    assert node("keys.js:actionOf", [event]) == [expected]


def test_frequencies_are_written_where_their_bands_lie(node):
    """The middles of the 96 bands, by the kernel's own table, within a band."""
    heights = np.array(node("picture.js:bandOf", *([float(hertz)] for hertz in bands_hz())))
    np.testing.assert_allclose(heights * 96, np.arange(96) + 0.5, atol=1)


def test_lanes_are_found_where_they_are_drawn(node):
    """For one lane and for more than fit."""
    for n_lanes in (1, 3, 20):
        (bands,) = node("bands.js:bandsOf", [300, n_lanes])
        tops = [bands[name] for name in ("ruler", "wave", "spectrogram", "lanes")]
        assert all(0 <= top < bottom <= 300 for top, bottom in tops)
        assert all(bottom <= top for (_, bottom), (top, _) in pairwise(tops))
        places = node("bands.js:laneAt", *([bands, lane, n_lanes] for lane in range(n_lanes)))
        found = node("bands.js:laneOf", *([bands, (top + bottom) / 2, n_lanes] for top, bottom in places))
        assert found == list(range(n_lanes))
        assert node("bands.js:laneOf", [bands, bands["wave"][0], n_lanes]) == [None]
    low = node("bands.js:bandsOf", *([height, 12] for height in range(100, 300)))
    assert all(top < bottom for bands in low for top, bottom in bands.values())


def test_files_of_one_name_are_told_apart_by_their_folders(node):
    names = ["a/take.wav", "b/take.wav", "b/c/take.wav", "one.wav", "take.wav", "x/two.wav"]
    (called,) = node("queue.js:callNames", [names])
    assert called == ["a/take.wav", "b/take.wav", "c/take.wav", "one.wav", "take.wav", "two.wav"]


def test_the_list_is_sorted_and_filtered(node):
    marks = [
        {"id": 1, "start_ms": 5, "end_ms": 9, "artifact_type": "b", "confidence": 0.5},
        {"id": 2, "start_ms": 1, "end_ms": 9, "artifact_type": "b", "confidence": 0.9},
        {"id": 3, "start_ms": 3, "end_ms": 9, "artifact_type": "a", "confidence": 0.7},
    ]
    calls = [[marks, "time", ""], [marks, "type", ""], [marks, "confidence", ""], [marks, "time", "b"]]
    found = [[mark["id"] for mark in one] for one in node("list.js:arranged", *calls)]
    assert found == [[2, 3, 1], [3, 2, 1], [2, 3, 1], [2, 1]]


@pytest.mark.parametrize(
    ("sign", "selected", "cursor_ms", "expected"),
    [
        (1, None, 0, 1),
        (1, None, 1000, 1),  # one that begins at the cursor is ahead of it
        (1, None, 1001, 2),
        (-1, None, 9999, 3),
        (-1, None, 1500, 1),
        (1, 0, 0, 2),  # after the selected one, wherever the cursor is
        (-1, 2, 0, 2),
        (1, 2, 0, None),
        (-1, 0, 9999, None),
    ],
)
def test_the_next_mark(node, sign, selected, cursor_ms, expected):
    """`selected` is a place in the list, `expected` an id."""
    chosen = None if selected is None else MARKS[selected]
    (found,) = node("neighbour.js:neighbour", [MARKS, sign, chosen, cursor_ms])
    assert (found and found["id"]) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((90, 310), {"start_ms": 90, "end_ms": 310}),
        ((290, 290), {"end_ms": 290}),  # one edge for both ends: it is nearer to the end
        ((120, 120), {"start_ms": 120}),
        ((220, 190), {"end_ms": 190}),
        ((310, 350), {"start_ms": 310, "end_ms": 350}),
        ((300, 300), {"end_ms": 300}),
        ((310, 220), {"end_ms": 220}),
    ],
)
def test_ends_take_the_edges_that_were_found(node, found, expected):
    """A mark from 100 to 300 ms; its ends never meet."""
    start_ms, end_ms = found
    calls = [{"start_ms": 100, "end_ms": 300}, {"start_ms": start_ms, "end_ms": end_ms}]
    assert node("snapper.js:takenEnds", calls) == [expected]


def test_kinds_are_sent_in_the_order_that_the_kernel_has_them_in(node):
    """Its answer is then what was sent, and takes back nothing that was clicked meanwhile."""
    kinds = [{"kind": kind} for kind in ("hit", "boundary", "miss")]
    calls = [[kinds, ["miss"], "hit"], [kinds, ["miss", "hit"], "boundary"], [kinds, ["hit", "miss"], "hit"]]
    assert node("review_list.js:toggled", *calls) == [["hit", "miss"], ["hit", "boundary", "miss"], ["miss"]]


def test_a_tap_tells_what_the_picture_has_in_that_row(node):
    columns = {"start": [10, 20], "type": ["click", "echo"]}
    assert node("bokeh_view.js:rowAt", [columns, 1]) == [{"start": 20, "type": "echo"}]


def test_a_note_leaves_other_data_alone(node):
    calls = [
        [None, " new "],
        [{"note": "old", "by": "me"}, "new"],
        [{"note": "old", "by": "me"}, ""],
        [{"note": "old"}, " "],
    ]
    assert node("inspector.js:withNote", *calls) == [{"note": "new"}, {"by": "me", "note": "new"}, {"by": "me"}, None]


@pytest.mark.parametrize(
    ("before", "mark", "expected"),
    [
        (MARKS[0], {**MARKS[0], "end_ms": 4000}, True),
        (MARKS[0], {**MARKS[0], "id": 4}, False),
        (MARKS[0], MARKS[1], False),
        ({**MARKS[0], "id": -7}, MARKS[0], True),  # the kernel has given it its id
        ({**MARKS[0], "id": -7}, MARKS[1], False),
        (None, MARKS[0], False),
        (MARKS[0], None, False),
        (None, None, True),
    ],
)
def test_the_inspector_knows_a_mark_again(node, before, mark, expected):
    """What is being typed stays for the same mark, and never becomes that of another."""
    assert node("inspector.js:isSame", [before, mark]) == [expected]


def test_text_is_read_on_every_colour(node):
    """By the contrast of WCAG: black or white, whichever has more; on pure red black has 5.3, white 4.0."""
    colors = ["#000000", "#ffffff", "#FF0000", "#0072B2", "#E69F00", "#56B4E9"]
    expected = ["#ffffff", "#000000", "#000000", "#ffffff", "#000000", "#000000"]
    assert node("colors.js:textOn", *([color] for color in colors)) == expected
