"""The annotator without a browser: what comes of the messages that its view sends."""

import asyncio
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from relaylib.audio import save
from relaylib.errors import ParameterError
from relaylib.formats import read_manifest
from relaylib.types import Annotation, ArtifactType, AudioItem, Detection, Manifest, Waveform, ms_to_samples
from relaylib.widgets.annotator import Annotator
from relaylib.widgets.editing import Draw
from relaylib.widgets.keeping import ManifestKeeper, MemoryKeeper
from relaylib.widgets.session import Session
from relaylib.widgets.suggestions import Suggestions

TYPES = (ArtifactType("click", color="#0072B2"), ArtifactType("echo", color="#D55E00"))
BURST_MS = (400, 600)
ORDER = {"view": "upper", "number": 7}
HEARD = [({"kind": "heard", **ORDER}, None)]


class Spoken(Annotator):
    """Remembers what it says to its view."""

    def __init__(self, *args, **kwargs):
        self.said = []
        super().__init__(*args, **kwargs)

    def send(self, content, buffers=None):
        self.said.append((content, buffers))

    def hear(self, **message):
        """Take a message as from the view; return what is said in answer."""
        self.said.clear()
        self._handle_custom_msg(message, [])
        return list(self.said)

    def edit(self, do, **fields):
        return self.hear(kind="edit", edit={"do": do, **fields}, **ORDER)

    def wait_until_decoded(self):
        assert self._sound.recording.done.wait(10)


@pytest.fixture
def folder(tmp_path):
    """Give two recordings of a second, with noise from 400 to 600 ms in the first."""
    samples = np.zeros(16_000, np.float32)
    first, last = map(ms_to_samples, BURST_MS)
    samples[first:last] = np.random.default_rng(1).uniform(-0.5, 0.5, last - first)
    save(tmp_path / "a.wav", Waveform(samples))
    save(tmp_path / "b.wav", Waveform(np.zeros(8000, np.float32)))
    return tmp_path


@pytest.fixture
def annotator(folder):
    """Give an annotator of both, whose labels are in ``labels.json``."""
    start = Manifest(TYPES, (AudioItem("a.wav", annotations=(Annotation(100, 200, "click"),)), AudioItem("b.wav")))
    made = Spoken(Session(ManifestKeeper(folder / "labels.json", start), folder.joinpath))
    made.wait_until_decoded()
    yield made
    made.close()


def test_edits_change_marks_annotations_and_the_manifest(annotator, folder):
    """A drawn span is selected; who observes `annotations` is told."""
    seen = []
    annotator.observe(lambda change: seen.append(change["new"]), "annotations")
    assert annotator.edit("draw", start_ms=150, end_ms=300, artifact_type="echo") == HEARD
    drawn = Annotation(150, 300, "echo")
    assert annotator.annotations == (Annotation(100, 200, "click"), drawn)
    assert seen == [annotator.annotations]
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations
    assert [(mark["id"], mark["lane"]) for mark in annotator.marks] == [(1, 0), (2, 1)]
    assert annotator.selected == 2
    assert annotator.history == {"undo": True, "redo": False}
    annotator.hear(kind="undo")
    assert annotator.annotations == (Annotation(100, 200, "click"),)
    assert annotator.selected is None, "what is gone is not selected"
    assert annotator.history == {"undo": False, "redo": True}
    annotator.hear(kind="redo")
    assert annotator.annotations_by_file == {"a.wav": (Annotation(100, 200, "click"), drawn), "b.wav": ()}
    assert annotator.files[0]["n_marks"] == 2


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ({"kind": "edit", "edit": {"do": "remove", "id": 99}}, "id=99"),
        ({"kind": "edit", "edit": {"do": "juggle"}}, "juggle"),
        ({"kind": "edit", "edit": {"do": "draw", "start_ms": 1, "end_ms": 2, "artifact_type": "x"}}, "'x' is not one"),
        ({"kind": "open", "index": 2}, "index=2"),
        ({"kind": "done", "index": -1, "done": True}, "index=-1"),
        ({"kind": "filter", "filter": "odd"}, "odd"),
        ({"kind": "publish"}, "REST"),
    ],
)
def test_what_makes_no_sense_is_said_in_the_widget(annotator, message, says):
    """And changes nothing."""
    before = annotator.get_state()
    (answer, _), *rest = annotator.hear(**message, **ORDER)
    assert rest == HEARD
    assert answer["kind"] == "error"
    assert says in answer["message"]
    assert annotator.get_state() == before


