"""What the annotator's view tells the kernel while that is busy, and what it makes of late answers, run by node."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from copied import copied

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")

# A desk without elements; `sent` is what the kernel gets, `said` what it has said of its state.
DESK = """
import { makeActions } from "./actions.js";
import { Link } from "./link.js";
import { Pen } from "./pen.js";
import { listenToPicture } from "./pointer.js";
import { Sight } from "./sight.js";
import { Snapper } from "./snapper.js";

const sent = [];
const said = { selected: 1, view_ms: [0, 1000] };
const heardOf = new Map();
const model = {
  get: (name) => said[name], send: (message) => sent.push(message),
  on: (event, call) => heardOf.set(event, call), off: (event) => heardOf.delete(event),
};
const silent = [];
const link = new Link(model, (message) => silent.push(message));
const desk = {
  link, model, recording: { id: "a" }, durationMs: 10000, playback: { playing: false }, marks: () => [mark],
  get view() { return sight.view; },
  get selected() { return sight.selected; },
  select: (id) => sight.select(id),
  seek() {}, refresh() {}, schedule() {},
};
const sight = new Sight(model, desk);
const mark = { id: 1, start_ms: 100, end_ms: 200, lane: 0 };
const edited = [];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
sight.begin();
let result = null;
SCENE
console.log(JSON.stringify(result));
process.exit();
"""


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """Give a function that plays a scene at the desk, and returns its result."""
    folder = copied(tmp_path_factory.mktemp("scripts"))

    def played(scene):
        (folder / "scene.js").write_text(DESK.replace("SCENE", scene))
        run = subprocess.run(["node", "scene.js"], cwd=folder, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return played


def test_nothing_counts_as_saved_before_the_kernel_has_heard_the_last_change_of_this_view(play):
    """What another view is told does not count, nor does what it looks at hold anything up."""
    found = play("""
const heard = (view, number) => [link.heard({ view, number }), link.waiting, link.behind];
const numbers = [link.change({ kind: "undo" }), link.change({ kind: "redo" }), link.tell({ kind: "look" })];
const other = new Link(model, null);
result = [numbers, heard(other.view, 3), heard(link.view, 1), heard(link.view, 2), heard(link.view, 3)];
result.push(sent.map(({ view, number }) => [view === link.view, number]));
""")
    numbers, *heard, sent = found
    assert numbers == [1, 2, 3]
    assert heard == [[False, True, True], [True, True, True], [True, False, True], [True, False, False]]
    assert sent == [[True, 1], [True, 2], [True, 3]]


@pytest.mark.parametrize(
    "parted",
    [
        'model.send = () => { throw new Error("Cannot send"); }; link.change({ kind: "undo" });',
        'model.send = () => { throw new Error("Cannot send"); }; link.send({ kind: "tile" });',
        'heardOf.get("comm_live_update")();',
    ],
)
def test_a_kernel_that_is_gone_is_said_to_be_gone(play, parted):
    """As after its restart: by the first thing that cannot be sent, or by the page; it is no error of the view.

    Where it answers all the same, nothing of it is true any more.
    """
    found = play(f"""
{parted}
result = [link.lost, silent.length, silent[0].includes("Run the cell again")];
link.heard({{ view: link.view, number: link.sent }});
result.push(link.lost, silent[1]);
link.close();
result.push(heardOf.size);
""")
    assert found == [True, 1, True, False, None, 0]


def test_the_next_recording_is_the_one_after_that_which_is_on_its_way(play):
    """Two presses of J go two on, and K back; D asks for none while one is on its way, for nobody has seen that yet."""
    found = play("""
Object.assign(said, { shown: [0, 1, 3, 4], current: 0 });
const actions = makeActions(desk);
const heard = () => link.heard({ view: link.view, number: link.sent });
const opened = () => sent.splice(0).map(({ kind, index }) => [kind, index]);
result = [];
actions["next-file"]();
actions["next-file"]();
actions["previous-file"]();
actions["next-file"]();
result.push(opened());
heard();
said.current = 3;
actions.done();
actions.done();
result.push(opened());
said.shown = [0, 1, 3, 4, 5];
said.current = 4; // its state comes before the word that the order was heard
actions.done();
result.push(opened());
""")
    assert found == [
        [["open", 1], ["open", 3], ["open", 1], ["open", 3]],
        [["done", 3], ["open", 4], ["done", 3]],
        [["done", 4], ["open", 5]],
    ]


def test_what_is_looked_at_names_its_recording(play):
    """A selection at once, a stretch a little later; none of it once another recording has come."""
    found = play("""