def test_labels_that_cannot_be_kept_are_said_to_be(annotator, folder):
    """In the state that is always visible, and as a message."""
    (folder / "labels.json").write_text("{")
    (answer, _), *rest = annotator.edit("draw", start_ms=150, end_ms=300, artifact_type="echo")
    assert rest == HEARD
    assert annotator.saved["state"] == "failed"
    assert answer == {"kind": "error", "message": annotator.saved["message"]}
    (folder / "labels.json").unlink()
    assert annotator.edit("nudge", id=2, by_ms=10) == HEARD
    assert annotator.saved["state"] == "saved"
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations


def test_a_tile_shows_where_the_sound_is(annotator):
    """256 columns of 4 ms: the burst is loud in both pictures, the rest is silent."""
    sound = annotator.sound["id"]
    ((answer, (peaks, levels)),) = annotator.hear(kind="tile", sound=sound, level=0, index=0)
    assert answer == {
        "kind": "tile", "sound": sound, "level": 0, "index": 0, "columns": 256, "bands": 96, "whole": True
    }  # fmt: skip
    loud = np.frombuffer(peaks, np.int8).reshape(256, 2)[:, 1] > 20
    assert (loud == [BURST_MS[0] <= 4 * column < BURST_MS[1] for column in range(256)]).all()
    bands = np.frombuffer(levels, np.uint8).reshape(256, 96)
    assert bands[102:148].min(axis=1).min() > 0
    assert bands[:90].max() == 0


def test_pcm_is_the_sound_itself(annotator, folder):
    """16 bits, little endian, as far as there is any."""
    sound = annotator.sound["id"]
    ((answer, (data,)),) = annotator.hear(kind="pcm", sound=sound, start=6400, end=99_999, request=7)
    assert answer == {"kind": "pcm", "sound": sound, "start": 6400, "request": 7}
    samples = np.frombuffer(data, "<i2")
    assert len(samples) == 16_000 - 6400
    assert np.abs(samples[:3200]).max() > 10_000
    assert not samples[3200:].any()


def test_messages_about_a_recording_that_is_no_longer_open_are_dropped(annotator):
    """They were under way when the next one was opened."""
    before = annotator.sound["id"]
    annotator.hear(kind="open", index=1)
    assert annotator.sound["id"] != before
    assert annotator.hear(kind="tile", sound=before, level=0, index=0) == []
    assert annotator.hear(kind="pcm", sound=before, start=0, end=10, request=1) == []
    assert annotator.hear(kind="something of a newer view") == []


TWO = (Annotation(100, 200, "click"), Annotation(300, 400, "echo"))


@pytest.fixture
def late(folder):
    """Give an annotator that has gone on to the second recording, and the sound of the first, which its view shows."""
    start = Manifest(TYPES, (AudioItem("a.wav", annotations=TWO), AudioItem("b.wav", annotations=TWO)))
    made = Spoken(Session(ManifestKeeper(folder / "labels.json", start), folder.joinpath))
    made.edit("nudge", id=1, by_ms=10)
    before = made.sound["id"]
    made.hear(kind="open", index=1)
    made.edit("nudge", id=2, by_ms=10)
    made.edit("nudge", id=2, by_ms=10)
    made.hear(kind="undo")
    yield made, before
    made.close()


@pytest.mark.parametrize(
    "message",
    [
        {"kind": "edit", "edit": {"do": "remove", "id": 1}},
        {"kind": "edit", "edit": {"do": "draw", "start_ms": 10, "end_ms": 20, "artifact_type": "echo"}},
        {"kind": "edit", "edit": {"do": "change", "id": 2, "artifact_type": "click"}},
        {"kind": "undo"},
        {"kind": "redo"},
        {"kind": "reload"},
        {"kind": "snap", "request": 1, "ms": 100},
    ],
)
def test_what_was_meant_for_another_recording_is_not_done(late, folder, message):
    """It was made on the picture of the one before; the person is told, and the same is done where it is meant."""
    annotator, before = late
    annotator.selected = 1
    state, labels = annotator.get_state(), read_manifest(folder / "labels.json")
    (answer, _), *rest = annotator.hear(**message, sound=before, **ORDER)
    assert rest == HEARD
    assert answer["kind"] == "error"
    assert "no longer open" in answer["message"]
    assert annotator.get_state() == state
    assert read_manifest(folder / "labels.json") == labels
    assert all(answer["kind"] != "error" for answer, _ in annotator.hear(**message, sound=annotator.sound["id"]))


def test_what_is_looked_at_does_not_reach_the_next_recording(late):
    """A selection and a stretch of the recording before are dropped, without a word; from a script both are set."""
    annotator, before = late
    annotator.selected, shown = None, annotator.view_ms
    assert annotator.hear(kind="look", sound=before, selected=1, view_ms=[100.5, 200], **ORDER) == HEARD
    assert (annotator.selected, annotator.view_ms) == (None, shown)
    assert annotator.hear(kind="look", sound=annotator.sound["id"], selected=1, **ORDER) == HEARD
    annotator.hear(kind="look", sound=annotator.sound["id"], view_ms=[100.5, 200])
    assert (annotator.selected, annotator.view_ms) == (1, (100.5, 200.0))
    annotator.hear(kind="look", sound=annotator.sound["id"], selected=99)
    assert annotator.selected is None, "there is no such mark"
    annotator.selected, annotator.view_ms = 2, (0.0, 300.0)
    assert (annotator.get_state()["selected"], annotator.get_state()["view_ms"]) == (2, (0.0, 300.0))


def test_a_mark_is_named_before_its_id_is_known(annotator):
    """By the number of the order that drew it: each view's is its own, whatever was drawn meanwhile and elsewhere."""
    draw = {"kind": "edit", "edit": {"do": "draw", "start_ms": 300, "end_ms": 400, "artifact_type": "click"}}
    annotator.hear(kind="look", selected=1, view="upper", number=1)
    annotator.hear(**draw, view="upper", number=2)
    annotator.hear(**draw, view="lower", number=2)
    annotator.hear(**draw, view="upper", number=3)
    upper, lower, last = (mark["id"] for mark in annotator.marks[1:])
    assert annotator.selected == last
    annotator.hear(kind="edit", edit={"do": "change", "id": -2, "artifact_type": "echo"}, view="lower", number=3)
    annotator.hear(kind="edit", edit={"do": "nudge", "id": -2, "by_ms": -50}, view="upper", number=4)
    annotator.hear(kind="edit", edit={"do": "remove", "id": -3}, view="upper", number=5)
    found = {mark["id"]: (mark["start_ms"], mark["artifact_type"]) for mark in annotator.marks}
    assert found == {1: (100, "click"), upper: (250, "click"), lower: (300, "echo")}
    (answer, _), _ = annotator.hear(
        kind="edit", edit={"do": "remove", "id": -9}, view="upper", number=6, sound=annotator.sound["id"]
    )
    assert "id=-9: there is no such mark" in answer["message"]


def test_a_drawn_span_that_cannot_be_kept_is_selected_all_the_same(annotator, folder):
    """And its view may name it: the key that follows is meant for it."""
    annotator.selected = 1
    (folder / "labels.json").write_text("{")
    annotator.edit("draw", start_ms=150, end_ms=300, artifact_type="echo")
    assert annotator.selected == 2
    annotator.edit("change", id=-ORDER["number"], artifact_type="click")
    assert [mark["artifact_type"] for mark in annotator.marks] == ["click", "click"]


def test_snapping_finds_the_edges_of_the_burst(annotator):
    answers = [annotator.hear(kind="snap", request=k, ms=ms)[0][0] for k, ms in enumerate((385, 627.4))]
    for k, answer in enumerate(answers):
        assert (answer["kind"], answer["request"]) == ("snap", k)
        assert answer["ms"] == pytest.approx(BURST_MS[k], abs=3)


def test_the_queue_follows_the_filter_and_the_done_flags(annotator, folder):
    annotator.hear(kind="filter", filter="unlabelled")
    assert (annotator.file_filter, annotator.shown) == ("unlabelled", [1])
    annotator.hear(kind="done", index=1, done=True)
    assert annotator.shown == []
    assert read_manifest(folder / "labels.json").audio[1].done is True
    annotator.hear(kind="open", index=1)
    assert (annotator.current, annotator.marks, annotator.annotations) == (1, [], ())
    assert annotator.sound["filename"] == "b.wav"
    assert annotator.view_ms == (0.0, 500.0)