sight.select(2);
sight.select(2);
sight.show([100, 500]);
await wait(250);
sight.show([200, 600]);
desk.recording = { id: "b" };
Object.assign(said, { selected: null, view_ms: [0, 300] });
sight.begin();
await wait(250);
result = [sent, sight.selected, sight.view];
""")
    looks = [{key: message[key] for key in message if key != "view"} for message in found[0]]
    assert looks == [
        {"kind": "look", "sound": "a", "selected": 2, "number": 1},
        {"kind": "look", "sound": "a", "view_ms": [100, 500], "number": 2},
    ]
    assert found[1:] == [None, [0, 300]]


def test_a_late_answer_does_not_take_back_what_was_looked_at_since(play):
    """Two clicks on a busy kernel: its word on the first comes after the second; its last word counts."""
    found = play("""
result = [];
const answered = (number, selected) => {
  said.selected = selected;
  sight.take();
  link.heard({ view: link.view, number });
  sight.take();
  result.push(sight.selected);
};
sight.select(2);
sight.select(3);
answered(1, 2);
answered(2, 3);
said.selected = 5;
sight.take();
result.push(sight.selected);
""")
    assert found == [3, 3, 5]


def test_a_drawn_mark_goes_by_its_order_until_it_has_an_id(play):
    """Keys that follow at once name it; then the kernel's marks have it."""
    found = play("""
const edit = (one) => link.change({ kind: "edit", edit: one });
const pen = new Pen({ edit, drew: (id) => edited.push(id), changed() {}, failed() {} });
pen.take([{ name: "click" }]);
sight.select(null);
pen.draw({ start_ms: 10, end_ms: 20 });
pen.draw({ start_ms: 30, end_ms: 40 });
result = [edited, pen.unheard.map(({ id, start_ms, artifact_type }) => [id, start_ms, artifact_type])];
pen.heard(1);
result.push(pen.unheard.length);
pen.heard(2);
result.push(pen.unheard.map(({ id }) => id));
pen.begin();
result.push(pen.unheard.length);
""")
    assert found == [[-2, -3], [[-2, 10, "click"], [-3, 30, "click"]], 2, [-3], 0]


def test_a_snap_is_of_the_recording_that_it_was_asked_for(play):
    """Whatever is on the screen when the edges are found; answers to another view are not for this one."""
    found = play("""
const one = new Snapper((message) => sent.push(message), (edit, sound) => edited.push([edit, sound]));
const other = new Snapper(() => {}, (edit) => edited.push(["other", edit]));
other.snap(mark, "a");
one.snap(mark, "a");
desk.recording = { id: "b" };
const [start, end] = sent;
for (const snapper of [one, other]) {
  snapper.take({ request: start.request, ms: 90 });
  snapper.take({ request: end.request, ms: 210 });
}
result = [sent.map(({ sound, ms }) => [sound, ms]), edited];
""")
    assert found == [
        [["a", 100], ["a", 200]],
        [[{"do": "change", "id": 1, "start_ms": 90, "end_ms": 210}, "a"]],
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("", [["move", 1], ["settle"]]),
        ('desk.recording = { id: "b" };', [["move", 1]]),  # the next recording comes while the mark is held
    ],
)
def test_a_drag_ends_with_its_recording(play, change, expected):
    """What is held of one recording is not put into the next."""
    scene = """
const canvas = Object.assign(new EventTarget(), {
  style: {}, setPointerCapture() {}, getBoundingClientRect: () => ({ left: 0, top: 0, width: 1000 }),
});
const pointer = (type, clientX) => canvas.dispatchEvent(
  Object.assign(new Event(type), { pointerId: 1, button: 0, buttons: 1, clientX, clientY: 50 }),
);
const bands = { ruler: [0, 20], wave: [20, 100], spectrogram: [100, 200], lanes: [200, 220] };
desk.painter = { drawnAs: { width: 1000, nLanes: 1, bands } };
desk.pen = { move: ({ id }) => edited.push(["move", id]), settle: () => edited.push(["settle"]) };
listenToPicture(canvas, desk);
pointer("pointerdown", 150);
pointer("pointermove", 180);
CHANGE
if (desk.recording.id === "b") pointer("pointermove", 190);
pointer("pointerup", 190);
result = edited;
"""
    assert play(scene.replace("CHANGE", change)) == expected