def test_a_recording_that_cannot_be_read_says_why(folder):
    """In its row, and where its picture would be; the others can be labelled."""
    (folder / "a.wav").write_text("no sound at all")
    start = Manifest(TYPES, (AudioItem("a.wav"), AudioItem("b.wav")))

    async def look():
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath))
        await eventually(lambda: made.files[0]["error"])
        assert made.sound["error"] == made.files[0]["error"]
        made.hear(kind="open", index=1)
        assert made.sound["error"] is None
        await eventually(lambda: made.sound["decoded_ms"] == 500)
        made.close()

    asyncio.run(look())


def test_a_detector_is_asked_when_a_recording_is_opened(folder):
    """Once for each, beside the event loop; what it finds are suggestions, and failing is said."""
    asked, threads = [], set()

    class Listener:
        def detect(self, path):
            asked.append(path.name)
            threads.add(threading.current_thread())
            if path.name == "b.wav":
                raise OSError("no such disk")
            return [Detection(400, 600, "echo", 0.8)]

    start = Manifest(TYPES, (AudioItem("a.wav"), AudioItem("b.wav")))

    async def look():
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({}, Listener(), "mine"))
        await eventually(lambda: made.marks)
        assert [(m["state"], m["extra_data"]) for m in made.marks] == [("suggestion", {"by": "mine"})]
        made.edit("accept", id=made.marks[0]["id"])
        made.hear(kind="open", index=1)
        await eventually(lambda: made.said)
        assert made.said == [({"kind": "error", "message": "b.wav: no suggestions: no such disk"}, None)]
        made.hear(kind="open", index=0)
        assert [m["state"] for m in made.marks] == ["annotation"]
        made.close()

    asyncio.run(look())
    assert asked == ["a.wav", "b.wav"]
    assert threading.main_thread() not in threads


def test_suggestions_that_come_late_leave_the_hand_alone(folder):
    """What was selected before they came is what Delete removes, and undo brings it back; then they are still there."""
    may_answer = threading.Event()

    class Listener:
        def detect(self, path):
            may_answer.wait(10)
            return [Detection(50, 60, "echo", 0.8)]

    async def look():
        start = Manifest(TYPES, (AudioItem("a.wav"),))
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({}, Listener(), "mine"))
        first, second = made.draw(500, 600, "click"), made.draw(100, 200, "echo")
        may_answer.set()
        await eventually(lambda: len(made.marks) == 3)
        assert made.selected == second
        made.edit("remove", id=second)
        assert [(mark["start_ms"], mark["state"]) for mark in made.marks] == [(50, "suggestion"), (500, "annotation")]
        made.undo()
        made.undo()
        assert [mark["id"] for mark in made.marks if mark["state"] == "annotation"] == [first]
        made.undo()
        assert made.history == {"undo": False, "redo": True}
        assert [mark["state"] for mark in made.marks] == ["suggestion"]
        made.close()

    asyncio.run(look())


def test_a_cell_that_runs_holds_nothing_up(folder):
    """While it keeps the event loop busy, the recording is decoded on the screen, and suggestions come."""

    class Listener:
        def detect(self, path):
            return [Detection(400, 600, "echo", 0.8)]

    async def cells():
        start = Manifest(TYPES, (AudioItem("a.wav"),))
        made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({}, Listener(), "mine"))
        told_by_s = time.monotonic() + 10
        while not (made.marks and made.sound["decoded_ms"] == 1000) and time.monotonic() < told_by_s:
            time.sleep(0.01)
        assert made.sound["decoded_ms"] == 1000
        assert len(made.marks) == 1
        made.close()

    asyncio.run(cells())


def test_what_a_recording_takes_to_come_holds_nobody_up(folder):
    """A dataset downloads it meanwhile; a cell draws into the one that is still there."""
    asked, may_come = threading.Event(), threading.Event()

    def locate(name):
        if name == "b.wav":
            asked.set()
            may_come.wait(10)
        return folder / name

    start = Manifest(TYPES, (AudioItem("a.wav"), AudioItem("b.wav")))
    made = Spoken(Session(MemoryKeeper(start), locate))
    view = threading.Thread(target=lambda: made.hear(kind="open", index=1))
    view.start()
    assert asked.wait(10)
    cell = threading.Thread(target=lambda: made.draw(100, 200, "click"))
    cell.start()
    cell.join(5)
    drawn, came = made.annotations, made.current
    may_come.set()
    view.join()
    cell.join()
    assert ([span.start_ms for span in drawn], came, made.current) == ([100], 0, 1)
    made.close()


async def eventually(found):
    """Wait, with the event loop running, until there is something."""
    for _ in range(1000):
        if found():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing came")


def test_reloading_settles_a_recording_that_is_not_open(annotator, folder):
    """Its box in the queue was ticked, but somebody else had labelled it; after that, edits raise no error again."""
    annotator.edit("nudge", id=1, by_ms=10)
    other = Session(ManifestKeeper(folder / "labels.json"), folder.joinpath)
    other.open(1)
    other.do(Draw(10, 20, "click"))
    (answer, _), *_ = annotator.hear(kind="done", index=1, done=True)
    assert "b.wav: its labels in labels.json were changed elsewhere" in answer["message"]
    assert annotator.hear(kind="reload") == []
    assert annotator.saved["state"] == "saved"
    assert annotator.files[1]["n_marks"] == 1
    assert annotator.edit("nudge", id=1, by_ms=10) == HEARD


@pytest.fixture
def impatient():
    """Let threads take turns fifty times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(usual)


def at_once(*calls):
    """Make calls in a thread each, all at once, and wait for them."""
    with ThreadPoolExecutor(len(calls)) as threads:
        for done in [threads.submit(call) for call in calls]:
            done.result()


def test_a_cell_and_a_hand_may_draw_at_once(folder, impatient):
    """Every span is there, is in the view, and can be undone."""
    start = Manifest(TYPES, (AudioItem("a.wav"),))
    made = Annotator(Session(MemoryKeeper(start), folder.joinpath))

    def draw(first_ms):
        return lambda: [made.draw(first_ms + k, first_ms + k + 5, "echo") for k in range(60)]

    at_once(draw(0), draw(500))
    assert len(made.annotations) == len(made.marks) == 120
    for _ in range(120):
        made.undo()
    assert made.history == {"undo": False, "redo": True}
    made.close()


def test_a_span_may_be_drawn_when_suggestions_come(folder, impatient):
    """Both are there, whoever is first."""
    found = [Detection(k, k + 5, "echo", 0.5) for k in range(200)]
    for _ in range(20):
        made = Annotator(Session(MemoryKeeper(Manifest(TYPES, (AudioItem("a.wav"),))), folder.joinpath))
        at_once(lambda made=made: made._found("a.wav", found), lambda made=made: made.draw(500, 600, "click"))
        assert len(made.marks) == 201
        assert made.annotations == (Annotation(500, 600, "click"),)
        made.close()


def test_a_script_works_as_a_hand_does(annotator, folder):
    """The same edits under the same rules: what is drawn by a script is kept, selected, and can be undone."""
    drawn = annotator.draw(600, 450, "echo", confidence=0.5, extra_data={"note": "soft"})
    expected = Annotation(450, 600, "echo", 0.5, {"note": "soft"})
    assert annotator.annotations == (Annotation(100, 200, "click"), expected)
    assert annotator.selected == drawn
    assert read_manifest(folder / "labels.json").audio[0].annotations == annotator.annotations
    annotator.undo()
    assert annotator.annotations == (Annotation(100, 200, "click"),)
    annotator.redo()
    annotator.remove(drawn)
    assert annotator.annotations == (Annotation(100, 200, "click"),)


def test_a_script_is_told_what_it_did_wrong(annotator):
    """As an exception, where a hand sees a message."""
    with pytest.raises(ParameterError, match="artifact_type 'hum' is not one of"):
        annotator.draw(0, 10, "hum")
    with pytest.raises(ParameterError, match="confidence"):
        annotator.draw(0, 10, "click", confidence=1.5)
    with pytest.raises(ParameterError, match="there is no such mark"):
        annotator.remove(99)
    with pytest.raises(ParameterError, match="only suggestions are accepted"):
        annotator.accept(1)
    assert annotator.annotations == (Annotation(100, 200, "click"),)


def test_a_script_judges_suggestions(folder):
    """One of two is accepted, the other rejected; only the first is an annotation, and says where it comes from."""
    start = Manifest(TYPES, (AudioItem("a.wav"),))
    found = (Detection(100, 200, "click", 0.75), Detection(300, 400, "echo", 0.5))
    made = Spoken(Session(MemoryKeeper(start), folder.joinpath), Suggestions({"a.wav": found}))
    first, second = (mark["id"] for mark in made.marks)
    made.accept(first)
    made.reject(second)
    (kept,) = made.annotations
    assert (kept.start_ms, kept.end_ms, kept.confidence) == (100, 200, 1.0)
    assert kept.extra_data["suggested"]["confidence"] == 0.75
    assert len(made.marks) == 1
    made.close()
